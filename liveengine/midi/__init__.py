"""MIDI: real ports through RtMidi, files through mido, and a sink that remembers."""
