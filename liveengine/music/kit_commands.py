"""Commands that concern kits: one stroke by hand, and a kit that may be played from now on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from liveengine.errors import ContractError
from liveengine.music.checks import checked_whole
from liveengine.music.kit import Articulation, KitMap, Strike

STRUCK_VELOCITY = 100
"""Of a stroke by hand without one."""


@dataclass(frozen=True, slots=True)
class StrikePad:
    """Strike an articulation once, at once, on the kit that is played; on `note` of it where one is given.

    It is no part of the performance: neither plan nor take has it.
    """

    articulation: Articulation
    velocity: int = STRUCK_VELOCITY
    note: int | None = None

    def __post_init__(self) -> None:
        """Refuse a velocity or a note out of range."""
        object.__setattr__(self, "velocity", checked_whole("strike: velocity", self.velocity, 1, 127))
        if self.note is not None:
            object.__setattr__(self, "note", checked_whole("strike: note", self.note, 0, 127))

    def on(self, kit: KitMap) -> Strike:
        """Return what the stroke is on a kit."""
        strike = kit.strike(self.articulation, self.velocity)
        return strike if self.note is None else replace(strike, note=self.note)


@dataclass(frozen=True, slots=True)
class AddKit:
    """Let a kit be played, in the place of one of its name if there is one."""

    kit: KitMap


KitCommand = StrikePad | AddKit
"""Commands that concern kits and change no control."""


def articulation_named(name: str, where: str = "articulation") -> Articulation:
    """Return the articulation of a name; raises ContractError listing all otherwise."""
    try:
        return Articulation(name)
    except ValueError as error:
        raise ContractError(f"{where}: expected one of {', '.join(Articulation)}, got {name!r}") from error
