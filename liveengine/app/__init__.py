"""The composition root: what runs live, in virtual time, from Python and from the command line."""
