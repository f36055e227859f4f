"""Bars of drum hits: what the model writes (Hit, Bar) and what the player sends (TimedHit)."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.errors import ContractError
from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_BEAT, TICKS_PER_STEP, Meter
from liveengine.music.drums import Voice

MICRO_MIN = -(TICKS_PER_STEP // 2)
MICRO_MAX = TICKS_PER_STEP // 2 - 1


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke: a step (sixteenth) of the bar, a micro-timing in ticks (1/48 beat), a voice, a velocity.

    `openness` is how open a hi-hat is, 0-1; None is as open as its voice says.

    `micro` runs from -6 (early) to +5 (late); the downbeat's early hits belong to its own bar, so a
    hit may sound up to 1/8 beat before the bar line.
    """

    step: int
    voice: Voice
    micro: int
    velocity: int
    openness: float | None = None

    def __lt__(self, other: Hit) -> bool:
        """Return whether it is sorted before another."""
        mine = (self.step, self.voice, self.micro, self.velocity)
        others = (other.step, other.voice, other.micro, other.velocity)
        if mine != others:
            return mine < others
        return (-1.0 if self.openness is None else self.openness) < (
            -1.0 if other.openness is None else other.openness
        )

    def __post_init__(self) -> None:
        """Refuse values outside the ranges above."""
        if self.step < 0 or not MICRO_MIN <= self.micro <= MICRO_MAX:
            raise ContractError(
                f"hit: expected step >= 0 and micro {MICRO_MIN}..{MICRO_MAX}, "
                f"got step {self.step}, micro {self.micro}"
            )
        if not 1 <= self.velocity <= 127:
            raise ContractError(f"hit: expected a velocity of 1-127, got {self.velocity}")
        if self.openness is not None and not 0 <= self.openness <= 1:
            raise ContractError(f"hit: expected an openness of 0-1, got {self.openness}")

    @property
    def beat(self) -> float:
        """Distance from the bar line in beats, micro-timing included."""
        return self.step / STEPS_PER_BEAT + self.micro / TICKS_PER_BEAT


@dataclass(frozen=True, slots=True)
class Bar:
    """The hits of one bar, sorted by step, voice and micro-timing."""

    meter: Meter
    hits: tuple[Hit, ...]

    def __post_init__(self) -> None:
        """Refuse hits beyond the bar line and unsorted hits."""
        if any(hit.step >= self.meter.steps for hit in self.hits):
            raise ContractError(
                f"bar in {self.meter}: expected steps below {self.meter.steps}, "
                f"got {max(hit.step for hit in self.hits)}"
            )
        if list(self.hits) != sorted(self.hits):
            raise ContractError("bar: expected hits sorted by step, voice, micro and velocity")


@dataclass(frozen=True, slots=True)
class TimedHit:
    """A stroke as it will sound: its address in beats, and what moves with the clock in milliseconds.

    `beat` counts from the bar line and holds swing and micro-timing, which scale with tempo.
    `offset_ms` holds push, pull and jitter, which do not; positive is later. `openness` is its hit's.
    """

    beat: float
    offset_ms: float
    voice: Voice
    velocity: int
    openness: float | None = None
