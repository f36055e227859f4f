"""Evaluation: bits per note, and how generated bars compare with real ones, each beside real against real."""
