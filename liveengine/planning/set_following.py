"""Following a set: its scenes are planned as soon as their bars come into view, and begin with them."""

from __future__ import annotations

from liveengine.errors import UnknownNameError
from liveengine.music.beats import BeatMap
from liveengine.music.scene import SetEntry
from liveengine.planning.events import ControlMoved, Effect
from liveengine.planning.intent_changes import IntentChanges
from liveengine.planning.planner import Planner
from liveengine.planning.scenes import SetListPlayer


class SetFollower:
    """Brings the scenes of a set, if there is one, to a planner. Owned by the conductor."""

    def __init__(
        self, walk: SetListPlayer | None, plan: Planner, changes: IntentChanges, effects: list[Effect]
    ) -> None:
        """Begin with the set's first scene."""
        self._walk, self._plan, self._changes, self._effects = walk, plan, changes, effects
        self._planned: tuple[SetEntry, int] | None = None

    def call(self, marker: str | None = None) -> None:
        """Let the next scene of the set, or that of a marker, come with the next bar.

        Raises UnknownNameError without a set, at its end, and for a marker that it does not have.
        """
        if self._walk is None:
            raise UnknownNameError("set: expected a set list to be played (--set-list), there is none")
        self._walk.call(self._plan.next_bar(), marker)

    def follow(self, beat_map: BeatMap) -> None:
        """Plan the set's next scene as soon as its bar comes into view, and begin it with its bar."""
        coming = self._walk.coming() if self._walk else None
        if coming is None or self._walk is None:
            return
        entry, bar = coming
        horizon = self._plan.horizon
        if horizon.current >= bar:
            self._walk.begin(bar)
            self._effects.append(ControlMoved(self._plan.now_us, "set", entry.scene.name))
            if entry.morph_bars:
                self._changes.recall(entry.scene, entry.morph_bars, beat_map)
            return
        in_view = horizon.current + horizon.lookahead_bars >= bar
        if in_view and not entry.morph_bars and self._planned != (entry, bar):
            self._planned = (entry, bar)
            self._plan.take_over_at(bar, entry.scene.over(self._plan.controls))
