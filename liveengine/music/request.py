"""What the conductor asks of a generator, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.errors import ContractError
from liveengine.music.beats import Meter
from liveengine.music.heard import HeardGroove
from liveengine.music.pattern import Bar, Hit
from liveengine.music.requirement import Requirement

PHRASE_BARS = 8
"""Bars of a phrase: a drummer's sentences."""
MAX_LOOKAHEAD_BARS = 8
"""Bars that may be planned ahead of the one that plays."""


def context_begins(index: int) -> int:
    """Return the first of the bars that bar `index` is written from: where the phrase before its own began.

    A phrase's bars all begin their context at one place, so that each costs only itself; which bars a bar
    was written from never depends on what a generator happens to hold.
    """
    return max(0, index - index % PHRASE_BARS - PHRASE_BARS)


@dataclass(frozen=True, slots=True)
class Conditioning:
    """The controls of one bar as the model knows them; None leaves a control to the model.

    `genres` are (name, weight) with weights that sum to 1. `density` and `energy` are quantiles 0-1 of
    the training bars: notes per beat, and mean velocity. `phrase` is the bar's place in eight bars.
    `steadiness`, a quantile too, is how far the drummer holds the take's own groove. `groove` is that of
    another player, which the bar answers to.
    """

    genres: tuple[tuple[str, float], ...] = ()
    bpm: float | None = None
    density: float | None = None
    energy: float | None = None
    fill: bool | None = None
    phrase: int | None = None
    steadiness: float | None = None
    groove: HeardGroove | None = None


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
class Guidance:
    """How much further than the model by itself its bars go toward what is asked; 1 is not at all.

    Classifier-free guidance (Ho and Salimans 2022) against the same bar with the genre left open, and
    against the same with density, energy and a fill left open. The defaults are the figures at which the
    evaluation finds styles recognised and controls followed without making bars easier to tell from real.
    """

    style: float = 2.0
    controls: float = 6.0

    def __post_init__(self) -> None:
        """Refuse strengths outside 1-10."""
        for name, strength in (("style", self.style), ("control", self.controls)):
            if not 1.0 <= strength <= 10.0:
                raise ContractError(f"{name} guidance: expected 1 to 10, got {strength:g}")


GUIDED = Guidance()


@dataclass(frozen=True, slots=True)
class Borrowing:
    """Drums of a bar, named as in `GROUPS`, that are asked to be another style than the rest."""

    conditioning: Conditioning
    drums: frozenset[str]


def begins_groove(context: tuple[ContextBar, ...], from_step: int) -> bool:
    """Tell whether a bar begins a groove: it follows nothing, and is a bar but for what it lands on."""
    return not context and from_step <= 1


@dataclass(frozen=True, slots=True)
class BarRequest:
    """Asks for the bar that follows `context` (oldest first); the answer's serial is `serial`.

    The bar begins with the hits of `prefix`, all before `from_step`, and only the rest is written: that is
    how a bar changes while it plays. `seed` alone decides the dice; the same request makes the same bar, on
    one machine. `index` counts bars from the start and is for the reader of a trace. A bar that does not
    meet `musts` is written again, a few times at most.
    """

    serial: int
    index: int
    meter: Meter
    conditioning: Conditioning
    context: tuple[ContextBar, ...]
    seed: int
    temperature: float = 1.0
    guidance: Guidance = GUIDED
    prefix: tuple[Hit, ...] = ()
    from_step: int = 0
    borrowing: Borrowing | None = None
    musts: tuple[Requirement, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether it begins a groove: it follows nothing, and is a bar but for what it lands on."""
        return begins_groove(self.context, self.from_step)

    def __post_init__(self) -> None:
        """Refuse a beginning that reaches into the rest, or a rest beyond the bar."""
        if not 0 <= self.from_step < self.meter.steps:
            raise ContractError(
                f"bar {self.index}: expected a step of {self.meter} to write from, got {self.from_step}"
            )
        if any(hit.step >= self.from_step for hit in self.prefix):
            raise ContractError(f"bar {self.index}: expected its beginning before step {self.from_step}")


@dataclass(frozen=True, slots=True)
class LostRequest:
    """A request that will not be answered: its generator is gone, or the bar `cannot_be_made` at all."""

    serial: int
    cannot_be_made: bool = False


@dataclass(frozen=True, slots=True)
class BarReply:
    """A generated bar, its beginning included: how many tokens it has, and how long its writing took, ms.

    `source` says who made it, and `round_trip_ms` how long asking took, where another machine may be asked.
    It was written `tries` times until it met what it must.
    """

    serial: int
    bar: Bar
    tokens: int
    generated_ms: float
    source: str = ""
    round_trip_ms: float | None = None
    tries: int = 1
