"""Clocks and timelines: Ableton Link, a steady tempo of its own, and virtual time."""
