"""What the player has turned, to be undone one by one."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from liveengine.planning.horizon import PlannedBar
from liveengine.planning.intent import Intent

UNDO_KEPT = 64
ONE_TURN_US = 1_000_000.0
"""What one control is turned through without a pause of this is one turn to undo."""


@dataclass(frozen=True, slots=True)
class UndoEntry:
    """The intent before a turn, the bar that played, and which control it was, when.

    Where it was `drawn` only the drawing is undone, and where it was to end only that: no bar comes again.
    """

    intent: Intent
    planned: PlannedBar | None
    control: str
    at_us: float
    drawn: bool = False
    ends: bool = False


class UndoStack:
    """The last turns. Used by the engine's thread."""

    def __init__(self) -> None:
        """Begin with nothing to undo."""
        self._turns: deque[UndoEntry] = deque(maxlen=UNDO_KEPT)

    def remember(self, entry: UndoEntry) -> None:
        """Keep a turn; a turn through many values is one."""
        last = self._turns[-1] if self._turns else None
        if last is not None and last.control == entry.control and entry.at_us - last.at_us < ONE_TURN_US:
            self._turns[-1] = replace(last, at_us=entry.at_us)
        else:
            self._turns.append(entry)

    def forget_endings(self) -> None:
        """Forget that it was to end, once it has, or was stopped."""
        self._turns = deque((turn for turn in self._turns if not turn.ends), maxlen=UNDO_KEPT)

    def take_back(self) -> UndoEntry | None:
        """Return the last turn and forget it; None where there is none."""
        return self._turns.pop() if self._turns else None
