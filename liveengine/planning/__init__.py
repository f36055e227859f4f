"""Planning, pure and in virtual time: what has been asked for, which bars come, and what they are to be."""
