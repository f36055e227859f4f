"""Drums as files: patterns of some bars, written in batches."""
