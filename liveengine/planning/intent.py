"""The intent: all that was asked for and is still to come, as one frozen value with pure transitions.

A later act always wins over an earlier one that is pending: a control turned while a scene waits, or while
the controls are on their way to one, stays where it was put. Undo is an older intent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from liveengine.music.beats import STEPS_PER_BEAT
from liveengine.music.control import ControlState, StateCommand, apply
from liveengine.music.drawing import NOTHING_DRAWN, Drawing, Stroke
from liveengine.music.drawing_commands import DrawCommand, DrawStroke
from liveengine.music.request import PHRASE_BARS
from liveengine.planning.scenes import Morph

GRAINS = {"instant": 1, "beat": STEPS_PER_BEAT}
"""Switch modes within a bar, and the steps whose multiples a change may begin on."""
PHRASES = {"bar": 1, "phrase_4": 4, "phrase": PHRASE_BARS}
"""Switch modes by bars, and the bars whose multiples a change may begin on."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Controls that take over with a bar, after a fill in the bar before it where `after_fill` says so.

    `name` is of a scene or section that comes by itself, which is an act to undo only once it has come.
    """

    bar: int
    controls: ControlState
    after_fill: bool = False
    name: str = ""

    @property
    def first_bar(self) -> int:
        """The first bar that is another for it: the fill, or its own."""
        return self.bar - self.after_fill


@dataclass(frozen=True, slots=True)
class Intent:
    """The controls of now, those that wait for a bar, and the way on which they are to others, if any.

    Latency and switch mode are the player's own: what is pending never changes them. What is drawn by hand
    stays whatever the controls become. `ending` is the bar of the fill with which it ends, if it is to.
    """

    controls: ControlState
    pending: Pending | None = None
    morph: Morph | None = None
    drawing: Drawing = NOTHING_DRAWN
    ending: int | None = None

    def with_command(self, command: StateCommand) -> Intent:
        """Return the intent with a control turned: now, in what is pending, and on the way."""
        pending, morph = self.pending, self.morph
        return replace(
            self,
            controls=apply(self.controls, command),
            pending=pending and replace(pending, controls=apply(pending.controls, command)),
            morph=morph and morph.with_override(command),
        )

    def with_controls(self, controls: ControlState) -> Intent:
        """Return the intent with all controls set now; what was pending or on its way is over."""
        return replace(self, controls=controls, pending=None, morph=None)

    def with_pending(self, pending: Pending) -> Intent:
        """Return the intent with controls that take over with a bar, in place of what was pending."""
        return replace(self, pending=pending, morph=None)

    def without_pending(self) -> Intent:
        """Return the intent with nothing that waits for a bar."""
        return replace(self, pending=None)

    def fills(self, bar: int) -> bool:
        """Return whether a bar is to be a fill: before an ending, or before controls that take over."""
        before = self.pending is not None and self.pending.after_fill and bar == self.pending.bar - 1
        return before or bar == self.ending

    def with_morph(self, morph: Morph) -> Intent:
        """Return the intent on its way to other controls; what was pending is over."""
        return replace(self, pending=None, morph=morph)

    def with_drawing(self, drawing: Drawing) -> Intent:
        """Return the intent with something else drawn by hand."""
        return replace(self, drawing=drawing)

    def with_ending(self, fill_bar: int | None) -> Intent:
        """Return the intent that ends after a fill in a bar, or with None does not.

        What is drawn into the last bar by hand is gone.
        """
        drawing = self.drawing if fill_bar is None else self.drawing.silenced(fill_bar + 1, 0)
        return replace(self, ending=fill_bar, drawing=drawing)

    @property
    def last_bar(self) -> int | None:
        """The bar with the last hits, if it is to end."""
        return None if self.ending is None else self.ending + 1

    def is_over(self, bar: int) -> bool:
        """Tell whether it has ended before a bar."""
        return self.ending is not None and bar > self.ending + 1

    def with_drawn(self, command: DrawCommand) -> Intent:
        """Return the intent with a stroke drawn, in its bar or in every one from there on, or erased."""
        if isinstance(command, DrawStroke):
            stroke = Stroke(command.bar, command.step, command.voice, command.velocity, command.keep)
            return self.with_drawing(self.drawing.with_stroke(stroke))
        return self.with_drawing(self.drawing.without(command.bar, (command.step, command.voice)))

    @property
    def coming(self) -> tuple[int, ControlState] | None:
        """The bar with which other controls come, or the way to them is over, and those controls."""
        if self.pending is not None:
            return self.pending.bar, self.pending.controls
        return None if self.morph is None else (self.morph.end_bar, self.morph.end)

    @property
    def first_other_bar(self) -> int | None:
        """The first bar that is another for what is coming; None where nothing is."""
        if self.pending is not None:
            return self.pending.first_bar
        return None if self.morph is None else self.morph.end_bar

    def controls_at(self, bar: int) -> ControlState:
        """Return the controls that a bar is played with, from its first hit on."""
        coming = self.coming
        return self.controls if coming is None or bar < coming[0] else self._own(coming[1])

    def at_bar(self, bar: int) -> Intent:
        """Return the intent once a bar has begun: what was pending for it has taken over."""
        drawing = self.drawing.from_bar(bar)
        ending = None if self.is_over(bar) else self.ending
        if self.pending is None or bar < self.pending.bar:
            same = drawing is self.drawing and ending == self.ending
            return self if same else replace(self, drawing=drawing, ending=ending)
        return Intent(self.controls_at(bar), None, self.morph, drawing, ending)

    def at_beat(self, beat: float) -> Intent:
        """Return the intent at a beat of its way; at the end of the way it is there."""
        if self.morph is None:
            return self
        arrived = beat >= self.morph.end_beat
        morph = None if arrived else self.morph
        return replace(self, controls=self._own(self.morph.at(beat)), morph=morph)

    def after_jump(self, beats: float) -> Intent:
        """Return the intent after the session's beat has jumped."""
        return replace(self, morph=self.morph and self.morph.moved(beats))

    def _own(self, controls: ControlState) -> ControlState:
        return replace(controls, latency_ms=self.controls.latency_ms, switch=self.controls.switch)
