"""Turns: what the player has turned, to be undone one by one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from liveengine.music.control import ControlState
from liveengine.planning.horizon import PlannedBar

UNDO_KEPT = 64
ONE_TURN_US = 1_000_000.0
"""What one control is turned through without a pause of this is one turn to undo."""


@dataclass(frozen=True, slots=True)
class Turned:
    """The controls before a turn, the bar that played, and which control it was, when."""

    controls: ControlState
    planned: PlannedBar | None
    control: str
    at_us: float


class Turns:
    """The last turns. Used by the engine's thread."""

    def __init__(self) -> None:
        """Begin with nothing to undo."""
        self._turns: deque[Turned] = deque(maxlen=UNDO_KEPT)

    def remember(self, turned: Turned) -> None:
        """Keep a turn; a turn through many values is one."""
        last = self._turns[-1] if self._turns else None
        if last is not None and last.control == turned.control and turned.at_us - last.at_us < ONE_TURN_US:
            self._turns[-1] = replace(last, at_us=turned.at_us)
        else:
            self._turns.append(turned)

    def take_back(self) -> Turned | None:
        """Return the last turn and forget it; None where there is none."""
        return self._turns.pop() if self._turns else None
