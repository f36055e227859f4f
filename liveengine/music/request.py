"""What the conductor asks of a generator, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.music.beats import Meter
from liveengine.music.pattern import Bar

PHRASE_BARS = 8
"""Bars of a phrase: a drummer's sentences."""


@dataclass(frozen=True, slots=True)
class Conditioning:
    """The controls of one bar as the model knows them; None leaves a control to the model.

    `genres` are (name, weight) with weights that sum to 1. `density` and `energy` are quantiles 0-1 of
    the training bars: notes per beat, and mean velocity. `phrase` is the bar's place in eight bars.
    """

    genres: tuple[tuple[str, float], ...] = ()
    bpm: float | None = None
    density: float | None = None
    energy: float | None = None
    fill: bool | None = None
    phrase: int | None = None


@dataclass(frozen=True, slots=True)
class ContextBar:
    """A bar that has been, with what it was asked to be.

    `serial` names it within one run: a serial's bar always follows the same bar, so a generator that
    still holds it needs nothing that came before.
    """

    serial: int
    bar: Bar
    conditioning: Conditioning


@dataclass(frozen=True, slots=True)
class BarRequest:
    """Asks for the bar that follows `context` (oldest first); the answer's serial is `serial`.

    `seed` alone decides the dice. `index` counts bars from the start and is for the reader of a trace.
    """

    serial: int
    index: int
    meter: Meter
    conditioning: Conditioning
    context: tuple[ContextBar, ...]
    seed: int
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class BarReply:
    """A generated bar: how many tokens it took, and how long, in ms of the generator's own clock."""

    serial: int
    bar: Bar
    tokens: int
    generated_ms: float
