"""Ableton Live: what we write for it, and how we speak with it."""
