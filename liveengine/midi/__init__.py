"""MIDI: real ports through python-rtmidi, files through mido, and a sink that remembers."""
