"""Settings: the only reader of the configs folder, strict, naming the file, line and field of every fault."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import yaml

import liveengine
from liveengine.config.cards import load_rules
from liveengine.config.field_types import check_field_types
from liveengine.config.user_files import own_styles_folder
from liveengine.config.yaml_reader import Entry, Reader, built, maybe, read_yaml
from liveengine.errors import ConfigError, ContractError, LiveEngineError
from liveengine.music.beats import meter_for_quantum
from liveengine.music.control import check_choice, check_level
from liveengine.music.drums import Voice
from liveengine.music.request import MAX_LOOKAHEAD_BARS
from liveengine.music.style import DRUMMERS, FAMILIES, NO_PUSH, Feel, Style, StyleBook, spelling

BACKENDS = ("auto", "alsa", "jack", "coremidi", "winmm", "file", "none")
DEVICES = ("auto", "cpu", "cuda")
GENERATORS = ("local", "celery")
NAME = re.compile(r"[\w -]{1,32}")
LAST = 1_000_000
"""Place of a style whose file gives no `order`: after all that do, then by name."""
WEIGHT_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How `liveengine play` plays unless the command line says otherwise; see `configs/engine.yaml`.

    None means "as the style says" for swing (percent) and humanize, "draw one" for the seed, and for the
    latency "as calibrated for the port", or 0.
    """

    name: str = "liveengine"
    style: str = "funk"
    quantum: float = 4.0
    backend: str = "auto"
    port: str = "drums"
    control_port: str = "control"
    map: str | None = None
    listen_port: str = "notes"
    sync_port: str = "clock"
    listen_latency_ms: float | None = None
    kit: str = "gm"
    latency_ms: float | None = None
    midi_clock: bool = False
    start_stop_sync: bool = True
    wait: bool = False
    lead: bool = False
    bridge_link: bool = False
    osc_port: int | None = None
    osc_host: str = "127.0.0.1"
    live: bool | None = None
    live_clips: str | None = None
    live_host: str = "127.0.0.1"
    live_port: int = 11000
    live_reply_port: int = 11001
    web: bool = True
    web_port: int | None = None
    web_host: str = "127.0.0.1"
    web_token: str | None = None
    device: str = "auto"
    generator: str = "local"
    broker: str | None = None
    remote_deadline_ms: float = 250.0
    seed: int | None = None
    swing_percent: float | None = None
    humanize: float | None = None
    fill_every: float = 8.0
    count_in: float = 0.0
    count_with: str = "sticks"
    lookahead_bars: int = 2
    late_drop_ms: float = 30.0
    gate_ms: float = 60.0
    cover_ms: float = 60.0
    switch: str = "beat"
    jam: str = "follow"
    drummer: str = "style"
    style_guidance: float = 2.0
    control_guidance: float = 6.0

    def __post_init__(self) -> None:
        """Refuse values of other types, and outside the ranges that `configs/engine.yaml` states."""
        check_field_types(self)
        meter_for_quantum(self.quantum)
        for name, choices in (("backend", BACKENDS), ("device", DEVICES), ("generator", GENERATORS)):
            if getattr(self, name) not in choices:
                raise ContractError(
                    f"{name}: expected one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        self._check_names()
        for name in ("swing_percent", "humanize", "latency_ms", "fill_every", "count_in"):
            if getattr(self, name) is not None:
                check_level(name, getattr(self, name))
        for name in ("switch", "jam", "count_with", "drummer"):
            check_choice(name, getattr(self, name))
        if self.seed is not None and self.seed < 0:
            raise ContractError(f"seed: expected 0 or more, got {self.seed}")
        for name, low, high in (
            ("lookahead_bars", 1, MAX_LOOKAHEAD_BARS),
            ("late_drop_ms", 1, 500),
            ("gate_ms", 1, 95),
            ("cover_ms", 1, 1000),
            ("osc_port", 0, 65535),
            ("web_port", 0, 65535),
            ("live_port", 1, 65535),
            ("live_reply_port", 0, 65535),
            ("remote_deadline_ms", 10, 2000),
            ("style_guidance", 1, 10),
            ("control_guidance", 1, 10),
        ):
            if getattr(self, name) is not None and not low <= getattr(self, name) <= high:
                raise ContractError(f"{name}: expected {low} to {high}, got {getattr(self, name):g}")

    def _check_names(self) -> None:
        for name in ("style", "port", "control_port", "kit", "osc_host", "web_host", "live_host"):
            if not getattr(self, name).strip():
                raise ContractError(f"{name}: expected a name, got an empty one")
        if not NAME.fullmatch(self.name):
            raise ContractError(f"name: expected up to 32 letters, digits, spaces, - or _, got {self.name!r}")


def _levels(entry: Entry) -> tuple[float, float]:
    pair = tuple(each.number() for each in entry.items("two numbers: [low, high]"))
    if len(pair) != 2 or pair[0] > pair[1]:
        raise entry.fault("two numbers, the low one first", str(list(pair)))
    return pair


def _tempo_range(entry: Entry) -> tuple[float, float]:
    low, high = _levels(entry)
    if not 20 <= low <= high <= 999:
        raise entry.fault("two tempos from 20 to 999 bpm", f"[{low:g}, {high:g}]")
    return low, high


def _velocities(entry: Entry) -> tuple[int, int]:
    _levels(entry)
    low, high = (each.whole(1, 127) for each in entry.items("two velocities: [low, high]"))
    return low, high


def _by_voice(entry: Entry) -> tuple[tuple[Voice, float], ...]:
    known = [voice.label for voice in Voice]
    return tuple((Voice[name.upper()], each.number()) for name, each in entry.known_fields(known).items())


def read_pushes(entry: Entry) -> tuple[float, ...]:
    """Return what a mapping of voices says, ms, for all voices: 0 for those it does not name."""
    given = dict(_by_voice(entry))
    return tuple(given.get(voice, NO_PUSH[voice]) for voice in Voice)


def _mixture(entry: Entry) -> tuple[tuple[str, float], ...]:
    mixture = tuple((genre, each.number(0, 1)) for genre, each in entry.pairs("genre: weight").items())
    total = sum(weight for _, weight in mixture)
    if abs(total - 1) > WEIGHT_TOLERANCE:
        raise entry.fault("weights that sum to 1", f"{total:g}")
    return mixture


def _one_of(words: Sequence[str]) -> Reader:
    """Return a reader of a text that is one of some words."""

    def read(entry: Entry) -> str:
        if entry.text() not in words:
            raise entry.fault(f"one of {', '.join(words)}")
        return entry.text()

    return read


_FEEL_READERS: Mapping[str, Reader] = {
    "swing_percent": Entry.number,
    "swing_unit_steps": Entry.whole,
    "learned_swing_percent": Entry.number,
    "voice_swing": _by_voice,
    "push_ms": read_pushes,
    "jitter_ms": Entry.number,
    "humanize": Entry.number,
    "velocity_jitter": lambda entry: entry.number(0, 1),
    "velocity_scale": lambda entry: entry.number(0.1, 2),
    "velocity_contrast": lambda entry: entry.number(0, 3),
    "ghosts_per_bar": Entry.number,
    "ghost_velocity": _velocities,
}
_LEVEL: Reader = maybe(lambda entry: entry.number(0, 1))
_STYLE_READERS: Mapping[str, Reader] = {
    "title": Entry.text,
    "family": _one_of(FAMILIES),
    "aliases": lambda entry: tuple(each.text() for each in entry.items("a list of names")),
    "genres": _mixture,
    "tempo_bpm": _tempo_range,
    "source": Entry.text,
    "feel": lambda entry: built(Feel, entry, entry.known_fields(_FEEL_READERS), _FEEL_READERS),
    "density": _LEVEL,
    "energy": _LEVEL,
    "temperature": lambda entry: entry.number(0.1, 3),
    "drummer": _one_of(DRUMMERS),
    "order": Entry.whole,
}
_NEEDED_BY_A_STYLE = ("title", "genres", "tempo_bpm", "source")
_READERS_BY_TYPE: Mapping[str, Reader] = {
    "str": Entry.text,
    "int": Entry.whole,
    "float": Entry.number,
    "bool": Entry.truth,
    "bool | None": maybe(Entry.truth),
    "int | None": maybe(Entry.whole),
    "str | None": maybe(Entry.text),
    "float | None": maybe(Entry.number),
}
_ENGINE_READERS = {each.name: _READERS_BY_TYPE[str(each.type)] for each in fields(EngineSettings)}


def configs_folder() -> Path:
    """Return the folder of configs: inside an installed package, beside the package in a checkout."""
    package = Path(liveengine.__file__).resolve().parent
    for folder in (package / "configs", package.parent / "configs"):
        if folder.is_dir():
            return folder
    raise ConfigError(f"configs: expected a folder {package / 'configs'} or {package.parent / 'configs'}")


def default_checkpoint() -> Path:
    """Return the folder of the weights that travel with the package."""
    return Path(liveengine.__file__).resolve().parent / "checkpoints" / "small"


def load_styles(folder: Path | None = None, extra: Path | None = None) -> StyleBook:
    """Return the styles of a folder (the shipped ones) in order, then those of `extra`, a folder or a file.

    A style of `extra` with the name of another takes its place. Raises ConfigError for a faulty file, an
    empty folder, and for two styles that answer to one spelling.
    """
    found = {style.name: (style, entry) for style, entry in _styles_in(folder or configs_folder() / "styles")}
    if extra is not None:
        found |= {style.name: (style, entry) for style, entry in _styles_in(extra)}
    taken: dict[str, Style] = {}
    for style, entry in found.values():
        for name in (style.name, style.title, *style.aliases):
            names = Entry(entry.path, "name, title or aliases", entry.node)
            if not spelling(name):
                raise names.fault("a name with letters a-z or digits", repr(name))
            other = taken.setdefault(spelling(name), style)
            if other is not style:
                raise names.fault("names of its own", f"{name!r}, to which {other.name} answers")
    return StyleBook(style for style, _ in found.values())


def _styles_in(place: Path) -> list[tuple[Style, Entry]]:
    paths = [place] if place.is_file() else sorted(place.glob("*.yaml"))
    if not paths:
        raise ConfigError(f"{place}: expected a folder with style files (*.yaml), found none")
    styles = [_style_in(path) for path in paths]
    return [(style, root) for _, style, root in sorted(styles, key=lambda each: (each[0], each[1].name))]


def _style_in(path: Path) -> tuple[int, Style, Entry]:
    """Return the order, the style and the whole of a style file."""
    root = read_yaml(path, "a style file")
    entries = root.known_fields(_STYLE_READERS, _NEEDED_BY_A_STYLE)
    values = {name: _STYLE_READERS[name](entry) for name, entry in entries.items()}
    return values.pop("order", LAST), _with_rules(Style(name=path.stem, **values)), root


def _with_rules(style: Style) -> Style:
    """Return a style with what the card of its genre says; a mixture has that of its greater half."""
    genre, weight = max(style.genres, key=lambda each: each[1])
    card = configs_folder() / "cards" / f"{genre}.yaml"
    if weight <= 0.5 or not card.is_file():
        return style
    rules = load_rules(card)
    return replace(style, musts=rules.musts, opening=rules.opening, landing=rules.landing)


def is_file_name(name: str) -> bool:
    """Tell whether what names a style or a kit is the path of its file."""
    return name.endswith((".yaml", ".yml")) or "/" in name or os.sep in name


def load_all_styles(extra: Path | None = None) -> tuple[StyleBook, tuple[str, ...]]:
    """Return the shipped styles, then the player's own, and which of those were left out, and why.

    A faulty file of the player's does not keep the others from playing. The style of `extra`, a file, takes
    the place of one of its name. Raises ConfigError for a faulty shipped file, and for a faulty `extra`.
    """
    book = load_styles(extra=extra)
    named = None if extra is None else extra.stem
    found: list[tuple[int, Style]] = []
    faults: list[str] = []
    for path in sorted(own_styles_folder().glob("*.yaml")):
        try:
            order, style, _ = _style_in(path)
            found.append((order, style))
        except LiveEngineError as error:
            faults.append(str(error))
    for _, style in sorted(found, key=lambda each: (each[0], each[1].name)):
        if style.name == named:
            continue
        try:
            book = StyleBook((*book.styles, style))
        except ContractError as error:
            faults.append(f"{own_styles_folder() / style.name}.yaml: {error}")
    return book, tuple(faults)


def style_text(style: Style, order: int) -> str:
    """Return a style file that is read back as this style; its feel has no push and no swing per voice."""
    defaults = Feel()
    feel = {name: getattr(style.feel, name) for name in _FEEL_READERS}
    written = {
        "order": order,
        "title": style.title,
        "genres": dict(style.genres),
        "tempo_bpm": list(style.tempo_bpm),
        "source": style.source,
        "feel": {name: value for name, value in feel.items() if value != getattr(defaults, name)},
    }
    return yaml.safe_dump(written, sort_keys=False, allow_unicode=True, width=100)


def load_drum_map(path: Path) -> Mapping[int, Voice | None]:
    """Return what the notes of a player's kit are, from a YAML file of `note: voice`; None for `none`.

    Raises ConfigError for a faulty file.
    """
    drum_map: dict[int, Voice | None] = {}
    known = [voice.label for voice in Voice]
    for key, entry in read_yaml(path, "a drum map").pairs("note: voice").items():
        if not (key.isascii() and key.isdigit() and int(key) <= 127):
            raise entry.fault("a MIDI note 0-127 before the colon", repr(key))
        label = entry.text().lower()
        if label not in (*known, "none"):
            raise entry.fault(f"a drum voice ({', '.join(known)}) or none", repr(label))
        drum_map[int(key)] = None if label == "none" else Voice[label.upper()]
    if not drum_map:
        raise ConfigError(f"{path}: expected lines such as `61: rim`, found none")
    return drum_map


def load_engine_settings(path: Path | None = None) -> EngineSettings:
    """Return `configs/engine.yaml` with the fields of the user's file, if any, in their place.

    Raises ConfigError for a faulty file.
    """
    entries: dict[str, Entry] = {}
    for each in (configs_folder() / "engine.yaml", path):
        if each is not None:
            root = read_yaml(each, "a settings file")
            entries |= root.known_fields(_ENGINE_READERS)
    return built(EngineSettings, root, entries, _ENGINE_READERS)
