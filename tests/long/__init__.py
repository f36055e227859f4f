"""The long part: hours in virtual time, and ten minutes live."""
