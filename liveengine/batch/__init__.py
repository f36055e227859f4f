"""Patterns: drums for a file instead of a stage, by the same requests, feel and takes as live."""
