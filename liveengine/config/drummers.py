"""Reading the drummers' personalities (configs/drummers.yaml), strictly: faults name file, line and field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from liveengine.config.settings import configs_folder, read_pushes
from liveengine.config.yaml_reader import Entry, Reader, built, read_yaml
from liveengine.music.personality import Personality
from liveengine.music.style import DRUMMERS

_READERS: Mapping[str, Reader] = {
    "about": Entry.text,
    "density": Entry.number,
    "energy": Entry.number,
    "ghosts_per_bar": Entry.number,
    "contrast": Entry.number,
    "push_ms": read_pushes,
    "jitter_ms": Entry.number,
}


def load_drummers(path: Path | None = None) -> Mapping[str, Personality]:
    """Return the personalities by name, in order. Raises ConfigError for a faulty file."""
    root = read_yaml(path or configs_folder() / "drummers.yaml", "the drummers")
    found = {}
    for name, entry in root.known_fields(DRUMMERS).items():
        fields = entry.known_fields(_READERS, ("about",))
        found[name] = replace(built(Personality, entry, fields, _READERS), name=name)
    return found
