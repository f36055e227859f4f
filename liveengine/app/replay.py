"""Replay: a trace, take or capture made again from what made it, decodes, feel and notes, and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveengine.config.settings import default_checkpoint
from liveengine.config.style_library import load_repertoire
from liveengine.errors import CheckpointError, ConfigError
from liveengine.generation.generator import BarGenerator
from liveengine.midi.file import TakeNote, read_texts, rewrite_take
from liveengine.music.beats import read_meter
from liveengine.music.drums import Voice
from liveengine.music.groove import Grooving
from liveengine.music.kit import KitMap, Strike
from liveengine.music.pattern import Bar, Hit, TimedHit
from liveengine.music.reading import Reading, read
from liveengine.music.request import BarRequest, ContextBar, Guidance
from liveengine.music.style import Feel
from liveengine.music.written import (
    read_borrowing,
    read_conditioning,
    read_hits,
    read_kit,
    read_musts,
    read_pocket,
)
from liveengine.planning.horizon import levelled
from liveengine.recording.take_recorder import SOUNDED, sounding_beat
from liveengine.recording.trace_reader import Line, Performance, read_performance


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decode made again: the hits from `step` on that are stated, and those that came now."""

    decode_id: int
    bar: int
    step: int
    stated: tuple[Hit, ...]
    again: Bar

    @property
    def same(self) -> bool:
        """Whether every hit came again, to the tick and the velocity."""
        return self.stated == tuple(hit for hit in self.again.hits if hit.step >= self.step)


@dataclass(frozen=True, slots=True)
class ReplayedNote:
    """A note that sounded, made again from its bar's decodes and its feel; `line` is what is stated of it.

    `written` tells whether its bar is what the decodes wrote, as far as a decode wrote it.
    """

    bar: int
    line: Line
    beat: float
    timed: TimedHit
    strike: Strike
    written: bool

    @property
    def same(self) -> bool:
        """Whether it came again: its place, feel, drum and velocity, where a trace states them."""
        made = {
            "beat": self.beat,
            "offset_ms": self.timed.offset_ms,
            "note": self.strike.note,
            "velocity": self.strike.velocity,
            "channel": self.strike.channel,
        }
        return self.written and all(self.line.get(name, value) == value for name, value in made.items())


class Replay:
    """A performance, read from its file. Call `decodes` before `notes`, which are made of them."""

    def __init__(self, path: Path, checkpoint: Path | None = None) -> None:
        """Read a trace, take or capture.

        Raises ConfigError for a file that is none, CheckpointError where the checkpoint is not the one that
        played.
        """
        self._path = path
        self._is_take = path.suffix.lower() in (".mid", ".midi")
        self._performance = _from_take(path) if self._is_take else read_performance(path)
        repertoire = load_repertoire(checkpoint or default_checkpoint())
        self._header = self._performance.header
        played = self._header.get("checkpoint_sha256")
        if played != repertoire.checkpoint_sha256:
            raise CheckpointError(
                f"{path}: expected the checkpoint that played, {str(played)[:12]}, "
                f"got {repertoire.checkpoint_sha256[:12]} (see --checkpoint)"
            )
        self._generator = BarGenerator(repertoire.checkpoint, "cpu", repertoire.packs)
        self._again: dict[int, Bar] = {}

    def decodes(self, bar: int | None = None) -> Iterator[Replayed]:
        """Decode the bars again, all or one, and yield each as it is made.

        Raises ConfigError without such a bar.
        """
        decodes = [line for line in self._performance.of("decode") if bar is None or line["bar"] == bar]
        if not decodes:
            wanted = "a decode" if bar is None else f"bar {bar}"
            raise ConfigError(f"{self._path}: expected {wanted}, found none")
        contents = _contents(self._performance)
        for line in decodes:
            request = _request(line, contents, self._path)
            step = max(request.from_step, line["taken_from"])  # a late answer joins later than asked for
            stated = tuple(hit for hit in read_hits(line["hits"]) if hit.step >= step)
            self._again[request.serial] = again = self._generator.generate(request).bar
            yield Replayed(request.serial, request.index, step, stated, again)

    def notes(self, bar: int | None = None) -> list[ReplayedNote]:
        """Return the notes that sounded, made again from the bars decoded and what gave them their feel.

        Raises ConfigError where the file does not say what that was.
        """
        grooves = {line["groove"]: line for line in self._performance.of("groove")}
        felt: dict[int, tuple[tuple[int, TimedHit], ...]] = {}
        written: dict[int, bool] = {}
        replayed = []
        try:
            first = KitMap.plain(
                self._header["kit"], tuple(self._header["kit_notes"]), self._header["channel"]
            )
            kits = {first.name: first} | {
                line["name"]: read_kit(line) for line in self._performance.of("kit")
            }
            for index, stated in self._stated_notes(bar):
                serial = stated["groove"]
                if serial not in felt:
                    felt[serial] = _grooving(grooves[serial]).hits()
                    written[serial] = self._is_written(grooves[serial])
                step, timed = felt[serial][stated["place"]]
                velocity = levelled(timed.velocity, stated["level"])
                kit = kits[stated.get("kit", first.name)]
                strike = kit.strike_voice(timed.voice, velocity, step, timed.openness)
                beat = stated["line_beat"] + timed.beat
                replayed.append(ReplayedNote(index, stated, beat, timed, strike, written[serial]))
        except (KeyError, IndexError, TypeError) as error:
            raise ConfigError(f"{self._path}: expected all that made its notes, lacks {error}") from error
        return replayed

    def write(self, out: Path) -> bool:
        """Write the take again from its notes made again; tell whether it is the same to the byte.

        Raises ConfigError for a trace, MidiError where the file cannot be written.
        """
        if not self._is_take:
            raise ConfigError(f"{self._path}: expected a take or capture to write again, got a trace")
        start = self._header["start_beat"]
        notes = []
        for each in self.notes():
            beat = sounding_beat(each.beat, each.timed.offset_ms, each.line["bpm"], start)
            notes.append(TakeNote.struck(beat, each.strike, each.line["bpm"]))
        given = [TakeNote(*note) for line in self._performance.of("given") for note in line["notes"]]
        rewrite_take(self._path, out, [*given, *notes], self._header["channel"])
        return out.read_bytes() == self._path.read_bytes()

    def _stated_notes(self, bar: int | None) -> Iterator[tuple[int, Line]]:
        """Yield what is stated of each note that sounded, with its bar."""
        for line in self._performance.of("note"):
            if bar in (None, line["bar"]):
                yield line["bar"], line
        for line in self._performance.of("sounded"):
            if bar in (None, line["bar"]):
                for made in line["notes"]:
                    yield (
                        line["bar"],
                        dict(zip(SOUNDED, made, strict=False)),
                    )  # takes of before kits were written

    def _is_written(self, groove: Line) -> bool:
        """Tell whether a groove's bar is what its decodes wrote; what none of them wrote stands as it is."""
        hits = read_hits(groove["hits"])
        ends = [step for step, _ in groove["parts"][1:]] + [read_meter(groove["meter"]).steps]
        for (step, decode_id), end in zip(groove["parts"], ends, strict=True):
            again = self._again.get(decode_id)
            if again is not None:
                if "reading" in groove:
                    feel = _feel(groove["feel"])
                    reading = Reading(**groove["reading"])
                    again = read(again, reading, feel.learned_swing_percent, feel.swing_unit_steps)
                wrote = tuple(hit for hit in again.hits if step <= hit.step < end)
                if wrote != tuple(hit for hit in hits if step <= hit.step < end):
                    return False
        return True


def _from_take(path: Path) -> Performance:
    """Return what a take or a capture says of what made it."""
    lines: dict[str, list[Line]] = {}
    for text in read_texts(path):
        try:
            line = json.loads(text)
        except ValueError:
            continue  # somebody else's text
        if isinstance(line, dict) and isinstance(line.get("type"), str):
            lines.setdefault(line["type"], []).append(line)
    if "header" not in lines:
        raise ConfigError(f"{path}: expected a take or capture of liveengine, found none of what made it")
    return Performance(lines["header"][0], lines)


def _contents(performance: Performance) -> dict[int, ContextBar]:
    return {
        line["serial"]: ContextBar(
            line["serial"],
            Bar(read_meter(line["meter"]), read_hits(line["hits"])),
            read_conditioning(line["controls"]),
        )
        for line in performance.of("content")
    }


def _request(line: Line, contents: Mapping[int, ContextBar], path: Path) -> BarRequest:
    try:
        return BarRequest(
            serial=line["decode_id"],
            index=line["bar"],
            meter=read_meter(line["meter"]),
            conditioning=read_conditioning(line["controls"]),
            context=tuple(contents[serial] for serial in line["context"]),
            seed=line["seed"],
            temperature=line["temperature"],
            guidance=Guidance(*line["guidance"]),
            prefix=read_hits(line["prefix"]),
            from_step=line["step"],
            borrowing=read_borrowing(line["borrowing"]),
            musts=read_musts(line.get("musts", ())),
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: decode {line.get('decode_id')}: expected all that made it, lacks {error}"
        ) from error


def _grooving(line: Line) -> Grooving:
    return Grooving(
        bar=Bar(read_meter(line["meter"]), read_hits(line["hits"])),
        feel=_feel(line["feel"]),
        dice=line["dice"],
        swing_percent=line["swing_percent"],
        humanize=line["humanize"],
        pushes_ms=tuple(line["pushes_ms"]),
        borrowed_feel=_feel(line["borrowed_feel"]) if line["borrowed_feel"] else None,
        borrowed=frozenset(line["borrowed"]),
        drawn=read_hits(line.get("drawn", ())),
        pocket=read_pocket(line.get("pocket")),
    )


def _feel(written: Mapping[str, Any]) -> Feel:
    low, high = written["ghost_velocity"]
    swings = tuple((Voice(voice), swing) for voice, swing in written["voice_swing"])
    pushes = tuple(written["push_ms"])
    return Feel(**{**written, "voice_swing": swings, "push_ms": pushes, "ghost_velocity": (low, high)})
