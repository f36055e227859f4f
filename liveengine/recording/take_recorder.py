"""The tape: what was played, kept to be written as a MIDI file, all of it or the last bars."""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from liveengine.errors import ContractError
from liveengine.midi.file import TakeMarker, TakeNote, TakeTempo, save_take, take_bytes
from liveengine.music.beats import STEPS_PER_BEAT, US_PER_MINUTE, Meter
from liveengine.music.kit import Strike
from liveengine.music.request import PHRASE_BARS
from liveengine.playback.messages import PlannedHit, Provenance
from liveengine.recording.trace_writer import Trace

RING_BARS = 64
"""Bars kept for a capture where no take was asked for."""
NOTES_PER_BAR = 128
CONTENTS_KEPT = RING_BARS + 4 * PHRASE_BARS
GROOVES_KEPT = 8 * RING_BARS
SHARED_KEPT = 1 << 12
"""So many different strikes and texts are known again."""

SOUNDED = ("groove", "place", "level", "line_beat", "bpm", "kit")
"""What is written of a note that sounded, in this order: all that makes it again."""

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TapedBar:
    """A bar that has been played, and where it began."""

    index: int
    start_beat: float
    meter: Meter


@lru_cache(maxsize=SHARED_KEPT)
def _shared_strike(strike: Strike) -> Strike:
    """Return the strike that is equal to this one and came before it: of thousands of notes few differ."""
    return strike


@lru_cache(maxsize=SHARED_KEPT)
def _shared_text(text: str) -> str:
    """Return the text that is equal to this one and came before it, if any."""
    return text


@dataclass(frozen=True, slots=True)
class TapedNote:
    """A hit that sounded, and the tempo it sounded in: as little of it as a take needs.

    A set of hours has some hundred thousand, and a hit with its provenance is more than twice as large.
    """

    bar: int
    beat: float
    offset_ms: float
    strike: Strike
    bpm: float
    level: float
    kit: str
    groove: int
    place: int
    line_beat: float

    @classmethod
    def of(cls, hit: PlannedHit, bpm: float) -> TapedNote:
        """Return what a take needs of a hit that sounded in a tempo."""
        came = hit.provenance
        return cls(
            hit.bar,
            hit.beat,
            hit.offset_ms,
            _shared_strike(hit.strike),
            bpm,
            hit.level,
            hit.kit,
            came.groove,
            came.place,
            came.line_beat,
        )

    def take_note(self, start_beat: float) -> TakeNote:
        """Return it as a note of a take that begins on a session beat."""
        beat = sounding_beat(self.beat, self.offset_ms, self.bpm, start_beat)
        return TakeNote.struck(beat, self.strike, self.bpm)

    def sounded(self) -> list[float | str]:
        """Return the values of `SOUNDED`."""
        return [self.groove, self.place, self.level, self.line_beat, self.bpm, self.kit]


@dataclass(frozen=True, slots=True)
class TapedDecode:
    """What a decode was made from, as the line of a file: its objects would be seven times as large.

    `context` are the serials of the bars that it goes back to.
    """

    bar: int
    context: tuple[int, ...]
    written: str


def _taped_note(line: Line) -> TapedNote:
    hit = dict(line["hit"])
    return TapedNote.of(PlannedHit(**{**hit, "provenance": Provenance(**hit["provenance"])}), line["bpm"])


ELEMENTS: Mapping[str, Callable[[Line], Any]] = {
    "tempo": lambda line: TakeTempo(line["beat"], line["bpm"]),
    "marker": lambda line: TakeMarker(line["beat"], line["text"]),
    "bar": lambda line: TapedBar(line["index"], line["start_beat"], Meter(**line["meter"])),
}
"""What a journal's lines of each type were, but for notes, of which the tape keeps less."""


def sounding_beat(beat: float, offset_ms: float, bpm: float, start_beat: float) -> float:
    """Return where a hit sounded, feel included, in a take that begins on a session beat."""
    return max(0.0, beat - start_beat + offset_ms * bpm / 60_000)


@dataclass(frozen=True, slots=True)
class Take:
    """What goes into a MIDI file: picked off the tape, which may go on meanwhile. Any thread.

    It lasts `length_beats`, or to its last event if that is later. `given` are notes of somebody else's.
    Each of `meters` holds from a beat on. `lines` are JSON.
    """

    notes: tuple[TapedNote, ...]
    tempos: tuple[TakeTempo, ...]
    markers: tuple[TakeMarker, ...]
    lines: tuple[tuple[float, str], ...]
    meters: tuple[tuple[float, Meter], ...]
    channel: int
    start_beat: float
    bars: int
    length_beats: float = 0.0
    given: tuple[TakeNote, ...] = ()

    def write(self, path: Path) -> None:
        """Write the file. Raises MidiError where it cannot be written."""
        save_take(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the file. Its markers are styles and controls, its texts what made each bar."""
        return take_bytes(
            notes=[*self.given, *(note.take_note(self.start_beat) for note in self.notes)],
            tempos=self.tempos,
            markers=self.markers,
            texts=[TakeMarker(beat, line) for beat, line in self.lines],
            meters=self.meters,
            channel=self.channel,
            length_beats=self.length_beats,
        )


class TakeRecorder:
    """Used by the engine's thread. Keeps everything, or as much as a capture may ask for.

    It gets session beats. Where they jump the take goes on: its own beats are those that have gone by. All
    that is kept goes into the journal too, if there is one; `put` makes a recorder like this one from it.
    """

    def __init__(self, meter: Meter, channel: int, *, everything: bool, journal: Trace | None = None) -> None:
        """Begin empty; `channel` counts from 1."""
        self._journal = journal
        if journal is not None:
            journal.write("take", {"meter": str(meter), "channel": channel})
        most = None if everything else RING_BARS * NOTES_PER_BAR
        self._meter, self._channel = meter, channel
        self._notes: deque[TapedNote] = deque(maxlen=most)
        self._tempos: deque[TakeTempo] = deque(maxlen=most)
        self._markers: deque[TakeMarker] = deque(maxlen=most)
        self._bars: deque[TapedBar] = deque(maxlen=None if everything else RING_BARS)
        self._decodes: deque[TapedDecode] = deque(maxlen=None if everything else 4 * RING_BARS)
        self._contents: dict[int, str] = {}
        self._grooves: dict[int, str] = {}
        self._kits: dict[str, str] = {}
        self._everything = everything
        self._header: Line = {}
        self._tempo_us = 0.0
        self._shift_beats = self._shift_before = 0.0
        self._jump_us = -math.inf

    def copy(self) -> TakeRecorder:
        """Return what is on it now, for another thread to pick takes from: that grows with a set's length."""
        copied = copy(self)
        for name, kept in vars(self).items():
            if isinstance(kept, (deque, dict)):
                setattr(copied, name, kept.copy())
        copied._journal = None
        return copied

    def put(self, line: Line) -> None:
        """Keep what a line of a journal says. Raises KeyError or TypeError for any other line."""
        kind = line["type"]
        if kind == "note":
            self._notes.append(_taped_note(line))
        elif kind in ELEMENTS:
            self._put(kind, ELEMENTS[kind](line))
        elif kind == "header":
            self._header = line
        else:
            keep = {"decode": self.decode, "kit": self.kit, "content": self.content, "groove": self.groove}[
                kind
            ]
            keep({name: value for name, value in line.items() if name != "type"})

    def _put(self, kind: str, element: TakeTempo | TakeMarker | TapedBar) -> None:
        kept: Mapping[str, deque[Any]] = {
            "tempo": self._tempos,
            "marker": self._markers,
            "bar": self._bars,
        }
        kept[kind].append(element)
        if self._journal is not None:
            self._journal.write(kind, asdict(element))

    def _written(self, kind: str, fields: Line) -> str:
        """Return a line, as a journal and a take have it, that the journal now has."""
        line = json.dumps({"type": kind, **fields})
        if self._journal is not None:
            self._journal.append(line)
        return line

    def header(self, fields: Line) -> None:
        """Keep what the whole performance was made with."""
        self._header = {"type": "header", **fields}
        self._written("header", fields)

    def kit(self, line: Line) -> None:
        """Keep what a kit plays."""
        self._kits[line["name"]] = self._written("kit", line)

    def note(self, hit: PlannedHit, due_us: float = math.inf) -> None:
        """Keep a hit that sounded; one that was due before a jump keeps the beats before it."""
        shift = self._shift_beats if due_us >= self._jump_us else self._shift_before
        if shift:
            came = replace(hit.provenance, line_beat=hit.provenance.line_beat + shift)
            hit = replace(hit, beat=hit.beat + shift, provenance=came)
        self._notes.append(TapedNote.of(hit, self.bpm))
        if self._journal is not None:
            self._journal.write("note", {"hit": asdict(hit), "bpm": self.bpm})

    @property
    def bpm(self) -> float:
        """The tempo in force."""
        return self._tempos[-1].bpm if self._tempos else 120.0

    def tempo(self, at_us: float, beat: float, bpm: float, *, jumped: bool = False) -> None:
        """Keep a change of tempo, or a jump of the beat."""
        if jumped and self._tempos:
            self._shift_before, self._jump_us = self._shift_beats, at_us
            self._shift_beats = self._beat_at(at_us) - beat
        self._put("tempo", TakeTempo(beat + self._shift_beats, bpm))
        self._tempo_us = at_us

    def _beat_at(self, at_us: float) -> float:
        """Return the tape's beat at a moment."""
        return self._tempos[-1].beat + (at_us - self._tempo_us) * self.bpm / US_PER_MINUTE

    def mark(self, beat: float, text: str) -> None:
        """Keep a marker at a beat."""
        self._put("marker", TakeMarker(beat + self._shift_beats, _shared_text(text)))

    def mark_at(self, at_us: float, text: str) -> None:
        """Keep a marker at a moment."""
        if self._tempos:
            self._put("marker", TakeMarker(self._beat_at(at_us), _shared_text(text)))

    def bar(self, index: int, start_beat: float, meter: Meter) -> None:
        """Keep a bar that has been played."""
        self._put("bar", TapedBar(index, start_beat + self._shift_beats, meter))

    def content(self, line: Line) -> None:
        """Keep a bar that others were made from."""
        self._keep(self._contents, int(line["serial"]), self._written("content", line), CONTENTS_KEPT)

    def groove(self, line: Line) -> None:
        """Keep what gave hits their feel."""
        self._keep(self._grooves, int(line["groove"]), self._written("groove", line), GROOVES_KEPT)

    def has_groove(self, serial: int) -> bool:
        """Tell whether a groove is kept."""
        return serial in self._grooves

    def _keep(self, kept: dict[int, str], serial: int, line: str, most: int) -> None:
        kept[serial] = line
        while not self._everything and len(kept) > most:
            del kept[next(iter(kept))]

    def decode(self, line: Line) -> None:
        """Keep what a decode was made from."""
        self._decodes.append(TapedDecode(line["bar"], tuple(line["context"]), self._written("decode", line)))

    def take(self, last_bars: int | None = None) -> Take:
        """Return all that is kept, or the last whole bars; it begins on a bar line.

        Raises ContractError where no bar has been played yet.
        """
        bars = list(self._bars)[-last_bars:] if last_bars else list(self._bars)
        if last_bars and not bars:
            raise ContractError("capture: expected a bar that has been played, there is none yet")
        notes = tuple(self._notes)
        if last_bars:
            start, end = bars[0].start_beat, bars[-1].start_beat + bars[-1].meter.beats
            notes = tuple(note for note in notes if bars[0].index <= note.bar <= bars[-1].index)
        else:
            first = min((note.take_note(0.0).beat for note in notes), default=0.0)
            line, beats = (bars[0].start_beat, bars[0].meter.beats) if bars else (0.0, self._meter.beats)
            start, end = line + round((first - line) / beats) * beats, float("inf")
        early = start - 1 / STEPS_PER_BEAT  # a first hit may come before its bar line
        before = [tempo.bpm for tempo in self._tempos if tempo.beat <= start][-1:] or [self.bpm]
        later = [tempo for tempo in self._tempos if start < tempo.beat < end]
        return Take(
            notes=notes,
            tempos=(TakeTempo(0.0, before[0]), *(TakeTempo(each.beat - start, each.bpm) for each in later)),
            markers=tuple(
                TakeMarker(max(0.0, marker.beat - start), marker.text)
                for marker in self._markers
                if early <= marker.beat < end
            ),
            lines=tuple(self._lines(bars, notes, start)),
            meters=tuple(self._meters(bars, start)),
            channel=self._channel,
            start_beat=start,
            bars=len(bars),
            length_beats=end - start if last_bars else 0.0,
        )

    def _meters(self, bars: list[TapedBar], start: float) -> Iterator[tuple[float, Meter]]:
        """Yield the meter that bars begin with, and each other one with the bar that brings it."""
        before = bars[0].meter if bars else self._meter
        yield 0.0, before
        for bar in bars:
            if bar.meter != before:
                before = bar.meter
                yield bar.start_beat - start, before

    def _lines(
        self, bars: list[TapedBar], notes: tuple[TapedNote, ...], start: float
    ) -> list[tuple[float, str]]:
        """Return what made the bars, each with all that it goes back to, at its bar line."""
        lines = [(0.0, json.dumps({**self._header, "start_beat": start}))]
        played = dict.fromkeys(note.kit for note in notes)
        lines += [(0.0, self._kits[name]) for name in played if name in self._kits]
        begins = {bar.index: max(0.0, bar.start_beat - start) for bar in bars}
        written: set[int] = set()
        for decode in self._decodes:
            if decode.bar not in begins:
                continue
            beat = begins[decode.bar]
            for serial in decode.context:
                if serial not in written and serial in self._contents:
                    written.add(serial)
                    lines.append((beat, self._contents[serial]))
            lines.append((beat, decode.written))
        sounded: dict[int, list[TapedNote]] = {}
        for note in notes:
            sounded.setdefault(note.bar, []).append(note)
        grooved: set[int] = set()
        for bar, inside in sounded.items():
            beat = begins.get(bar, 0.0)
            for note in inside:
                serial = note.groove
                if serial not in grooved and serial in self._grooves:
                    grooved.add(serial)
                    lines.append((beat, self._grooves[serial]))
            notes_of = [note.sounded() for note in inside]
            lines.append((beat, json.dumps({"type": "sounded", "bar": bar, "notes": notes_of})))
        return lines
