"""Kits as files, the shipped ones and the player's own: each may be like another but for what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from liveengine.config.settings import configs_folder, is_file_name
from liveengine.config.user_files import own_folder
from liveengine.config.yaml_reader import Entry, Reader, read_yaml, read_yaml_text
from liveengine.errors import ContractError, LiveEngineError, UnknownNameError
from liveengine.music.kit import (
    CURVE_MAX,
    CURVE_MIN,
    HATS,
    LEAD_MAX_MS,
    LEAD_MIN_MS,
    LENGTH_MAX_MS,
    LENGTH_MIN_MS,
    NEEDED,
    Articulation,
    HatPedal,
    KitMap,
    KitNote,
)
from liveengine.music.kit_book import KitBook
from liveengine.music.style import spelling

FOLDER = "kits"
FIELDS = ("title", "source", "like", "channel", "length_ms", "velocity", "notes", "chokes", "hat_pedal")
UNSET = "none"
"""A note that is taken away from the kit that another is like."""
LABELS = tuple(str(each) for each in Articulation)


def own_kits_folder() -> Path:
    """Return the folder of the player's own kits. It need not exist."""
    return own_folder() / FOLDER


def kit_paths() -> list[Path]:
    """Return the files of all kits, the shipped ones first, then those in the player's own folder."""
    folders = (configs_folder() / FOLDER, own_kits_folder())
    return [path for folder in folders for path in sorted(folder.glob("*.yaml"))]


def kit_names() -> tuple[str, ...]:
    """Return the names of all kits, the shipped ones first."""
    return tuple(dict.fromkeys(path.stem for path in kit_paths()))


def load_kit(name: str) -> KitMap:
    """Return the kit of any spelling of its file name or title, the player's own first.

    Raises UnknownNameError listing the kits where none answers, ConfigError for a faulty file.
    """
    return load_kit_file(_path_of(name))


def find_kit(name: str) -> KitMap:
    """Return a kit by its name, or by the path of its file; raises as `load_kit` does."""
    return load_kit_file(Path(name).expanduser()) if is_file_name(name) else load_kit(name)


def load_kit_file(path: Path) -> KitMap:
    """Return the kit in a file. Raises ConfigError for a faulty one."""
    return _load(path, ())


def read_kit_text(path: Path, text: str) -> KitMap:
    """Return the kit of a text as it would be in a file at a path. Raises ConfigError for a faulty one."""
    return _kit(read_yaml_text(path, text), ())


def load_kits(first: KitMap) -> tuple[KitBook, tuple[str, ...]]:
    """Return the kits that may be played, and which of the player's own were left out, and why.

    Raises ConfigError for a faulty shipped file.
    """
    kits: dict[str, KitMap] = {}
    faults: list[str] = []
    for path in kit_paths():
        try:
            kit = load_kit_file(path)
            kits[kit.name] = kit
        except LiveEngineError as error:
            if path.parent != own_kits_folder():
                raise
            faults.append(f"left out the kit {path.stem}: {error}")
    return KitBook(first, kits.values()), tuple(faults)


def kit_text(kit: KitMap, like: KitMap | None = None, comments: Sequence[str] = ()) -> str:
    """Return a kit file that is read back as this kit: all of it, or what differs from the kit it is like."""
    fields: dict[str, Any] = {"title": kit.title or kit.name}
    if kit.source:
        fields["source"] = kit.source
    if like is not None:
        fields["like"] = like.name
    if like is None or kit.channel != like.channel:
        fields["channel"] = kit.channel
    if kit.length_ms is not None:
        fields["length_ms"] = kit.length_ms
    if velocity := _velocity_text(kit.curve, kit.velocities):
        fields["velocity"] = velocity
    below: Mapping[Articulation, KitNote] = {} if like is None else like.sounds
    notes = {str(each): _note_text(sound) for each, sound in kit.sounds.items() if below.get(each) != sound}
    notes |= {str(each): UNSET for each in below if each not in kit.sounds}
    if notes:
        fields["notes"] = notes
    if kit.chokes != (like.chokes if like else ()):
        fields["chokes"] = [sorted(map(str, group)) for group in kit.chokes]
    if kit.pedal != (like.pedal if like else None):
        fields["hat_pedal"] = UNSET if kit.pedal is None else _pedal_text(kit.pedal)
    head = "".join(f"# {line}\n" for line in comments)
    return head + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=100)


def _velocity_text(curve: float | None, velocities: tuple[int, int] | None) -> dict[str, Any]:
    return {
        **({} if curve is None else {"curve": curve}),
        **({} if velocities is None else {"range": list(velocities)}),
    }


def _pedal_text(pedal: HatPedal) -> dict[str, Any]:
    return {"controller": pedal.controller, "shut": pedal.shut, "open": pedal.open, "lead_ms": pedal.lead_ms}


def _note_text(sound: KitNote) -> Any:
    more: dict[str, Any] = {
        **({} if sound.channel is None else {"channel": sound.channel}),
        **({} if sound.length_ms is None else {"length_ms": sound.length_ms}),
    }
    if velocity := _velocity_text(sound.curve, sound.velocities):
        more["velocity"] = velocity
    if sound.by == "turn":
        notes: Any = sound.notes[0] if len(sound.notes) == 1 else list(sound.notes)
        return {"note": notes, **more} if more else notes
    return {f"by_{sound.by}": dict(zip(map(_plain, sound.starts), sound.notes, strict=True)), **more}


def _plain(number: float) -> float:
    return int(number) if number == int(number) else number


# --- reading -----------------------------------------------------------------------------------


def _path_of(name: str) -> Path:
    paths = kit_paths()
    for path in reversed(paths):
        if spelling(name) == spelling(path.stem) != "":
            return path
    for path in reversed(paths):
        if spelling(name) == spelling(_title(path)) != "":
            return path
    raise UnknownNameError(f"kit {name!r} is unknown; all: {', '.join(kit_names())}")


def _title(path: Path) -> str:
    """Return what a file calls its kit; "" where it cannot be read: its own reader says why."""
    try:
        return read_yaml(path, "a kit file").known_fields(FIELDS)["title"].text()
    except (LiveEngineError, KeyError):
        return ""


def _load(path: Path, above: tuple[Path, ...]) -> KitMap:
    return _kit(read_yaml(path, "a kit file"), above)


def _kit(root: Entry, above: tuple[Path, ...]) -> KitMap:
    path = root.path
    entries = root.known_fields(FIELDS, ("title",))
    below = _like(entries["like"], (*above, path)) if "like" in entries else None
    if below is None and "notes" not in entries:
        raise replace(root, field="notes").fault("this field, or like: the kit that it is like", "none")
    sounds = dict(below.sounds) if below else {}
    if "notes" in entries:
        sounds = _sounds(entries["notes"], sounds)
    start = replace(below, source="") if below else KitMap(path.stem, sounds)
    changes = {
        _ATTRIBUTES.get(name, name): read(entries[name]) for name, read in _READERS.items() if name in entries
    }
    if "velocity" in entries:
        changes |= _velocity(entries["velocity"])
    try:
        return replace(start, name=path.stem, sounds=sounds, **changes)
    except ContractError as error:
        raise root.translated(error) from error


def _like(entry: Entry, above: tuple[Path, ...]) -> KitMap:
    """Return the kit that a file is like: one of a name, or of a file beside it."""
    name = entry.text()
    try:
        if is_file_name(name):
            path = (entry.path.parent / Path(name).expanduser()).resolve()
        else:
            path = _path_below(name, above)
    except UnknownNameError as error:
        raise entry.fault("a kit", str(error)) from error
    if path.resolve() in {each.resolve() for each in above}:
        raise entry.fault("another kit, like none that is like this one", repr(name))
    return _load(path, above)


def _path_below(name: str, above: tuple[Path, ...]) -> Path:
    """Return the file of a name; a kit of the player's own may be like the shipped one of its own name."""
    found = _path_of(name)
    shipped = configs_folder() / FOLDER / f"{found.stem}.yaml"
    if found.resolve() == above[-1].resolve() and shipped.is_file():
        return shipped
    return found


def _sounds(entry: Entry, below: Mapping[Articulation, KitNote]) -> dict[Articulation, KitNote]:
    sounds = dict(below)
    for label, each in entry.known_fields(LABELS).items():
        articulation = Articulation(label)
        if each.node.value == UNSET:
            sounds.pop(articulation, None)
        else:
            sounds[articulation] = _sound(each, articulation)
    lacking = [each for each in NEEDED if each not in sounds]
    if lacking:
        raise replace(entry, field=f"notes.{lacking[0]}").fault("this field: nothing stands for it", "none")
    return {each: sounds[each] for each in Articulation if each in sounds}


def _sound(entry: Entry, articulation: Articulation) -> KitNote:
    if not isinstance(entry.node, yaml.MappingNode):
        return KitNote(_notes(entry))
    fields = entry.known_fields(("note", "by_velocity", "by_openness", "channel", "length_ms", "velocity"))
    chosen = [name for name in ("note", "by_velocity", "by_openness") if name in fields]
    if len(chosen) != 1:
        raise entry.fault("one of note, by_velocity, by_openness", " and ".join(chosen) or "none of them")
    how, sound = fields[chosen[0]], KitNote((0,))
    if chosen[0] == "note":
        sound = KitNote(_notes(how))
    else:
        if chosen[0] == "by_openness" and articulation not in HATS:
            raise how.fault("openness of hi-hats only", f"{articulation} by openness")
        sound = _by_start(how, chosen[0].removeprefix("by_"))
    return replace(
        sound,
        channel=_channel(fields["channel"]) if "channel" in fields else None,
        length_ms=_length(fields["length_ms"]) if "length_ms" in fields else None,
        **(_velocity(fields["velocity"]) if "velocity" in fields else {}),
    )


def _notes(entry: Entry) -> tuple[int, ...]:
    if not isinstance(entry.node, yaml.SequenceNode):
        return (_note(entry),)
    notes = tuple(_note(each) for each in entry.items("notes, struck in turn"))
    if not notes:
        raise entry.fault("at least one note", "an empty list")
    return notes


def _by_start(entry: Entry, by: str) -> KitNote:
    """Return notes by what they are for: from which velocity or openness on."""
    low, high = (1.0, 127.0) if by == "velocity" else (0.0, 1.0)
    starts: list[float] = []
    notes: list[int] = []
    for key, each in entry.pairs(f"{by}: note").items():
        try:
            start = float(key)
        except ValueError:
            start = -1.0
        if not low <= start <= high:
            raise each.fault(f"a {by} from {low:g} to {high:g} before the colon", repr(key))
        if starts and start <= starts[-1]:
            raise each.fault(f"a {by} above {starts[-1]:g} before the colon", repr(key))
        starts.append(start)
        notes.append(_note(each))
    if not notes:
        raise entry.fault(f"at least one {by}: note", "none")
    return KitNote(tuple(notes), by, tuple(starts))


def _note(entry: Entry) -> int:
    return entry.whole(0, 127)


def _channel(entry: Entry) -> int:
    return entry.whole(1, 16)


def _length(entry: Entry) -> float:
    return entry.number(LENGTH_MIN_MS, LENGTH_MAX_MS)


def _velocity(entry: Entry) -> dict[str, Any]:
    fields = entry.known_fields(("curve", "range"))
    read: dict[str, Any] = {}
    if "curve" in fields:
        read["curve"] = fields["curve"].number(CURVE_MIN, CURVE_MAX)
    if "range" in fields:
        pair = tuple(each.whole(1, 127) for each in fields["range"].items("two velocities: [low, high]"))
        if len(pair) != 2 or pair[0] >= pair[1]:
            raise fields["range"].fault("two velocities, the low one first", str(list(pair)))
        read["velocities"] = pair
    return read


def _chokes(entry: Entry) -> tuple[frozenset[Articulation], ...]:
    groups: list[frozenset[Articulation]] = []
    for group in entry.items("a list of groups, each a list of articulations"):
        members = [_articulation(each) for each in group.items("a list of articulations")]
        if len(set(members)) < 2:
            raise group.fault("two articulations or more", str(len(set(members))))
        groups.append(frozenset(members))
    return tuple(groups)


def _articulation(entry: Entry) -> Articulation:
    if entry.text() not in LABELS:
        raise entry.fault(f"one of {', '.join(LABELS)}")
    return Articulation(entry.text())


def _pedal(entry: Entry) -> HatPedal | None:
    if entry.node.value == UNSET:
        return None
    fields = entry.known_fields(_PEDAL_READERS, ("controller", "shut", "open"))
    values = {name: _PEDAL_READERS[name](each) for name, each in fields.items()}
    try:
        return HatPedal(**values)
    except ContractError as error:
        raise entry.translated(error) from error


_PEDAL_READERS: Mapping[str, Reader] = {
    "controller": lambda entry: entry.whole(0, 119),
    "shut": lambda entry: entry.whole(0, 127),
    "open": lambda entry: entry.whole(0, 127),
    "lead_ms": lambda entry: entry.number(LEAD_MIN_MS, LEAD_MAX_MS),
}
_READERS: Mapping[str, Reader] = {
    "title": Entry.text,
    "source": Entry.text,
    "channel": _channel,
    "length_ms": _length,
    "chokes": _chokes,
    "hat_pedal": _pedal,
}
_ATTRIBUTES = {"hat_pedal": "pedal"}
