"""A pattern on its way: it asks for its bars one after the other, and is a take at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import liveengine
from liveengine.errors import ContractError
from liveengine.midi.file import TakeNote
from liveengine.music.beats import FOUR_FOUR, TICKS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.control import ControlState
from liveengine.music.kit import KitMap
from liveengine.music.pattern import MICRO_MIN, Bar
from liveengine.music.request import BarReply, BarRequest, ContextBar, context_begins
from liveengine.music.style import Style
from liveengine.music.written import written_kit
from liveengine.patterns.request import PatternRequest
from liveengine.patterns.sections import BarPlan, plan_bars
from liveengine.planning.bar_builder import BarMaker, BarSpec, conditioning, landing_of
from liveengine.planning.horizon import PlannedBar
from liveengine.playback.messages import PlannedHit
from liveengine.recording.planned_bars import written_content, written_decode, written_groove
from liveengine.recording.take_recorder import Take, TakeRecorder


class Pattern:
    """What is asked of a generator for one pattern, and what came of it. Owned by one thread.

    Its bars are made as they are live, by the same requests; only that nobody turns a control meanwhile.
    """

    def __init__(
        self, request: PatternRequest, style: Style, kit: KitMap, checkpoint_sha256: str, device: str
    ) -> None:
        """Begin a pattern in a style, for a kit."""
        self.bpm = request.bpm or (request.given.bpm if request.given else None) or style.middle_bpm
        self._request = replace(request, style=style.name, kit=kit.name, bpm=self.bpm)
        self._style, self._kit = style, kit
        self._maker = BarMaker(request.seed)
        self._context: list[ContextBar] = []
        self._made: list[tuple[BarRequest | None, PlannedBar]] = []
        self._asked: tuple[BarRequest, BarSpec, BarPlan] | None = None
        self._given_bars = request.given.bars if request.given else ()
        self._written_in = request.meter if request.given else FOUR_FOUR
        self._begin = 0 if request.remade or request.given is None else len(self._given_bars)
        self._plans = plan_bars(
            request.bars, request.section, request.density, request.energy, request.fill_every
        )
        self._header: Mapping[str, Any] = {
            "version": liveengine.__version__,
            "pattern": self._request.written(),
            "seed": request.seed,
            "checkpoint_sha256": checkpoint_sha256,
            "device": device,
            "meter": str(request.meter),
            "kit": kit.name,
            "kit_notes": kit.notes,
            "channel": kit.channel,
        }

    @property
    def seed(self) -> int:
        """The seed that alone decides its dice."""
        return self._request.seed

    @property
    def bars(self) -> int:
        """How many bars the file will have."""
        return self._begin + self._request.bars

    @property
    def progress(self) -> float:
        """How much of it is there, 0 to 1."""
        return len(self._context) / self.bars

    def next_request(self) -> BarRequest | None:
        """Return what is to be made next, the same until it is there; None once all is."""
        if self._asked is not None:
            return self._asked[0]
        while len(self._context) < self.bars:
            index = len(self._context)
            if index < len(self._given_bars) and index not in self._request.remade:
                self._keep(index, self._given_bars[index])
                continue
            plan = self._plans[index - self._begin]
            spec = self._spec(plan)
            if not plan.only_struck:
                request = self._bar_request(index, spec, plan)
                self._asked = request, spec, plan
                return request
            self._keep_struck(index, spec)
        return None

    def _spec(self, plan: BarPlan) -> BarSpec:
        asked = self._request
        return BarSpec(
            self._style,
            ControlState(
                self._style.name,
                swing_percent=asked.swing_percent,
                humanize=asked.humanize,
                density=plan.density,
                energy=plan.energy,
                fill_every=0,  # the plan says which bars are fills
            ),
        )

    def _bar_request(self, index: int, spec: BarSpec, plan: BarPlan) -> BarRequest:
        request = self._maker.request(
            index,
            0,
            spec,
            meter=self._written_in,
            bpm=self.bpm,
            context=tuple(self._context[context_begins(index) :]),
            prefix=landing_of(spec.style) if plan.struck else (),
            from_step=1 if plan.struck else 0,
            fill=plan.fill,
        )
        if not plan.breaks:
            return request
        return replace(request, conditioning=replace(request.conditioning, steadiness=None), musts=())

    def _keep(self, index: int, bar: Bar) -> None:
        """Take a bar of the given beat, or one that nobody decodes, as context of those that follow."""
        asked = conditioning(index, self._style, ControlState(self._style.name), self.bpm)
        self._context.append(ContextBar(self._maker.next_serial(), bar, asked))

    def _keep_struck(self, index: int, spec: BarSpec) -> None:
        """Let the last stroke be: nothing follows it."""
        self._keep(index, Bar(self._request.meter, landing_of(self._style)))
        content = self._context[-1]
        reply = BarReply(content.serial, content.bar, 0, 0.0)
        spec = replace(spec, style=replace(spec.style, feel=replace(spec.style.feel, ghosts_per_bar=0.0)))
        request = self._maker.request(index, 0, spec, bpm=self.bpm, context=())
        self._made.append((None, self._planned(request, reply, spec)))

    def accept(self, reply: BarReply) -> None:
        """Take the bar that was asked for. Raises ContractError for any other."""
        if self._asked is None or reply.serial != self._asked[0].serial:
            raise ContractError(
                f"pattern: expected the bar that was asked for, got one of serial {reply.serial}"
            )
        request, spec, _ = self._asked
        self._asked = None
        self._made.append((request, self._planned(request, reply, spec)))
        self._context.append(ContextBar(reply.serial, reply.bar, request.conditioning))

    def _planned(self, request: BarRequest, reply: BarReply, spec: BarSpec) -> PlannedBar:
        return self._maker.planned(request, reply, spec, spec.controls, meter=self._request.meter)

    @property
    def replies(self) -> list[BarReply]:
        """The bars that were decoded for it: accepted again, they make the same pattern."""
        return [
            BarReply(request.serial, planned.context().bar, planned.tokens, planned.generated_ms or 0.0)
            for request, planned in self._made
            if request is not None
        ]

    def take(self) -> Take:
        """Return the whole as it is written to a file, with all that made it."""
        request = self._request
        tape = TakeRecorder(request.meter, self._kit.channel, everything=True)
        tape.header(self._header)
        tape.kit(written_kit(self._kit))
        tape.tempo(0.0, 0.0, self.bpm)
        tape.mark(self._begin * request.meter.beats, self._title())
        for index in range(self.bars):
            tape.bar(index, index * request.meter.beats, request.meter)
        for content in self._context:
            tape.content(written_content(content))
        for bar_request, planned in self._made:
            if bar_request is not None:
                tape.decode(_decode(bar_request, planned))
            for groove in planned.grooves:
                tape.groove(written_groove(planned.index, groove))
            for hit in self._hits(planned):
                tape.note(hit)
        return self._with_given(tape.take(self.bars))

    def _hits(self, planned: PlannedBar) -> list[PlannedHit]:
        start = planned.index * self._request.meter.beats
        return list(planned.planned_hits(start, self._kit, ControlState(self._style.name)))

    def _title(self) -> str:
        section = self._request.section
        return f"{self._style.name} {section}" if section else self._style.name

    def _with_given(self, take: Take) -> Take:
        """Return the take with what is kept of the given beat, to the tick."""
        given = self._request.given
        if given is None:
            return take
        steps = self._request.meter.steps
        kept = tuple(note for note in given.notes if _bar_of(note, steps) not in self._request.remade)
        notes = [[n.beat, n.note, n.velocity, n.length_beats] for n in kept]
        line = json.dumps({"type": "given", "notes": notes})
        return replace(take, given=kept, lines=(*take.lines, (0.0, line)))


def _decode(request: BarRequest, planned: PlannedBar) -> dict[str, Any]:
    return written_decode(request, planned.context().bar, planned.serial, request.from_step)


def _bar_of(note: TakeNote, steps: int) -> int:
    """Return the bar that a note is read into: half a sixteenth before a bar line it is the next."""
    return (round(note.beat * TICKS_PER_BEAT) - MICRO_MIN) // (steps * TICKS_PER_STEP)
