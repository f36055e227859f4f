"""Live tests: a real JACK server, real Link peers, and an independent listener at the drum port."""
