"""The player's own kits as files: what a kit's file says, and new files, checked as any other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from liveengine.config.kits import (
    find_kit,
    kit_names,
    kit_text,
    own_kits_folder,
    read_kit_text,
)
from liveengine.config.settings import is_file_name
from liveengine.config.user_files import file_name, save_text
from liveengine.errors import ConfigError, ContractError, LiveEngineError
from liveengine.music.checks import checked_text
from liveengine.music.kit import KitMap
from liveengine.music.style import spelling

BY = ("by_velocity", "by_openness")
NAME_MAX = 64
Fields = dict[str, Any]


class KitTakenError(LiveEngineError):
    """A kit of this name exists, and nobody has said that another is to take its place."""


@dataclass(frozen=True, slots=True)
class SavedKit:
    """A kit that was written: its file, and whether that, or a shipped kit, was there before."""

    kit: KitMap
    path: Path
    replaced: bool


def is_own(name: str) -> bool:
    """Return whether the player has a kit file of this name."""
    return (own_kits_folder() / f"{name}.yaml").is_file()


def kit_fields(kit: KitMap) -> Fields:
    """Return what a file says that is this kit: the player's own file, or one that is like the shipped kit.

    A kit that is in neither folder has all of it said.
    """
    try:
        kept = find_kit(kit.name)
    except LiveEngineError:
        kept = None
    if kept != kit:
        return _plain(yaml.safe_load(kit_text(kit)))
    if not is_own(kit.name):
        return {"like": kit.name}
    return _plain(yaml.safe_load((own_kits_folder() / f"{kit.name}.yaml").read_text(encoding="utf-8")))


def save_kit(title: str, fields: Mapping[str, Any], *, replaces: bool = False) -> SavedKit:
    """Write a kit of the player's own, made of the fields of a kit file, under the name of its title.

    The file that it replaces is kept beside it, with `~` after its name. Raises KitTakenError where a kit
    of the name exists and `replaces` is not set, ContractError naming the field that cannot be, ConfigError
    where the file cannot be written.
    """
    name = _name(title)
    taken = next((each for each in kit_names() if spelling(each) == spelling(name)), None)
    if taken is not None and not replaces:
        kind = "one of your own" if is_own(taken) else "one that ships: yours would hide it"
        raise KitTakenError(f"kit {taken}: expected a new name, or to replace it, got {kind}")
    path = own_kits_folder() / f"{taken or name}.yaml"
    _check_like(fields, path)
    text = _text({"title": title, **fields})
    kit = _checked(path, text)
    if path.is_file():
        save_text(path.with_name(f"{path.name}~"), path.read_text(encoding="utf-8"))
    return SavedKit(kit, save_text(path, text), taken is not None)


def _name(title: str) -> str:
    try:
        name = file_name(checked_text("name", title))
    except ConfigError as error:
        raise ContractError(str(error).replace("NAME", "name", 1)) from error
    if len(name.encode()) > NAME_MAX:
        raise ContractError(f"name: expected at most {NAME_MAX} bytes, got {len(name.encode())}")
    return name


def _check_like(fields: Mapping[str, Any], path: Path) -> None:
    """Refuse a path for the kit that one is like, but for the one that its file has said all along."""
    like = fields.get("like")
    if not isinstance(like, str) or not is_file_name(like):
        return
    try:
        known = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        known = None
    if not isinstance(known, dict) or known.get("like") != like:
        raise ContractError(f"field like: expected the name of a kit, got the path {like!r}")


def _checked(path: Path, text: str) -> KitMap:
    """Return the kit of a text; its errors name the field, not a file that is not there yet."""
    try:
        return read_kit_text(path, text)
    except ConfigError as error:
        where = rf"^{re.escape(str(path))}(, line \d+)?(, |: )"
        raise ContractError(re.sub(where, "", str(error))) from error


def _text(fields: Fields) -> str:
    """Return fields as they are written. Raises ContractError for what no file can hold."""
    try:
        json.dumps(fields, ensure_ascii=False).encode()  # no half of a character that is two in UTF-16
        text = yaml.safe_dump(_numbered(fields), sort_keys=False, allow_unicode=True, width=100)
    except (RecursionError, UnicodeEncodeError, yaml.YAMLError) as error:
        raise ContractError(f"kit: expected fields of a kit file, got what none can hold: {error}") from error
    return text


def _numbered(fields: Fields) -> Fields:
    """Return fields with numbers before the colons that JSON puts in quotes: by velocity, by openness."""
    notes = fields.get("notes")
    if not isinstance(notes, dict):
        return fields
    return {**fields, "notes": {name: _by_numbers(each) for name, each in notes.items()}}


def _by_numbers(sound: Any) -> Any:
    if not isinstance(sound, dict):
        return sound
    return {
        field: {_number(key): note for key, note in value.items()}
        if field in BY and isinstance(value, dict)
        else value
        for field, value in sound.items()
    }


def _number(key: Any) -> Any:
    if isinstance(key, str) and re.fullmatch(r"\d{1,3}(\.\d{1,6})?", key):
        return float(key) if "." in key else int(key)
    return key


def _plain(fields: Fields) -> Fields:
    """Return fields as JSON has them: every name is text."""
    return {str(name): _plain(value) if isinstance(value, dict) else value for name, value in fields.items()}
