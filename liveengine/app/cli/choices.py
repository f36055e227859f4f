"""What options of the command line can be."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import typer
from typer.core import TyperOption

MORE: dict[str, Any] = {"hidden": True}
"""Of an option that few need: --help leaves it out, --help-all shows it."""


def show_all(context: typer.Context, asked: bool) -> None:
    """Print the help with every option, and end."""
    if not asked:
        return
    for each in context.command.params:
        if isinstance(each, TyperOption):
            each.hidden = False
    typer.echo(context.get_help())
    raise typer.Exit


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
    MIDI = "midi"
    TAP = "tap"
    SYSTEM = "system"
    VIRTUAL = "virtual"


class GeneratorKind(StrEnum):
    """Who makes the bars."""

    LOCAL = "local"
    CELERY = "celery"


class JamMode(StrEnum):
    """How the drummer plays with those whom he hears."""

    OFF = "off"
    FOLLOW = "follow"
    COMPLEMENT = "complement"
    TRADE = "trade"


class SwitchMode(StrEnum):
    """From where a control that needs new bars is heard."""

    INSTANT = "instant"
    BEAT = "beat"
    BAR = "bar"
    PHRASE_4 = "phrase_4"
    PHRASE = "phrase"
