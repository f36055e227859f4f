"""Replay: bars of a trace, take or capture decoded again from what made them, and compared to the byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liveengine.errors import CheckpointError, ConfigError
from liveengine.generation.generator import BarGenerator
from liveengine.midi.file import read_texts
from liveengine.music.beats import Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarRequest, Conditioning, ContextBar, Guidance
from liveengine.repertoire import load_repertoire
from liveengine.settings import default_checkpoint
from liveengine.view.performance import Line, Performance, read_performance


@dataclass(frozen=True, slots=True)
class Replayed:
    """A decode made again: the hits from `step` on that the trace states, and those that came now."""

    decode_id: int
    bar: int
    step: int
    stated: tuple[Hit, ...]
    again: Bar

    @property
    def same(self) -> bool:
        """Whether every hit came again, to the tick and the velocity."""
        return self.stated == tuple(hit for hit in self.again.hits if hit.step >= self.step)


def replay(path: Path, bar: int | None = None, checkpoint: Path | None = None) -> Iterator[Replayed]:
    """Decode the bars of a trace, a take or a capture again, all or one; yield each as it is made.

    Raises ConfigError for a file that is none or has no such bar, CheckpointError where the checkpoint
    is not the one that played.
    """
    performance = _from_take(path) if path.suffix.lower() in (".mid", ".midi") else read_performance(path)
    repertoire = load_repertoire(checkpoint or default_checkpoint())
    played = performance.header.get("checkpoint_sha256")
    if played != repertoire.checkpoint_sha256:
        raise CheckpointError(
            f"{path}: expected the checkpoint that played, {str(played)[:12]}, "
            f"got {repertoire.checkpoint_sha256[:12]} (see --checkpoint)"
        )
    decodes = [line for line in performance.of("decode") if bar is None or line["bar"] == bar]
    if not decodes:
        raise ConfigError(f"{path}: expected {'a decode' if bar is None else f'bar {bar}'}, found none")
    generator = BarGenerator(repertoire.checkpoint, "cpu", repertoire.packs)
    contents = _contents(performance)
    for line in decodes:
        request = _request(line, contents, path)
        step = max(request.from_step, line["taken_from"])  # a late answer joins later than it was written for
        stated = tuple(hit for hit in _hits(line["hits"]) if hit.step >= step)
        yield Replayed(request.serial, request.index, step, stated, generator.generate(request).bar)


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
            line["serial"], Bar(_meter(line["meter"]), _hits(line["hits"])), _conditioning(line["controls"])
        )
        for line in performance.of("content")
    }


def _request(line: Line, contents: Mapping[int, ContextBar], path: Path) -> BarRequest:
    try:
        return BarRequest(
            serial=line["decode_id"],
            index=line["bar"],
            meter=_meter(line["meter"]),
            conditioning=_conditioning(line["controls"]),
            context=tuple(contents[serial] for serial in line["context"]),
            seed=line["seed"],
            temperature=line["temperature"],
            guidance=Guidance(*line["guidance"]),
            prefix=_hits(line["prefix"]),
            from_step=line["step"],
        )
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{path}: decode {line.get('decode_id')}: expected all that made it, lacks {error}"
        ) from error


def _hits(written: Sequence[Sequence[int]]) -> tuple[Hit, ...]:
    return tuple(Hit(step, Voice(voice), micro, velocity) for step, voice, micro, velocity in written)


def _meter(written: str) -> Meter:
    numerator, _, denominator = written.partition("/")
    return Meter(int(numerator), int(denominator))


def _conditioning(written: Mapping[str, Any]) -> Conditioning:
    genres = tuple((str(genre), float(weight)) for genre, weight in written["genres"])
    return Conditioning(**{**written, "genres": genres})
