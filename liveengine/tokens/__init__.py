"""Tokens: drum bars as ids, the grammar that keeps them valid, and the MidiTok tokenizer."""
