"""MIDI clock as the MIDI 1.0 specification has it: the messages, and how many pulses there are."""

from __future__ import annotations

from liveengine.music.beats import STEPS_PER_BEAT

PULSES_PER_BEAT = 24
"""Timing clock comes 24 times a quarter note."""
PULSES_PER_STEP = PULSES_PER_BEAT // STEPS_PER_BEAT
"""Song position counts sixteenths, six pulses each."""
PULSE, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
