"""The record of a performance: effects and reports become trace lines, take and numbers for the view."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from liveengine.music.beats import Meter
from liveengine.music.kit import KitMap
from liveengine.music.request import PHRASE_BARS, BarReply
from liveengine.music.written import written_kit
from liveengine.planning.events import (
    BarDecoded,
    BarEnded,
    BarsPlanned,
    ControlMoved,
    Effect,
    KitPlayed,
    PeersChanged,
    PlayersHeard,
    TellPlayer,
    TempoChanged,
    TransportChanged,
)
from liveengine.planning.horizon import Groove, PlannedBar
from liveengine.playback.messages import Clear, Outcome, PlannedHit, PlayerMessage, Replace, Report
from liveengine.recording.lateness import Lateness, LatenessCount, lateness
from liveengine.recording.planned_bars import (
    written_bar,
    written_content,
    written_decode,
    written_groove,
    written_heard,
    written_note,
)
from liveengine.recording.take_recorder import TakeRecorder
from liveengine.recording.trace_writer import Trace

log = logging.getLogger(__name__)

LATENESS_KEPT = 512
LOST = "lost"
"""Reason for a hit of the plan that nobody has accounted for."""
REASONS: Mapping[Outcome, str] = {
    Outcome.DROPPED_LATE: "late",
    Outcome.DROPPED_TEMPO: "tempo",
    Outcome.DROPPED_PLAN: "plan",
    Outcome.DROPPED_PORT: "port",
}
"""Why a hit was dropped: the player was late, tempo or beat had changed, it was planned too late, or there
was no port."""
GROOVES_KEPT = 512
PLAYED_KEPT = 64
CAPTURES_KEPT = 16
ANSWERS_KEPT = 64
ROUND_TRIPS_KEPT = 4096
HITS_KEPT_BARS = 8
"""Reports of a hit come within a bar of its being due; a latency of -500 ms is six bars of 3/8 at 999 bpm."""


class PerformanceLog:
    """Keeps what was played. Used by the engine's thread, but for `process`."""

    def __init__(
        self,
        trace: Trace,
        meter: Meter,
        channel: int,
        *,
        keep_take: bool = True,
        journal: Trace | None = None,
    ) -> None:
        """Begin empty; `channel` counts from 1. Only a take grows with time: else the last bars are kept.

        All of it goes into the `journal` as it is played.
        """
        self._trace = trace
        self._files = (trace,) if journal is None else (trace, journal)
        self._hits: dict[int, PlannedHit] = {}
        self._in_force: set[int] = set()
        self._told_bars: deque[int] = deque(maxlen=4 * PHRASE_BARS)
        self._struck: set[int] = set()
        self._dropped: set[int] = set()
        self._grooves: dict[int, tuple[int, Groove]] = {}
        self.sounded_style = ""
        self.played: deque[PlannedBar] = deque(maxlen=PLAYED_KEPT)
        self.captures: deque[tuple[Path, int]] = deque(maxlen=CAPTURES_KEPT)
        self.tape = TakeRecorder(meter, channel, everything=keep_take, journal=journal)
        self.lateness_ms: deque[float] = deque(maxlen=LATENESS_KEPT)
        self.notes = 0
        self.bars = 0
        self.late_bars = 0
        self.rewritten_bars = 0
        self.dropped = dict.fromkeys([*REASONS.values(), LOST], 0)
        self._all_lateness = LatenessCount()
        self._answers: dict[int, BarReply] = {}
        self._round_trips_ms: deque[float] = deque(maxlen=ROUND_TRIPS_KEPT)
        self.made_by: dict[str, int] = {}
        self.heard: PlayersHeard | None = None
        self.malformed = 0
        self.notice = ""
        self.troubles: tuple[str, ...] = ()
        self._started: deque[tuple[float, str, int]] = deque()

    def header(self, fields: Mapping[str, Any]) -> None:
        """Record what the whole performance is made with."""
        self._trace.write("header", fields)
        self.tape.header(fields)

    def effect(self, effect: Effect) -> None:
        """Record a notice of the conductor."""
        if isinstance(effect, TellPlayer):
            self._order(effect.message)
        elif isinstance(effect, BarsPlanned | KitPlayed):
            self._planned(effect)
        elif isinstance(effect, BarEnded):
            self._bar(effect)
        elif isinstance(effect, BarDecoded):
            self._decoded(effect)
        elif isinstance(effect, ControlMoved):
            self.tape.mark_at(effect.at_us, f"{effect.name} {effect.value}")
            self._trace.write("control", {"at_us": effect.at_us, "name": effect.name, "value": effect.value})
        elif isinstance(effect, TempoChanged):
            self.tape.tempo(effect.at_us, effect.beat, effect.bpm, jumped=effect.jumped)
            self._trace.write("tempo", {"at_us": effect.at_us, "bpm": effect.bpm, "beat": effect.beat})
        elif isinstance(effect, PlayersHeard):
            self._players(effect)
        elif isinstance(effect, TransportChanged):
            self._trace.write("transport", {"at_us": effect.at_us, "playing": effect.playing})
        elif isinstance(effect, PeersChanged):
            self._trace.write("peers", {"at_us": effect.at_us, "count": effect.count})

    def _kit(self, kit: KitMap) -> None:
        """Write what a kit plays, before the first note of it."""
        line = written_kit(kit)
        self.tape.kit(line)
        self._trace.write("kit", line)

    def _players(self, heard: PlayersHeard) -> None:
        """Keep what was heard last, for views, and write it with what comes of it."""
        self.heard = heard
        self._trace.write("heard", written_heard(heard))

    def _order(self, message: PlayerMessage) -> None:
        """Keep the plan in force: the player accounts for every hit that it is named, each time."""
        if isinstance(message, Clear):
            self._in_force.clear()
        elif isinstance(message, Replace):
            if message.again:
                self._struck.clear()
            cut = (message.bar, message.step)
            self._in_force = {
                serial for serial in self._in_force if (self._hits[serial].bar, self._hits[serial].step) < cut
            }
            named = {hit.serial: hit for hit in message.hits if hit.serial >= 0}  # a count-in is of no bar
            self._hits.update(named)
            self._in_force.update(named)

    def _forget_before(self, bar: int) -> None:
        """Forget the hits of the bars before; those in force that nobody has reported are lost."""
        for serial in [serial for serial, hit in self._hits.items() if hit.bar < bar]:
            hit = self._hits.pop(serial)
            self._struck.discard(serial)
            self._dropped.discard(serial)
            if serial in self._in_force:
                self._in_force.discard(serial)
                self.dropped[LOST] += 1
                self._trace.write("dropped", {"bar": hit.bar, "note": hit.note, "reason": LOST})

    def _decoded(self, decoded: BarDecoded) -> None:
        """Write all that a decode was made from, and a `bar` line where it replaces an older plan."""
        request, planned = decoded.request, decoded.planned
        for each in request.context:
            if each.serial not in self._told_bars:
                self._told_bars.append(each.serial)
                content = written_content(each)
                self.tape.content(content)
                self._trace.write("content", content)
        plain = planned.plain()
        line = {
            "at_us": decoded.at_us,
            **written_decode(request, plain.written or plain.bar, plain.serial, decoded.step),
        }
        answer = self._answers.pop(request.serial, None)
        if answer is not None:
            line |= {"source": answer.source, "round_trip_ms": answer.round_trip_ms}
        self.tape.decode(line)
        self._trace.write("decode", line)
        if decoded.replanned:
            self._trace.write(
                "bar",
                {
                    **written_bar(planned, decoded.start_beat),
                    "late": False,
                    "fallback": False,
                    "replanned": True,
                    "decode_id": request.serial,
                    "step": decoded.step,
                    "at_us": decoded.at_us,
                    "from_us": decoded.from_us,
                },
            )

    def answered(self, reply: BarReply) -> None:
        """Keep who made a bar, where it may be another machine."""
        if reply.source:
            self._answers[reply.serial] = reply
            while len(self._answers) > ANSWERS_KEPT:
                del self._answers[next(iter(self._answers))]
            self.made_by[reply.source] = self.made_by.get(reply.source, 0) + 1
            if reply.round_trip_ms is not None:
                self._round_trips_ms.append(reply.round_trip_ms)

    def _planned(self, effect: BarsPlanned | KitPlayed) -> None:
        """Keep what gave hits their feel until one of them sounds, or none can any more; write a new kit."""
        if isinstance(effect, KitPlayed):
            self._kit(effect.kit)
            return
        for planned in effect.bars:
            for groove in planned.grooves:
                self._grooves[groove.serial] = (planned.index, groove)
        while len(self._grooves) > GROOVES_KEPT:
            del self._grooves[next(iter(self._grooves))]

    def _tell_groove(self, serial: int) -> None:
        """Write what gave a sounding hit its feel, once."""
        if serial in self._grooves and not self.tape.has_groove(serial):
            line = written_groove(*self._grooves[serial])
            self.tape.groove(line)
            self._trace.write("groove", line)

    def _bar(self, ended: BarEnded) -> None:
        planned = ended.planned
        self.bars += 1
        self.played.append(planned)
        self.tape.bar(planned.index, ended.start_beat, planned.bar.meter)
        self.late_bars += planned.late
        self.rewritten_bars += planned.tries > 1
        decode_ids = [decode_id for _, decode_id in planned.parts]
        self._trace.write(
            "bar",
            {
                **written_bar(planned, ended.start_beat),
                "late": planned.late,
                "fallback": planned.fallback,
                "replanned": False,
                "decode_id": decode_ids[-1],
                "decode_ids": decode_ids,
            },
        )
        self._forget_before(planned.index - HITS_KEPT_BARS + 1)

    def reports(self, reports: Iterable[Report]) -> None:
        """Record what became of hits: each strike of one has its line, for a jump back strikes it again."""
        self._note_processes()
        for report in reports:
            hit = self._hits.get(report.serial)
            if hit is None:
                continue
            self._in_force.discard(report.serial)
            if report.outcome is Outcome.NOT_AGAIN:
                continue
            if report.outcome in REASONS:
                if report.serial in self._struck or report.serial in self._dropped:
                    continue  # a plan that is sent again names it again
                self._dropped.add(report.serial)
                reason = REASONS[report.outcome]
                self.dropped[reason] += 1
                self._trace.write(
                    "dropped",
                    {
                        "bar": hit.bar,
                        "note": hit.note,
                        "due_us": report.due_us,
                        "at_us": report.sent_us,
                        "reason": reason,
                    },
                )
                continue
            self._struck.add(report.serial)
            hit = replace(hit, level=report.level, velocity=report.velocity)
            self.notes += 1
            late_ms = (report.sent_us - report.due_us) / 1e3
            self.lateness_ms.append(late_ms)
            self._all_lateness.add(late_ms)
            came = hit.provenance
            if came.style != self.sounded_style:
                self.sounded_style = came.style
                self.tape.mark(hit.beat, came.style)
            self._tell_groove(came.groove)
            self.tape.note(hit, report.due_us)
            self._trace.write("note", written_note(hit, report))

    def lateness_of_all(self) -> Lateness:
        """Return how late all notes so far were sent, ms."""
        return self._all_lateness.figures()

    def summary(self) -> None:
        """Write the figures of the whole performance."""
        late = self.lateness_of_all()
        self._trace.write(
            "summary",
            {
                "notes": self.notes,
                "late_p50_ms": late.p50,
                "late_p95_ms": late.p95,
                "late_p99_ms": late.p99,
                "late_max_ms": late.most,
                "bars": self.bars,
                "late_bars": self.late_bars,
                "rewritten_bars": self.rewritten_bars,
                "dropped": self.dropped,
                "malformed": self.malformed,
                **self._remote_figures(),
            },
        )

    def _remote_figures(self) -> dict[str, Any]:
        """Return how many bars came from where, and how long asking took; nothing where all are made here."""
        if not self.made_by:
            return {}
        trips = lateness(self._round_trips_ms)
        return {
            "made_by": self.made_by,
            "round_trip_p50_ms": trips.p50,
            "round_trip_p95_ms": trips.p95,
            "round_trip_max_ms": trips.most,
        }

    def malformed_message(self, at_us: float, error: str) -> None:
        """Record a message on the control port that is no MIDI."""
        self.malformed += 1
        self._trace.write("malformed", {"at_us": at_us, "error": error, "count": self.malformed})

    def capture(self, at_us: float, path: str, bars: int, error: str = "") -> None:
        """Record that bars were kept as a file, or why they could not be."""
        self.notice = f"kept: {path}" if path else error
        if path:
            self.captures.append((Path(path), bars))
        self._trace.write("capture", {"at_us": at_us, "path": path, "bars": bars, "error": error})

    def tell(self, at_us: float, text: str) -> None:
        """Record a sentence for the player."""
        self.notice = text
        self._trace.write("notice", {"at_us": at_us, "text": text})

    def trouble(self, at_us: float, troubles: tuple[str, ...]) -> None:
        """Record what is wrong at present, where that has changed; nothing where all is well again."""
        if troubles != self.troubles:
            self.troubles = troubles
            self._trace.write("trouble", {"at_us": at_us, "texts": list(troubles)})

    @property
    def sentence(self) -> str:
        """What the player is to read: what is wrong at present, else the last notice."""
        return "; ".join(self.troubles) or self.notice

    def process(self, at_us: float, name: str, pid: int) -> None:
        """Keep that one of the engine's processes was started, for the record. Any thread."""
        self._started.append((at_us, name, pid))

    def _note_processes(self) -> None:
        while self._started:
            at_us, name, pid = self._started.popleft()
            self._trace.write("process", {"at_us": at_us, "name": name, "pid": pid})

    def flush(self) -> None:
        """Bring trace and journal to their files; one without room says so once, and with it again."""
        self._note_processes()
        for file in self._files:
            file.flush()
            fault = file.fault()
            if fault is not None:
                self.notice = fault
                log.warning("%s", fault)

    def write_take(self, path: Path, last_bars: int | None = None) -> int:
        """Write what was played, all of it or the last bars, as a MIDI file; return how many bars it holds.

        Raises MidiError where the file cannot be written, ContractError where no bar has been played.
        """
        take = self.tape.take(last_bars)
        take.write(path)
        return take.bars
