"""A performance read back from its trace: what the report shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liveengine.errors import ConfigError

Line = Mapping[str, Any]
NEEDED: Mapping[str, tuple[str, ...]] = {
    "header": ("version",),
    "note": ("due_us", "sent_us"),
    "dropped": ("reason",),
    "bar": ("bar", "beat", "generated_ms", "late", "fallback"),
    "tempo": ("at_us", "bpm", "beat"),
    "heard": ("bar", "onsets", "features", "reasons"),
}
"""The fields that the report reads of a line, by the line's type; lines of other types need none."""


@dataclass(slots=True)
class Performance:
    """The lines of a trace by type, in order."""

    header: Line
    lines: dict[str, list[Line]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Line]:
        """Return the lines of a type."""
        return self.lines.get(kind, [])

    @property
    def begin_us(self) -> float:
        """The moment of the first note, or of the first tempo where none was sent."""
        for kind, name in (("note", "due_us"), ("tempo", "at_us")):
            if self.of(kind):
                return float(self.of(kind)[0][name])
        return 0.0

    def seconds(self, at_us: float) -> float:
        """Return a moment in seconds from the first note."""
        return (at_us - self.begin_us) / 1e6

    def lateness(self) -> list[tuple[float, float]]:
        """Return (seconds, ms late) of each note sent."""
        return [
            (self.seconds(note["due_us"]), (note["sent_us"] - note["due_us"]) / 1e3)
            for note in self.of("note")
        ]

    def bars(self) -> list[Line]:
        """Return a line for each bar that has played: those of its plans before are left out."""
        return [bar for bar in self.of("bar") if not bar.get("replanned")]

    def bar_seconds(self, bar: Line) -> float:
        """Return when a bar began, by the tempo in force before its bar line."""
        tempo = None
        for change in self.of("tempo"):
            if tempo is None or change["beat"] <= bar["beat"]:
                tempo = change
        if tempo is None:
            return 0.0
        return self.seconds(tempo["at_us"] + (bar["beat"] - tempo["beat"]) * 60e6 / tempo["bpm"])


def read_performance(path: Path) -> Performance:
    """Return the performance of a trace; a last line cut off by a crash is left out.

    Raises ConfigError, naming the line, where the file is no trace.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected a trace of `play --trace`, got: {error}") from error
    whole = text.splitlines() if text.endswith("\n") else text.splitlines()[:-1]
    found: dict[str, list[Line]] = {}
    for number, written in enumerate(whole, 1):
        line = _line(path, number, written)
        found.setdefault(line["type"], []).append(line)
    if "header" not in found:
        raise ConfigError(f"{path}: expected a trace of `play --trace`, found no header line")
    return Performance(found["header"][0], found)


def _line(path: Path, number: int, written: str) -> Line:
    try:
        line = json.loads(written)
    except ValueError as error:
        raise ConfigError(f"{path}, line {number}: expected a JSON object, got: {error}") from error
    if not isinstance(line, dict) or not isinstance(line.get("type"), str):
        raise ConfigError(f"{path}, line {number}: expected an object with a type, got: {written[:60]}")
    lacking = [name for name in NEEDED.get(line["type"], ()) if name not in line]
    if lacking:
        wanted = f"a {line['type']} line with {', '.join(lacking)}"
        raise ConfigError(f"{path}, line {number}: expected {wanted}, got: {written[:60]}")
    return line
