"""The player process: sends planned strokes at their time and reports each."""
