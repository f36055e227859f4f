"""Pages: HTML and SVG in one file that loads nothing."""
