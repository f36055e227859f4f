"""What options of the command line can be."""

from __future__ import annotations

from enum import StrEnum


class Backend(StrEnum):
    """MIDI systems."""

    AUTO = "auto"
    ALSA = "alsa"
    JACK = "jack"
    COREMIDI = "coremidi"
    WINMM = "winmm"
    FILE = "file"
    NONE = "none"


class Device(StrEnum):
    """Where the model runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class ClockKind(StrEnum):
    """Whose time is played in."""

    LINK = "link"
    SYSTEM = "system"
    VIRTUAL = "virtual"


class GeneratorKind(StrEnum):
    """Who makes the bars."""

    LOCAL = "local"
    CELERY = "celery"


class SwitchMode(StrEnum):
    """From where a control that needs new bars is heard."""

    INSTANT = "instant"
    BEAT = "beat"
    BAR = "bar"
    PHRASE_4 = "phrase_4"
    PHRASE = "phrase"
