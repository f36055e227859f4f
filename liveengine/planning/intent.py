"""The intent: all that was asked for and is still to come, as one frozen value with pure transitions.

A later act always wins over an earlier one that is pending: a control turned while a scene waits, or while
the controls are on their way to one, stays where it was put. Undo is an older intent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from liveengine.music.beats import STEPS_PER_BEAT
from liveengine.music.control import ControlState, DrawCommand, DrawStroke, StateCommand, apply
from liveengine.music.drawing import NOTHING_DRAWN, Drawing, Stroke
from liveengine.music.request import PHRASE_BARS
from liveengine.planning.scenes import Morph

GRAINS = {"instant": 1, "beat": STEPS_PER_BEAT}
"""Switch modes within a bar, and the steps whose multiples a change may begin on."""
PHRASES = {"bar": 1, "phrase_4": 4, "phrase": PHRASE_BARS}
"""Switch modes by bars, and the bars whose multiples a change may begin on."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Controls that take over with a bar."""

    bar: int
    controls: ControlState


@dataclass(frozen=True, slots=True)
class Intent:
    """The controls of now, those that wait for a bar, and the way on which they are to others, if any.

    Latency and switch mode are the player's own: what is pending never changes them. What is drawn by hand
    stays whatever the controls become.
    """

    controls: ControlState
    pending: Pending | None = None
    morph: Morph | None = None
    drawing: Drawing = NOTHING_DRAWN

    def with_command(self, command: StateCommand) -> Intent:
        """Return the intent with a control turned: now, in what is pending, and on the way."""
        pending, morph = self.pending, self.morph
        return Intent(
            apply(self.controls, command),
            pending and Pending(pending.bar, apply(pending.controls, command)),
            morph and morph.with_override(command),
            self.drawing,
        )

    def with_controls(self, controls: ControlState) -> Intent:
        """Return the intent with all controls set now; what was pending or on its way is over."""
        return Intent(controls, drawing=self.drawing)

    def with_pending(self, bar: int, controls: ControlState) -> Intent:
        """Return the intent with controls that take over with a bar, in place of what was pending."""
        return Intent(self.controls, Pending(bar, controls), drawing=self.drawing)

    def with_morph(self, morph: Morph) -> Intent:
        """Return the intent on its way to other controls; what was pending is over."""
        return Intent(self.controls, None, morph, self.drawing)

    def with_drawing(self, drawing: Drawing) -> Intent:
        """Return the intent with something else drawn by hand."""
        return replace(self, drawing=drawing)

    def with_drawn(self, command: DrawCommand) -> Intent:
        """Return the intent with a stroke drawn, in its bar or in every one from there on, or erased."""
        if isinstance(command, DrawStroke):
            stroke = Stroke(command.bar, command.step, command.voice, command.velocity, command.keep)
            return self.with_drawing(self.drawing.with_stroke(stroke))
        return self.with_drawing(self.drawing.without(command.bar, (command.step, command.voice)))

    def controls_at(self, bar: int) -> ControlState:
        """Return the controls that a bar is played with."""
        if self.pending is None or bar < self.pending.bar:
            return self.controls
        return self._own(self.pending.controls)

    def at_bar(self, bar: int) -> Intent:
        """Return the intent once a bar has begun: what was pending for it has taken over."""
        drawing = self.drawing.from_bar(bar)
        if self.pending is None or bar < self.pending.bar:
            return self if drawing is self.drawing else self.with_drawing(drawing)
        return Intent(self.controls_at(bar), None, self.morph, drawing)

    def at_beat(self, beat: float) -> Intent:
        """Return the intent at a beat of its way; at the end of the way it is there."""
        if self.morph is None:
            return self
        arrived = beat >= self.morph.end_beat
        morph = None if arrived else self.morph
        return Intent(self._own(self.morph.at(beat)), self.pending, morph, self.drawing)

    def after_jump(self, beats: float) -> Intent:
        """Return the intent after the session's beat has jumped."""
        return replace(self, morph=self.morph and self.morph.moved(beats))

    def _own(self, controls: ControlState) -> ControlState:
        return replace(controls, latency_ms=self.controls.latency_ms, switch=self.controls.switch)
