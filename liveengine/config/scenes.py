"""Scenes and set lists as YAML files: the player's scenes in the own folder, a set wherever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from liveengine.config.user_files import own_folder, save_text
from liveengine.config.yaml_reader import Entry, maybe, read_yaml
from liveengine.errors import ConfigError, ContractError, LiveEngineError
from liveengine.music.control import (
    CHOICES,
    KIT,
    MORPH_MOST_BARS,
    RANGES,
    STYLE_CONTROLS,
    TIME_FEELS,
    TOGGLE_FIELDS,
    ControlState,
    SetChoice,
    SetToggle,
    SetValue,
    apply,
)
from liveengine.music.control_values import values_of
from liveengine.music.drums import GROUP_PLACE, GROUPS
from liveengine.music.kit_book import KitBook
from liveengine.music.scene import LEFT_ALONE, Scene, SetEntry, SetList, scene_key
from liveengine.music.style import StyleBook, spelling

PLAIN = tuple(name for name in RANGES if name not in LEFT_ALONE and not name.startswith(("level_", "push_")))
BY_DRUM = {"levels": "level", "pushes_ms": "push"}
WORDS = tuple(name for name in CHOICES if name not in LEFT_ALONE)
AS_IT_IS = ""
"""The time signature of a scene that names none."""
FIELDS = (
    "name",
    "program",
    *STYLE_CONTROLS,
    KIT,
    *WORDS,
    *PLAIN,
    *TIME_FEELS,
    *BY_DRUM,
    *TOGGLE_FIELDS.values(),
)


@dataclass(frozen=True, slots=True)
class _Books:
    """What scenes may name."""

    styles: StyleBook
    kits: KitBook | None


def scenes_folder() -> Path:
    """Return the folder of the player's scenes. It need not exist."""
    return own_folder() / "scenes"


def load_scenes(styles: StyleBook, kits: KitBook | None = None) -> tuple[list[Scene], list[str]]:
    """Return the player's scenes by file name, and which were left out, and why."""
    scenes, faults = [], []
    for path in sorted(scenes_folder().glob("*.yaml")):
        try:
            scenes.append(load_scene(path, styles, kits))
        except LiveEngineError as error:
            faults.append(str(error))
    return scenes, faults


def load_scene(path: Path, styles: StyleBook, kits: KitBook | None = None) -> Scene:
    """Return the scene of a file.

    Raises ConfigError for a faulty one, and for a kit that is not in `kits`, if they are given.
    """
    return _scene(read_yaml(path, "a scene"), _Books(styles, kits), path.stem)


def save_scene(scene: Scene) -> Path:
    """Write a scene to its file, the one of any spelling of its name; return it.

    Raises ConfigError where it cannot be written.
    """
    return save_text(_file_of(scene.name), scene_text(scene))


def _file_of(name: str) -> Path:
    """Return the file of a scene: the one that has it (the last, which is read last), else a free one."""
    folder = scenes_folder()
    taken = {path.name: spelling(_written_name(path)) for path in sorted(folder.glob("*.yaml"))}
    having = [each for each, key in taken.items() if key == scene_key(name)]
    if having:
        return folder / having[-1]
    plain = re.sub(r"[^\w -]", "_", name).strip()
    names = (f"{plain}{'' if number == 1 else f' {number}'}.yaml" for number in count(1))
    return folder / next(each for each in names if each not in taken)


def _written_name(path: Path) -> str:
    """Return the name that a scene's file gives it, its file's own where it says none; "" of a faulty one."""
    try:
        fields = read_yaml(path, "a scene").known_fields(FIELDS)
        return fields["name"].text() if "name" in fields else path.stem
    except LiveEngineError:
        return ""


def scene_text(scene: Scene) -> str:
    """Return a scene as YAML: what is not as a fresh performance has it."""
    fresh = values_of(ControlState(scene.controls.style, time_signature=AS_IT_IS))
    values = values_of(scene.controls)
    fields: dict[str, Any] = {"name": scene.name}
    if scene.program is not None:
        fields["program"] = scene.program
    fields["style"] = scene.controls.style
    plain = ("blend_style", KIT, *WORDS, *PLAIN, *TIME_FEELS)
    fields |= {name: values[name] for name in plain if values[name] != fresh[name]}
    for field, what in BY_DRUM.items():
        turned = {g: values[f"{what}_{g}"] for g in GROUPS if values[f"{what}_{g}"] != fresh[f"{what}_{g}"]}
        fields |= {field: turned} if turned else {}
    for field in TOGGLE_FIELDS.values():
        drums = [group for group in GROUPS if group in getattr(scene.controls, field)]
        fields |= {field: drums} if drums else {}
    return yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)


def load_set_list(
    path: Path, scenes: Mapping[str, Scene], styles: StyleBook, kits: KitBook | None = None
) -> SetList:
    """Return the set of a file; its scenes are named, or written out in it.

    Raises ConfigError for a faulty one, or a scene that there is not.
    """
    root = read_yaml(path, "a set list")
    entries = root.known_fields(("title", "scenes"), ("scenes",))
    known = {spelling(name): scene for name, scene in scenes.items()}
    listed = tuple(
        _set_entry(each, known, _Books(styles, kits), place)
        for place, each in enumerate(entries["scenes"].items("a list of scenes"), 1)
    )
    title = entries["title"].text() if "title" in entries else path.stem
    try:
        return SetList(title, listed)
    except ContractError as error:
        raise entries["scenes"].translated(error) from error


def _set_entry(entry: Entry, known: Mapping[str, Scene], books: _Books, place: int) -> SetEntry:
    fields = entry.known_fields(("scene", "controls", "bar", "after", "marker", "morph"))
    if ("scene" in fields) == ("controls" in fields) and "controls" not in fields:
        raise entry.fault("scene: NAME, or controls: of its own", "neither")
    if "controls" in fields:
        named = fields["scene"].text() if "scene" in fields else f"scene {place}"
        scene = _scene(fields["controls"], books, named)
    else:
        wanted = fields["scene"].text()
        found = known.get(spelling(wanted))
        if found is None:
            names = ", ".join(each.name for each in known.values()) or "none yet"
            raise fields["scene"].fault(f"a scene ({names}), or controls: beside it", repr(wanted))
        scene = found
    if sum(name in fields for name in ("bar", "after", "marker")) > 1:
        raise entry.fault("one of bar, after, marker", "more than one")
    return SetEntry(
        scene,
        bar=fields["bar"].whole(1, 100_000) if "bar" in fields else None,
        after=fields["after"].whole(1, 100_000) if "after" in fields else None,
        marker=fields["marker"].text() if "marker" in fields else None,
        morph_bars=fields["morph"].whole(0, MORPH_MOST_BARS) if "morph" in fields else 0,
    )


def _scene(root: Entry, books: _Books, name: str) -> Scene:
    entries = root.known_fields(FIELDS, ("style",))
    state = ControlState(_named(entries["style"], books.styles), time_signature=AS_IT_IS)
    if "blend_style" in entries:
        state = replace(
            state, blend_style=maybe(lambda entry: _named(entry, books.styles))(entries["blend_style"])
        )
    if KIT in entries:
        state = replace(state, kit=maybe(lambda entry: _named(entry, books.kits))(entries[KIT]))
    for field in (*WORDS, *PLAIN):
        if field in entries and not entries[field].is_null():
            state = apply(state, _turned(field, entries[field]))
    for field, what in BY_DRUM.items():
        drums = entries[field].known_fields(GROUPS) if field in entries else {}
        for group, each in drums.items():
            state = apply(state, SetValue(f"{what}_{group}", each.number(*RANGES[f"{what}_{group}"])))
    for toggle in _switched_on(entries):
        state = apply(state, SetToggle(toggle, True))
    name = entries["name"].text() if "name" in entries else name
    try:
        scene_key(name)
    except ContractError as error:
        raise entries.get("name", root).translated(error) from error
    return Scene(
        name,
        state,
        entries["program"].whole(0, 127) if "program" in entries else None,
    )


def _switched_on(entries: Mapping[str, Entry]) -> Iterator[str]:
    """Yield the controls that are on: those of the whole kit, and those of each drum."""
    for field in TIME_FEELS:
        if field in entries and entries[field].truth():
            yield field
    for what, field in TOGGLE_FIELDS.items():
        for each in entries[field].items("a list of drums") if field in entries else ():
            if each.text() not in GROUP_PLACE:
                raise each.fault(f"one of {', '.join(GROUPS)}")
            yield f"{what}_{each.text()}"


def _turned(field: str, entry: Entry) -> SetChoice | SetValue:
    if field in RANGES:
        return SetValue(field, entry.number(*RANGES[field]))
    try:
        return SetChoice(field, entry.text())
    except ContractError as error:
        raise entry.translated(error) from error


def _named(entry: Entry, book: StyleBook | KitBook | None) -> str:
    """Return the name of a style or kit as in its book; as it is written where there is none."""
    if book is None:
        return entry.text()
    try:
        return book.find(entry.text()).name
    except LiveEngineError as error:
        raise ConfigError(f"{entry.path}, line {entry.node.start_mark.line + 1}: {error}") from error
