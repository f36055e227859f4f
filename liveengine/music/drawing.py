"""Drawing: cells of bars that a player has put a stroke into by hand, or silenced, over what is written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import Voice
from liveengine.music.groove import swung_steps
from liveengine.music.pattern import MICRO_MAX, MICRO_MIN, Bar, Hit
from liveengine.music.style import Feel

Cell = tuple[int, Voice]
"""A step and a voice: one place of a bar's grid."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A cell drawn by hand in a bar, or with `keep` in every bar from it on, to `last` where that is known.

    `velocity` is 1-127, as it is before feel; 0 keeps the cell silent.
    """

    bar: int
    step: int
    voice: Voice
    velocity: int
    keep: bool = False
    last: int | None = None

    @property
    def cell(self) -> Cell:
        """The place in the bar."""
        return self.step, self.voice

    @property
    def ends(self) -> float:
        """The last bar that it is in; infinity for no end."""
        if not self.keep:
            return self.bar
        return math.inf if self.last is None else self.last

    def is_in(self, bar: int) -> bool:
        """Tell whether it is there in a bar."""
        return self.bar <= bar <= self.ends

    def until(self, bar: int) -> tuple[Stroke, ...]:
        """Return what is left of it before a bar: itself, one that ends earlier, or none."""
        if self.bar >= bar:
            return ()
        return (self,) if self.ends < bar else (replace(self, last=bar - 1),)

    def after(self, bar: int) -> tuple[Stroke, ...]:
        """Return what is left of it after a bar: itself, one that begins later, or none."""
        return () if self.ends <= bar else (replace(self, bar=max(self.bar, bar + 1)),)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that is drawn by hand and still to come; of two strokes in one cell the later one is seen."""

    strokes: tuple[Stroke, ...] = ()

    def at(self, bar: int) -> tuple[Stroke, ...]:
        """Return what is seen in a bar, one stroke of that bar a cell, by step and voice."""
        seen = {stroke.cell: stroke for stroke in self.strokes if stroke.is_in(bar)}
        return tuple(replace(seen[cell], bar=bar, last=None) for cell in sorted(seen))

    def with_stroke(self, stroke: Stroke) -> Drawing:
        """Return the drawing with a stroke in place of what its cell had: in its bar, or from there on."""
        others: list[Stroke] = []
        for each in self.strokes:
            if each.cell == stroke.cell and stroke.keep:
                others += each.until(stroke.bar)
            elif each.cell != stroke.cell or each.keep or each.bar != stroke.bar:
                others.append(each)
        return Drawing((*others, stroke))

    def without(self, bar: int, cell: Cell) -> Drawing:
        """Return the drawing without what is seen in a cell of a bar: there, or from there on where kept."""
        seen = next((each for each in reversed(self.strokes) if each.cell == cell and each.is_in(bar)), None)
        if seen is None:
            return self
        if not seen.keep:
            return Drawing(tuple(each for each in self.strokes if each is not seen))
        left: list[Stroke] = []
        for each in self.strokes:
            left += each.until(bar) if each.cell == cell and each.keep else (each,)
        return Drawing(tuple(left))

    def silenced(self, bar: int, first_step: int) -> Drawing:
        """Return the drawing without the strokes of a bar from a step on; in other bars they stay."""
        kept: list[Stroke] = []
        for each in self.strokes:
            if each.is_in(bar) and each.step >= first_step and each.velocity:
                kept += (*each.until(bar), *each.after(bar))
            else:
                kept.append(each)
        return Drawing(tuple(kept))

    def from_bar(self, bar: int) -> Drawing:
        """Return what is still to come once a bar has begun."""
        left = tuple(each for each in self.strokes if each.ends >= bar)
        return self if len(left) == len(self.strokes) else Drawing(left)


NOTHING_DRAWN = Drawing()


def drawn_hits(bar: Bar, strokes: Sequence[Stroke], feel: Feel) -> tuple[Hit, ...]:
    """Return the strokes that sound as hits of a bar, each as early or late as what is on its step."""
    return tuple(
        Hit(stroke.step, stroke.voice, _micro(bar, stroke, feel), stroke.velocity)
        for stroke in strokes
        if stroke.velocity
    )


def drawn_over(bar: Bar, strokes: Sequence[Stroke], hits: Sequence[Hit]) -> Bar:
    """Return a bar with hits in place of all that it has in the cells of the strokes."""
    cells = {stroke.cell for stroke in strokes}
    others = [hit for hit in bar.hits if (hit.step, hit.voice) not in cells]
    return Bar(bar.meter, tuple(sorted((*others, *hits))))


def _micro(bar: Bar, stroke: Stroke, feel: Feel) -> int:
    """Return a stroke's micro-timing: its voice's there, that of the step, or the swing that was learned."""
    on_step = [hit for hit in bar.hits if hit.step == stroke.step]
    for hit in (*(each for each in on_step if each.voice == stroke.voice), *on_step):
        return hit.micro
    late = swung_steps(stroke.step, feel.learned_swing_percent, feel.swing_unit_steps) - stroke.step
    return max(MICRO_MIN, min(MICRO_MAX, round(late * TICKS_PER_STEP)))
