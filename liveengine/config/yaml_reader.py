"""A strict reader of YAML files: every value keeps its file, line and field for the message of a fault."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

import liveengine
from liveengine.errors import ConfigError, ContractError

NEEDS = "needs"
"""A field that any file may begin with: the version of liveengine from which on it can be read."""
VERSION = re.compile(r"\d+(\.\d+){1,2}")
FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a YAML file and its place.

    Every reading method raises a ConfigError that names the file, the line and the field.
    """

    path: Path
    field: str
    node: yaml.Node

    def fault(self, expected: str, got: str | None = None) -> ConfigError:
        """Return the error that says what was expected here and what came."""
        return ConfigError(f"{self._where()}: expected {expected}, got {got or self._shown()}")

    def translated(self, error: ContractError) -> ConfigError:
        """Return a value class's complaint with this place before it."""
        return ConfigError(f"{self._where()}: {error}")

    def _where(self) -> str:
        return f"{self.path}, line {self.node.start_mark.line + 1}, field {self.field or '(whole file)'}"

    def _shown(self) -> str:
        if isinstance(self.node, yaml.ScalarNode):
            return repr(self.node.value) if self.node.value else "nothing"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "fields"

    def known_fields(self, known: Collection[str], required: Collection[str] = ()) -> dict[str, Entry]:
        """Return the entries by field name; refuses unknown, missing and repeated fields."""
        entries = self.pairs("fields")
        for name, entry in entries.items():
            if name not in known:
                near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
                hint = f"{near[0]} (the nearest of {', '.join(known)})" if near else ", ".join(known)
                raise entry.fault(f"a known field: {hint}", f"an unknown one, {name!r}")
        for name in required:
            if name not in entries:
                raise Entry(self.path, self._below(name), self.node).fault("this field", "none")
        return entries

    def pairs(self, what: str) -> dict[str, Entry]:
        """Return the entries of a mapping by key, in order; `what` they are."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(what)
        entries: dict[str, Entry] = {}
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Entry(self.path, self.field, key).fault("a name before the colon")
            if key.value in entries:
                raise Entry(self.path, self._below(key.value), key).fault("each field once", "it again")
            entries[key.value] = Entry(self.path, self._below(key.value), value)
        return entries

    def _below(self, name: str) -> str:
        return f"{self.field}.{name}" if self.field else name

    def items(self, what: str) -> list[Entry]:
        """Return the entries of a list; `what` they are."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.fault(what)
        return [
            Entry(self.path, f"{self.field}[{index}]", node) for index, node in enumerate(self.node.value)
        ]

    def is_null(self) -> bool:
        """Tell whether nothing, `~` or `null` is written here."""
        return self._kind() == "null"

    def _kind(self) -> str:
        return str(self.node.tag).rpartition(":")[2] if isinstance(self.node, yaml.ScalarNode) else ""

    def text(self) -> str:
        """Return text that is not empty."""
        if self._kind() != "str" or not self.node.value.strip():
            raise self.fault("text (in quotes where it looks like a number)")
        return str(self.node.value)

    def truth(self) -> bool:
        """Return true or false."""
        if self._kind() != "bool":
            raise self.fault("true or false")
        return str(self.node.value).lower() in ("true", "yes", "on")

    def whole(self, low: int | None = None, high: int | None = None) -> int:
        """Return a whole number from `low` to `high`, written in decimal."""
        wanted = "a whole number" if low is None else f"a whole number from {low} to {high}"
        # YAML 1.1 also takes 0x14, 012 and 1:30 for whole numbers; no player means that.
        if self._kind() != "int" or not re.fullmatch(r"[-+]?(0|[1-9][0-9]{0,17})", self.node.value):
            raise self.fault(wanted)
        value = int(self.node.value)
        if (low is not None and value < low) or (high is not None and value > high):
            raise self.fault(wanted)
        return value

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Return a finite number from `low` to `high`."""
        unbounded = math.isinf(low) and math.isinf(high)
        wanted = "a number" if unbounded else f"a number from {low:g} to {high:g}"
        try:
            value = float(self.whole()) if self._kind() == "int" else math.nan
            value = float(self.node.value) if self._kind() == "float" else value
        except ValueError:  # .inf, .nan and 1:30.5 in YAML 1.1
            value = math.nan
        if not (math.isfinite(value) and low <= value <= high):
            raise self.fault(wanted)
        return value


def read_yaml(path: Path, what: str) -> Entry:
    """Return the whole of a YAML file as an entry; an empty file has no fields.

    `what` the file should be. Raises ConfigError where it cannot be read, or is no YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: expected {what}, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected {what} in UTF-8, got bytes that are not") from error
    return read_yaml_text(path, text)


def read_yaml_text(path: Path, text: str) -> Entry:
    """Return text as the whole of a YAML file at a path, which need not be there.

    Raises ConfigError where it is no YAML.
    """
    try:
        node = _composed(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}, line {line}: expected YAML, got: {error.problem}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path}: expected YAML, got: {error}") from error
    if node is None:
        mark = yaml.Mark(str(path), 0, 0, 0, None, 0)
        node = yaml.MappingNode("tag:yaml.org,2002:map", [], mark, mark)
    root = Entry(path, "", node)
    _check_needs(root)
    return root


def _check_needs(root: Entry) -> None:
    """Take the field `needs` out of a file. Raises ConfigError where it is of a newer version than this."""
    if not isinstance(root.node, yaml.MappingNode):
        return
    for pair in root.node.value:
        key, value = pair
        if isinstance(key, yaml.ScalarNode) and key.value == NEEDS:
            entry = Entry(root.path, NEEDS, value)
            version = value.value if isinstance(value, yaml.ScalarNode) else ""
            if not VERSION.fullmatch(version):
                raise entry.fault("a version of liveengine, such as 0.1.0")
            if _numbers(version) > _numbers(liveengine.__version__):
                raise entry.fault(
                    f"{liveengine.__version__}, which this liveengine is, or earlier",
                    f"{version}: the file is for a newer one; upgrade liveengine",
                )
            root.node.value.remove(pair)
            return


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _composed(text: str) -> yaml.Node | None:
    """Return the whole of a text as a node, read in C where that is there; the other reports faults."""
    try:
        return yaml.compose(text, Loader=FAST_LOADER)
    except yaml.YAMLError:
        return yaml.compose(text, Loader=yaml.SafeLoader)


Reader = Callable[[Entry], Any]
"""Reads an entry; raises ConfigError where it is not as it should be."""
Built = TypeVar("Built")


def built(
    kind: Callable[..., Built], where: Entry, entries: Mapping[str, Entry], readers: Mapping[str, Reader]
) -> Built:
    """Return `kind` made of what `readers` read; its errors name the field they concern."""
    values = {name: readers[name](entry) for name, entry in entries.items()}
    for name, value in values.items():
        try:
            kind(**{name: value})
        except ContractError as error:
            raise entries[name].translated(error) from error
    try:
        return kind(**values)
    except ContractError as error:
        raise where.translated(error) from error


def maybe(reader: Reader) -> Reader:
    """Return a reader that takes `null` too, for None."""
    return lambda entry: None if entry.is_null() else reader(entry)
