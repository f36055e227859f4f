"""What a bar must show: drums that strike, or do not, on certain sixteenths, or so many times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar

DRUMS: Mapping[str, frozenset[Voice]] = {
    **{voice.label: frozenset((voice,)) for voice in Voice},
    "snare": frozenset((Voice.SNARE, Voice.SNARE_RIM)),
    "backbeat": frozenset((Voice.SNARE, Voice.SNARE_RIM, Voice.RIM)),
    "shut_hat": frozenset((Voice.CLOSED_HAT, Voice.PEDAL_HAT)),
    "hat": frozenset((Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.OPEN_HAT)),
    "ride": frozenset((Voice.RIDE, Voice.BELL)),
    "timekeeper": frozenset((Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.OPEN_HAT, Voice.RIDE, Voice.BELL)),
    "toms": frozenset((Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM)),
    "crash": frozenset((Voice.CRASH, Voice.CRASH_2)),
}
"""What a fact may speak of: a voice by its name, or several that are one drum to a listener."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """Of `drums`, each of `on` must be struck, one of `any_of` must be, none of `off` may be.

    Places are steps from the bar line; `count` is the least and the most strokes of the bar.
    """

    drums: frozenset[Voice]
    on: tuple[int, ...] = ()
    any_of: tuple[int, ...] = ()
    off: tuple[int, ...] = ()
    count: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse one that requires nothing."""
        if not (self.drums and (self.on or self.any_of or self.off or self.count)):
            raise ContractError("expected drums and one of on, any, off and count, got none")

    def holds(self, bar: Bar, from_step: int = 0) -> bool:
        """Return whether a bar shows it, as far as the steps from `from_step` on can tell."""
        struck = [hit.step for hit in bar.hits if hit.voice in self.drums]
        steps = frozenset(struck)
        if any(step not in steps for step in self.on if step >= from_step):
            return False
        if self.any_of and min(self.any_of) >= from_step and steps.isdisjoint(self.any_of):
            return False
        if any(step in steps for step in self.off if step >= from_step):
            return False
        return self.count is None or from_step > 0 or self.count[0] <= len(struck) <= self.count[1]


def lacking(requirements: Sequence[Requirement], bar: Bar, from_step: int = 0) -> int:
    """Return how many requirements a bar does not meet, as far as the steps from `from_step` on can tell.

    They speak of bars in 4/4: bars of other meters lack nothing.
    """
    if bar.meter != FOUR_FOUR:
        return 0
    return sum(not each.holds(bar, from_step) for each in requirements)
