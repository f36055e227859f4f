"""Feel for planned bars: the hits of what is written, and of what is drawn over it by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from liveengine.music.control import ControlState
from liveengine.music.drawing import Stroke, drawn_hits, drawn_over
from liveengine.music.groove import Grooving
from liveengine.music.reading import AS_WRITTEN
from liveengine.planning.horizon import Beneath, Groove, PlacedHit, PlannedBar


class FeelMaker:
    """Gives hits their feel and their serials. Owned by the bar maker."""

    def __init__(self, serials: Iterator[int], dice: Callable[[int], int]) -> None:
        """Take the bars' serials from `serials`, and the dice of a bar's feel, by its index, from `dice`."""
        self._serials, self._dice = serials, dice
        self._hit_serials = itertools.count(1)
        self._groove_serials = itertools.count(1)

    def next_hit_serial(self) -> int:
        """Return a serial for a hit that plays another again."""
        return next(self._hit_serials)

    def felt(self, planned: PlannedBar, controls: ControlState) -> PlannedBar:
        """Return a bar with nothing drawn over it with its style's feel, as the controls turn it."""
        groove = self._groove(planned, controls)
        hits = tuple(
            PlacedHit(next(self._hit_serials), step, groove.serial, place, timed)
            for place, (step, timed) in enumerate(groove.made.hits())
        )
        return replace(planned, hits=hits, grooves=(groove,))

    def _groove(self, planned: PlannedBar, controls: ControlState) -> Groove:
        made = Grooving(
            bar=planned.bar,
            feel=planned.style.feel,
            dice=self._dice(planned.index),
            swing_percent=controls.swing_percent,
            humanize=controls.humanize,
            pushes_ms=controls.pushes_ms,
            borrowed_feel=planned.lender.feel if planned.lender else None,
            borrowed=planned.borrowed,
            pocket=planned.pocket,
        )
        reading = planned.reading if planned.written else AS_WRITTEN
        return Groove(next(self._groove_serials), planned.parts, made, reading)

    def drawn(
        self,
        plain: PlannedBar,
        strokes: tuple[Stroke, ...],
        known: tuple[PlacedHit, ...],
        grooves: tuple[Groove, ...],
        controls: ControlState,
    ) -> PlannedBar:
        """Return a bar with strokes drawn over it, and feel for those that are not among the known hits.

        `grooves` are those that the known ones come from.
        """
        cells = {(hit.step, hit.timed.voice) for hit in known}
        fresh = [stroke for stroke in strokes if stroke.velocity and stroke.cell not in cells]
        if not fresh:
            return self.laid(plain, strokes, known, grooves)
        hits = drawn_hits(plain.bar, fresh, plain.style.feel)
        written = [groove for groove in plain.grooves if not groove.made.drawn]
        beside = written[-1] if written else self._groove(plain, controls)
        groove = Groove(
            next(self._groove_serials), beside.parts, replace(beside.made, drawn=hits), beside.reading
        )
        placed = tuple(
            PlacedHit(next(self._hit_serials), step, groove.serial, place, timed, drawn=True)
            for place, (step, timed) in list(enumerate(groove.made.hits()))[-len(hits) :]
        )
        return self.laid(plain, strokes, (*known, *placed), (*grooves, groove))

    def laid(
        self,
        plain: PlannedBar,
        strokes: tuple[Stroke, ...],
        drawn: tuple[PlacedHit, ...],
        grooves: tuple[Groove, ...],
    ) -> PlannedBar:
        """Return a bar with strokes over it whose hits have their feel, which comes from these grooves."""
        if not strokes:
            return plain
        bar = drawn_over(plain.bar, strokes, drawn_hits(plain.bar, strokes, plain.style.feel))
        cells = {stroke.cell for stroke in strokes}
        others = tuple(hit for hit in plain.hits if (hit.step, hit.timed.voice) not in cells)
        made_by = {groove.serial: groove for groove in (*grooves, *plain.grooves)}
        used = {hit.groove for hit in (*plain.hits, *drawn)}
        return replace(
            plain,
            serial=plain.serial if bar == plain.bar or plain.written else next(self._serials),
            bar=bar,
            hits=tuple(sorted((*others, *drawn), key=lambda hit: hit.step)),
            grooves=tuple(made_by[serial] for serial in sorted(used)),
            strokes=strokes,
            beneath=Beneath(plain.serial, plain.bar, plain.hits),
        )
