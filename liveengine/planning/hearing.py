"""What the plan makes of other players: bars that answer them, a fill where they break off, an answer."""

from __future__ import annotations

from liveengine.listening.jam import SURE_FILLS, Accents, Jam
from liveengine.listening.listener import Heard
from liveengine.planning import gestures
from liveengine.planning.events import Effect, HeardOnset, PlayersHeard
from liveengine.planning.planner import Planner


class Hearing:
    """Brings what is heard to a planner. Owned by the conductor."""

    def __init__(self, plan: Planner, effects: list[Effect]) -> None:
        """Begin with nobody heard."""
        self._plan, self._effects = plan, effects
        self._jam = Jam()

    def hear(
        self,
        heard: Heard,
        accents_of: Accents,
        onsets: tuple[HeardOnset, ...],
        now_us: float,
        *,
        at_once: bool = False,
    ) -> None:
        """Let the coming bars take what is heard of other players; with `at_once` the one that plays too."""
        plan = self._plan
        plan.now_us = now_us
        current = plan.horizon.current
        first = current if at_once else plan.next_bar()
        count = plan.horizon.lookahead_bars + 2
        reaction = self._jam.react(
            heard, plan.controls, accents_of, next_bar=first, current=current, count=count
        )
        self._effects.append(PlayersHeard(now_us, current, onsets, heard, reaction))
        changed = plan.specs.hear(reaction, current + plan.horizon.lookahead_bars)
        if changed is not None and plan.loop is None:
            plan.revise(changed)

    def stopped(self, now_us: float) -> None:
        """Fill the gap where the players break off, if fills go by what is heard."""
        self._plan.now_us = now_us
        controls = self._plan.controls
        if controls.jam in ("follow", "trade") and controls.listen_fills >= SURE_FILLS:
            gestures.fill(self._plan)

    def answer(self) -> None:
        """Answer what the players played last, from the next bar on."""
        self._jam.ask_answer(self._plan.next_bar(), round(self._plan.controls.trade_bars))
