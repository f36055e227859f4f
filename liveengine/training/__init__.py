"""Training: the corpus as bars with controls, windows of tokens, and the training loop."""
