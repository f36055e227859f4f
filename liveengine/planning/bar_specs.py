"""What each bar of the plan is made from: the controls, a change that is under way, and what is heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from liveengine.listening.reaction import NO_REACTION, BarReaction, Reaction
from liveengine.music.control import ControlState
from liveengine.music.personality import Personality, played_by
from liveengine.music.style import StyleBook, blended
from liveengine.planning.bar_builder import BarSpec
from liveengine.planning.intent import Intent
from liveengine.planning.pending_request import ChangePoint

LOUDNESS_SHARE = 0.5
"""Of what energy is moved by others, so much of the velocities: the model alone follows it loosely."""


class BarSpecs:
    """The specs by bar. Owned by the planner."""

    def __init__(self, styles: StyleBook, drummers: Mapping[str, Personality]) -> None:
        """Begin with nothing under way and nothing heard."""
        self._styles, self._drummers = styles, drummers
        self._turn: ChangePoint | None = None
        self._heard: dict[int, BarReaction] = {}
        self._heard_from_now_on = NO_REACTION
        self.early_ms = 0.0
        """How far what is heard may move a hit forward at most."""

    def of(self, controls: ControlState) -> BarSpec:
        """Return what a bar is made of under controls, if nothing is heard."""
        other = self._styles.find(controls.blend_style) if controls.blend_style else None
        style = blended(self._styles.find(controls.style), other, controls.blend)
        named = style.drummer if controls.drummer == "style" else controls.drummer
        played = played_by(style, self._drummers.get(named or ""))
        return BarSpec(played, controls, other if controls.borrowed else None)

    def at(self, index: int, intent: Intent) -> BarSpec:
        """Return what a bar is to be made from: what comes with a bar comes whatever is under way."""
        has_come = intent.coming is not None and index >= intent.coming[0]
        if self._turn is not None and index < self._turn.bar and not has_come:
            return self.with_heard(index, self._turn.before)
        return self.with_heard(index, self.of(intent.controls_at(index)))

    # --- a change that is under way ------------------------------------------------------------

    def turn(self, bar: int, before: BarSpec, *, anew: bool = False) -> None:
        """Let bars before one be made from another spec yet; an earlier change to it stays unless `anew`."""
        if anew or self._turn is None or self._turn.bar != bar:
            self._turn = ChangePoint(bar, before)

    def forget_turn(self) -> None:
        """Make every bar from the controls as they are now."""
        self._turn = None

    def pass_bar(self, current: int) -> None:
        """Forget a change that has come, and what was heard for bars that are over."""
        if self._turn is not None and current >= self._turn.bar:
            self._turn = None
        if self._heard and min(self._heard) < current:
            self._keep({bar: reaction for bar, reaction in self._heard.items() if bar >= current})

    # --- what is heard -------------------------------------------------------------------------

    def heard_at(self, index: int) -> BarReaction:
        """Return what a bar takes from other players."""
        return self._heard.get(index, self._heard_from_now_on)

    def with_heard(self, index: int, spec: BarSpec) -> BarSpec:
        """Return a spec with what a bar takes from other players; how hard it is struck is felt at once."""
        heard = self.heard_at(index)
        harder = 1 + LOUDNESS_SHARE * heard.energy
        feel = replace(spec.style.feel, velocity_scale=spec.style.feel.velocity_scale * harder)
        return replace(
            spec, style=replace(spec.style, feel=feel) if heard.energy else spec.style, heard=heard
        )

    def hear(self, reaction: Reaction, last_bar: int) -> int | None:
        """Let bars take what is heard; return the first up to the last planned that is another now."""
        changed = None
        past = range(min(self._heard, default=reaction.first_bar), reaction.first_bar)
        kept = {bar: self.heard_at(bar) for bar in past}
        for bar in range(reaction.first_bar, max(last_bar + 1, reaction.first_bar + len(reaction.bars))):
            before, now = self.heard_at(bar), reaction.at(bar)
            kept[bar] = before if now.is_near(before) else now
            if kept[bar] is not before and bar <= last_bar and changed is None:
                changed = bar
        self._keep(kept)
        self._heard_from_now_on = reaction.bars[-1]
        return changed

    def _keep(self, heard: dict[int, BarReaction]) -> None:
        self._heard = heard
        pockets = [each.pocket for each in heard.values() if each.pocket is not None]
        self.early_ms = max((pocket.early_ms for pocket in pockets), default=0.0)
