"""The tape: what was played, kept to be written as a MIDI file, all of it or the last bars."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveengine.errors import ContractError
from liveengine.midi.file import TakeMarker, TakeNote, TakeTempo, write_take
from liveengine.music.beats import US_PER_MINUTE, Meter
from liveengine.music.request import PHRASE_BARS

RING_BARS = 64
"""Bars kept for a capture where no take was asked for."""
NOTES_PER_BAR = 128
CONTENTS_KEPT = RING_BARS + 4 * PHRASE_BARS

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TapedBar:
    """A bar that has been played, and where it began."""

    index: int
    start_beat: float


class Tape:
    """Used by the engine's thread. Keeps everything, or as much as a capture may ask for."""

    def __init__(self, meter: Meter, channel: int, *, everything: bool) -> None:
        """Begin empty; `channel` counts from 1."""
        most = None if everything else RING_BARS * NOTES_PER_BAR
        self._meter, self._channel = meter, channel
        self._notes: deque[TakeNote] = deque(maxlen=most)
        self._tempos: deque[TakeTempo] = deque(maxlen=most)
        self._markers: deque[TakeMarker] = deque(maxlen=most)
        self._bars: deque[TapedBar] = deque(maxlen=None if everything else RING_BARS)
        self._decodes: deque[Line] = deque(maxlen=None if everything else 4 * RING_BARS)
        self._contents: dict[int, Line] = {}
        self._contents_kept = None if everything else CONTENTS_KEPT
        self._header: Line = {}
        self._tempo_us = 0.0

    def header(self, fields: Line) -> None:
        """Keep what the whole performance was made with."""
        self._header = {"type": "header", **fields}

    def note(self, beat: float, offset_ms: float, note: int, velocity: int) -> None:
        """Keep a note where it sounded, feel included."""
        self._notes.append(TakeNote(beat + offset_ms * self.bpm / 60_000, note, velocity))

    @property
    def bpm(self) -> float:
        """The tempo in force."""
        return self._tempos[-1].bpm if self._tempos else 120.0

    def tempo(self, at_us: float, beat: float, bpm: float) -> None:
        """Keep a change of tempo."""
        self._tempos.append(TakeTempo(beat, bpm))
        self._tempo_us = at_us

    def mark(self, beat: float, text: str) -> None:
        """Keep a marker at a beat."""
        self._markers.append(TakeMarker(beat, text))

    def mark_at(self, at_us: float, text: str) -> None:
        """Keep a marker at a moment."""
        if self._tempos:
            self.mark(self._tempos[-1].beat + (at_us - self._tempo_us) * self.bpm / US_PER_MINUTE, text)

    def bar(self, index: int, start_beat: float) -> None:
        """Keep a bar that has been played."""
        self._bars.append(TapedBar(index, start_beat))

    def content(self, line: Line) -> None:
        """Keep a bar that others were made from."""
        self._contents[int(line["serial"])] = {"type": "content", **line}
        while self._contents_kept is not None and len(self._contents) > self._contents_kept:
            del self._contents[next(iter(self._contents))]

    def decode(self, line: Line) -> None:
        """Keep what a decode was made from."""
        self._decodes.append({"type": "decode", **line})

    def write(self, path: Path, last_bars: int | None = None) -> int:
        """Write all that is kept, or the last whole bars; return how many bars.

        The file begins on a bar line. Its markers are styles and controls, its texts what made each bar.
        Raises ContractError where no bar has been played yet, MidiError where the file cannot be written.
        """
        bars = list(self._bars)[-last_bars:] if last_bars else list(self._bars)
        if last_bars and not bars:
            raise ContractError("capture: expected a bar that has been played, there is none yet")
        end = float("inf")
        if last_bars:
            start, end = bars[0].start_beat, bars[-1].start_beat + self._meter.beats
        else:
            first = min((note.beat for note in self._notes), default=0.0)
            start = round(first / self._meter.beats) * self._meter.beats
        early = start - self._meter.beats / self._meter.steps  # a first hit may come before its bar line
        before = [tempo.bpm for tempo in self._tempos if tempo.beat <= start][-1:] or [self.bpm]
        later = [tempo for tempo in self._tempos if start < tempo.beat < end]
        write_take(
            path,
            notes=[
                TakeNote(max(0.0, note.beat - start), note.note, note.velocity)
                for note in self._notes
                if early <= note.beat < end
            ],
            tempos=[TakeTempo(0.0, before[0])] + [TakeTempo(each.beat - start, each.bpm) for each in later],
            markers=[
                TakeMarker(max(0.0, marker.beat - start), marker.text)
                for marker in self._markers
                if early <= marker.beat < end
            ],
            texts=self._texts(bars, start),
            meter=self._meter,
            channel=self._channel,
        )
        return len(bars)

    def _texts(self, bars: list[TapedBar], start: float) -> list[TakeMarker]:
        """Return what made the bars, each decode with all that it goes back to, at its bar line."""
        texts = [TakeMarker(0.0, json.dumps(self._header))] if self._header else []
        begins = {bar.index: bar.start_beat for bar in bars}
        told: set[int] = set()
        for decode in self._decodes:
            if decode["bar"] not in begins:
                continue
            beat = max(0.0, begins[decode["bar"]] - start)
            for serial in decode["context"]:
                if serial not in told and serial in self._contents:
                    told.add(serial)
                    texts.append(TakeMarker(beat, json.dumps(self._contents[serial])))
            texts.append(TakeMarker(beat, json.dumps(decode)))
        return texts
