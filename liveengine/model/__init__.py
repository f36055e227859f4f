"""The transformer: its network, cached decoding, sampling, and checkpoints."""
