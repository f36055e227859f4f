"""Changes of the intent, brought to the plan: each control from where it is heard, and undone one by one."""

from __future__ import annotations

from dataclasses import replace

from liveengine.music.beats import BeatMap
from liveengine.music.control import TIME_FEELS, ControlState, StateCommand
from liveengine.music.drawing import NOTHING_DRAWN, Drawing
from liveengine.music.drawing_commands import DrawCommand
from liveengine.music.scene import Scene
from liveengine.planning import drawing, ending, gestures
from liveengine.planning.bar_builder import BarSpec
from liveengine.planning.events import Effect, TellPlayer
from liveengine.planning.intent import Intent
from liveengine.planning.planner import Planner
from liveengine.planning.rereading import follow_time
from liveengine.planning.scenes import Morph
from liveengine.planning.undo import UndoEntry, UndoStack
from liveengine.playback.messages import SetLatency

REGROOVE = ("swing_percent", "humanize", "pushes_ms")
"""Controls that change feel only: planned bars stay, their timing is made anew."""
RELEVEL = ("levels", "muted", "soloed", "kit")
"""Controls that change nothing but how loud planned hits are, or what strikes them."""
REGENERATE = ("density", "energy", "variation", "fill_every", "drummer")
"""Controls, beside styles and borrowed drums, that new bars are needed for."""


class IntentChanges:
    """Changes a planner's intent. Owned by the conductor."""

    def __init__(self, plan: Planner, effects: list[Effect]) -> None:
        """Begin with nothing to undo."""
        self._plan, self._effects = plan, effects
        self._regroove = self._resend = False
        self._undo = UndoStack()
        self.undos = 0
        """How often something was undone: who plans ahead of the player's acts then looks again."""

    def begin_bar(self) -> None:
        """Let the controls that come with the bar take over; what came by itself can be undone then."""
        plan, before = self._plan, self._plan.intent
        plan.intent = before.at_bar(plan.horizon.current)
        came = before.pending
        if came is None or plan.intent.pending is not None:
            return
        plan.specs.forget_turn()
        if came.name:
            played = plan.horizon.played()
            planned = next((bar for bar in reversed(played) if bar.index < came.first_bar), None)
            self._undo.remember(UndoEntry(before.without_pending(), planned, came.name, plan.now_us))

    def turn(self, name: str, command: StateCommand) -> None:
        """Turn one control."""
        intent = self._plan.intent.with_command(command)
        if intent != self._plan.intent:
            self.remember(name)
            self.become(intent)

    def become(self, intent: Intent) -> None:
        """Let the intent be another, each control from where it is heard."""
        before, spec, intended = self._plan.controls, self._plan.spec, self._plan.intent
        self._plan.intent = intent
        self._apply_change(before, spec)
        if intent.pending != intended.pending and intent.pending is not None:
            self._plan.revise(intent.pending.bar)
        if intent.morph != intended.morph and intent.morph is not None:
            self._plan.revise(intent.morph.end_bar)

    def _apply_change(self, before: ControlState, spec: BarSpec) -> None:
        """Let what has changed since these controls be heard."""
        now = self._plan.controls

        def changed(names: tuple[str, ...]) -> bool:
            return any(getattr(now, name) != getattr(before, name) for name in names)

        self._send_latency(before)
        self._resend |= changed(RELEVEL)
        self._regroove |= changed(REGROOVE)
        after = self._plan.spec
        other_bars = (after.style, after.lender, after.borrowed) != (spec.style, spec.lender, spec.borrowed)
        if other_bars or changed(REGENERATE):
            self._plan.make_anew(spec)
        if changed(TIME_FEELS):
            follow_time(self._plan)
        if changed(("time_signature",)):
            self._plan.ask()

    def _send_latency(self, before: ControlState) -> None:
        """Send the player the latency, where it is another than before."""
        if self._plan.controls.latency_ms != before.latency_ms:
            self._effects.append(TellPlayer(SetLatency(self._plan.controls.latency_ms)))

    def settle(self) -> None:
        """Let feel and loudness be heard as they are set now, once for all commands since then."""
        if self._regroove:
            gestures.groove_again(self._plan)
        elif self._resend:
            gestures.send_open(self._plan)
        self._regroove = self._resend = False

    def strike_anew(self) -> None:
        """Let what is planned be struck on the kit as it is now."""
        self._resend = True

    @property
    def unsettled(self) -> bool:
        """Whether feel or loudness has changed since it was settled."""
        return self._regroove or self._resend

    def draw(self, command: DrawCommand) -> DrawCommand:
        """Draw or erase a stroke; return the command as it can still be heard.

        Raises ContractError where it cannot any more.
        """
        command = drawing.reachable(self._plan, command)
        where = f"draw {command.bar} {command.step} {command.voice}"
        self._redraw(where, self._plan.intent.with_drawn(command).drawing)
        return command

    def clear_drawing(self) -> None:
        """Leave all that is drawn by hand to the model again, from now on."""
        self._redraw("clear_drawing", NOTHING_DRAWN)

    def _redraw(self, control: str, drawn: Drawing) -> None:
        if drawn != self._plan.intent.drawing:
            self.remember(control, drawn=True)
            self._lay(drawn)

    def _lay(self, drawn: Drawing) -> None:
        self._plan.intent = self._plan.intent.with_drawing(drawn)
        drawing.lay(self._plan)

    def end(self, fill_bar: int | None) -> None:
        """Let it end after a fill in a bar; one that comes sooner counts. None takes it back for good."""
        pending = self._plan.intent.ending
        if fill_bar is None:
            self._undo.forget_endings()
        elif self._plan.sounding and (pending is None or fill_bar < pending):
            self.remember("end", ends=True)
        else:
            return
        ending.become(self._plan, self._plan.intent.with_ending(fill_bar))

    def remember(self, control: str, *, drawn: bool = False, ends: bool = False) -> None:
        """Keep the intent as it is, to be undone to, before a control or a drawn stroke changes it."""
        playing = self._plan.horizon.get(self._plan.horizon.current)
        self._undo.remember(UndoEntry(self._plan.intent, playing, control, self._plan.now_us, drawn, ends))

    def undo(self) -> None:
        """Go back to the intent before the last turn, and to the bar that played then."""
        entry = self._undo.take_back()
        if entry is None:
            return
        self.undos += 1
        if entry.drawn:
            self._lay(entry.intent.drawing.from_bar(self._plan.horizon.current))
            return
        current, intent, pending = self._plan.horizon.current, entry.intent, entry.intent.pending
        if pending is not None and pending.name and pending.bar <= current:
            intent = intent.without_pending()  # it has come, which was an act of its own
        intent = intent.at_bar(current)
        if entry.ends:
            now = self._plan.intent
            ending.become(self._plan, replace(now, ending=intent.ending, drawing=intent.drawing))
            return
        now, before, spec = self._plan.intent, self._plan.controls, self._plan.spec
        self._plan.intent = replace(intent, ending=now.ending)
        self._send_latency(before)
        self._resend = True
        self._make_anew_without(now)
        gestures.return_to(self._plan, entry.planned, spec)
        follow_time(self._plan)

    def _make_anew_without(self, before: Intent) -> None:
        """Make anew what was planned for what was coming before, and is not any more."""
        now, bar = self._plan.intent, before.first_other_bar
        if bar is not None and (before.pending, before.morph) != (now.pending, now.morph):
            self._plan.revise(bar)

    def recall(self, scene: Scene, bars: int, beat_map: BeatMap | None) -> None:
        """Turn to a scene's controls, at once or over some bars, the last of which ends on a bar line."""
        self.remember(f"scene {scene.name}")
        target, dropped = scene.over(self._plan.controls), self._plan.intent
        grid = self._plan.grid
        if bars and self._plan.sounding and beat_map is not None and grid is not None:
            current = self._plan.horizon.current
            end, begin = grid.start_beat(current + bars), beat_map.beat_at(self._plan.now_us)
            beats = grid.meter_at(current).beats
            morph = Morph(self._plan.controls, target, begin, end, beats, current + bars)
            self._plan.intent = self._plan.intent.with_morph(morph)
            self._make_anew_without(dropped)
            self._plan.revise(morph.end_bar)
            return
        before, spec = self._plan.controls, self._plan.spec
        if self._plan.take_over(target):
            self._apply_change(before, spec)
            self._make_anew_without(dropped)

    def morph_on(self, beat: float) -> None:
        """Go on with a morph, to where it is at a beat; the bar it leads to is made for its end already."""
        before, intent = self._plan.intent, self._plan.intent.at_beat(beat)
        morph = before.morph
        if morph is not None and intent.morph is None and self._plan.horizon.current >= morph.end_bar:
            self._plan.intent = intent
            self._plan.specs.forget_turn()
            self._resend = True
        elif intent != before:
            self.become(intent)
