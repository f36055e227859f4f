"""Following a set: its scenes are planned as soon as their bars come into view, and begin with them."""

from __future__ import annotations

from liveengine.errors import UnknownNameError
from liveengine.music.beats import BeatMap
from liveengine.music.scene import SetEntry
from liveengine.planning.events import ControlMoved, Effect
from liveengine.planning.intent import Pending
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
        """Let the next scene of the set, or that of a marker, come with the next bar; at once in silence.

        Raises UnknownNameError without a set, at its end, and for a marker that it does not have.
        """
        if self._walk is None:
            raise UnknownNameError("set: expected a set list to be played (--set-list), there is none")
        entry = self._walk.call(self._plan.next_bar(), marker)
        if not self._plan.sounding:
            self._changes.recall(entry.scene, 0, None)
            self._begin(self._walk, entry, self._plan.horizon.current)

    def _begin(self, walk: SetListPlayer, entry: SetEntry, bar: int) -> None:
        walk.begin(bar)
        self._effects.append(ControlMoved(self._plan.now_us, "set", entry.scene.name))

    def follow(self, beat_map: BeatMap) -> None:
        """Plan the set's next scene as soon as its bar comes into view, and begin it with its bar.

        One whose bar has passed before it was planned comes with the next, and one that an act at once or an
        undo has taken out of the plan is planned again.
        """
        coming = self._walk.coming() if self._walk else None
        if coming is None or self._walk is None:
            return
        entry, bar = coming
        horizon = self._plan.horizon
        if horizon.current >= bar and (entry.morph_bars or self._planned == coming):
            self._begin(self._walk, entry, bar)
            if entry.morph_bars:
                self._changes.recall(entry.scene, entry.morph_bars, beat_map)
            return
        if horizon.current >= bar:
            bar = self._walk.put_off(self._plan.next_bar())
        intent = self._plan.intent
        is_planned = self._planned == (entry, bar) and (intent.pending or intent.morph) is not None
        in_view = horizon.current + horizon.lookahead_bars >= bar
        if in_view and not entry.morph_bars and not is_planned:
            self._planned = (entry, bar)
            name, controls = entry.scene.name, entry.scene.over(self._plan.controls)
            self._plan.take_over_at(Pending(bar, controls, name=f"scene {name}"))
