"""Generation: the model as a source of bars, in this process or in its own."""
