"""Control maps as files: the shipped one, over it a ready one that was chosen, over both the player's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from liveengine.config.map_gestures import is_gestures, read_gestures, written_gestures
from liveengine.config.map_layout import Layout, read_layout, written_layout
from liveengine.config.settings import configs_folder, is_file_name
from liveengine.config.user_files import own_folder, save_text
from liveengine.config.yaml_reader import Entry, Reader, built, maybe, read_yaml
from liveengine.errors import ContractError, UnknownNameError
from liveengine.music.control_map import CALLED, UNBOUND, AnyBinding, Binding, ControlMap, GestureBinding
from liveengine.music.style import StyleBook, spelling

OWN_MAP = "control.yaml"
READY_MAPS = "maps"
"""The folder of ready maps, in the configs and in the player's own folder."""
KINDS = {"controllers": "cc", "notes": "note", "nrpns": "nrpn"}
HEAD = "# Your own control map: what is bound here takes the place of what the shipped one says.\n"

Numbered = Mapping[int, tuple[AnyBinding, ...]]
"""What a file says of numbers; nothing of one that it says `none` of."""


@dataclass(frozen=True, slots=True)
class MapFile:
    """A control map as it is written: what it says of numbers, by kind, and what it is called."""

    root: Entry
    title: str
    about: str
    said: Mapping[str, Numbered]
    settings: Mapping[str, Entry]
    layout: Layout

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.root.path.stem

    @property
    def path(self) -> Path:
        """The file."""
        return self.root.path

    def over(self, below: ControlMap) -> ControlMap:
        """Return a map with what the file says in the place of what it had."""
        bindings = list(below.bindings)
        for kind, said in self.said.items():
            bindings = [each for each in bindings if each.kind != kind or each.number not in said]
            bindings += [binding for fresh in said.values() for binding in fresh]
        try:
            return built(
                lambda **changes: replace(below, bindings=tuple(bindings), **changes),
                self.root,
                self.settings,
                _READERS,
            )
        except ContractError as error:
            raise self.root.translated(error) from error


def own_map_path() -> Path:
    """Return the file of the player's own control map. It need not exist."""
    return own_folder() / OWN_MAP


def ready_map_paths() -> list[Path]:
    """Return the files of the ready maps, the shipped ones first, then those in the player's own folder."""
    folders = (configs_folder() / READY_MAPS, own_folder() / READY_MAPS)
    return [path for folder in folders for path in sorted(folder.glob("*.yaml"))]


def find_map(name: str) -> Path:
    """Return the file of a ready map by any spelling of its name, the player's own first, or by its path.

    Raises UnknownNameError that lists the maps where none answers.
    """
    if is_file_name(name):
        return Path(name).expanduser()
    paths = ready_map_paths()
    for path in reversed(paths):
        if spelling(path.stem) == spelling(name) != "":
            return path
    names = ", ".join(dict.fromkeys(path.stem for path in paths))
    raise UnknownNameError(f"control map {name!r} is unknown; all: {names}; or the path of a file")


def load_control_map(path: Path | None = None) -> ControlMap:
    """Return the control map of a file (`configs/control.yaml`); raises ConfigError for a faulty one."""
    return read_map_file(path or configs_folder() / OWN_MAP).over(ControlMap(bindings=()))


def load_own_control_map(ready: str | None = None, styles: StyleBook | None = None) -> ControlMap:
    """Return the shipped control map, with the ready map of a name over it, and the player's own over both.

    Raises ConfigError for a faulty file, UnknownNameError for an unknown map, and for a style that is not in
    `styles`.
    """
    below, own = _below_own(ready, styles), own_map_path()
    return read_map_file(own, styles).over(below) if own.is_file() else below


def _below_own(ready: str | None, styles: StyleBook | None = None) -> ControlMap:
    shipped = load_control_map()
    return shipped if ready is None else read_map_file(find_map(ready), styles).over(shipped)


def save_own_control_map(control_map: ControlMap, ready: str | None = None) -> Path:
    """Keep what differs from the maps below, the ready one of a name too; return the file.

    `none` is kept for what is not bound any more. Of numbers that nothing differs in, what the file says
    stays. Raises ConfigError where it cannot be written.
    """
    below, own = _below_own(ready), own_map_path()
    file = read_map_file(own) if own.is_file() else None
    fields: dict[str, Any] = {}
    if file is not None:
        fields = {name: getattr(file, name) for name in ("title", "about") if getattr(file, name)}
    for field, kind in KINDS.items():
        said = file.said.get(kind, {}) if file else {}
        if numbered := _kept(_by_number(control_map, kind), _by_number(below, kind), said):
            fields[field] = numbered
    for name in _READERS:
        value = getattr(control_map, name)
        if value != getattr(below, name) or (file is not None and name in file.settings):
            fields[_WRITTEN_AS.get(name, name)] = value
    if "program_change" in fields:
        fields["program_change"] = "style" if control_map.program_change_is_style else UNBOUND
    if file is not None and file.layout:
        fields["layout"] = written_layout(file.layout)
    return save_text(own, HEAD + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True))


def _kept(now: Numbered, below: Numbered, said: Numbered) -> dict[int, Any]:
    """Return what is to be written of the numbers that differ from what is below, or that the file says."""
    numbered: dict[int, Any] = {}
    for number in sorted({*now, *below, *said}):
        present = now.get(number, ())
        if set(present) != set(below.get(number, ())):
            numbered[number] = _written(present)
        elif number in said:
            numbered[number] = _written(present or said[number])
    return numbered


def _by_number(control_map: ControlMap, kind: str) -> Numbered:
    numbered: dict[int, tuple[AnyBinding, ...]] = {}
    for each in control_map.bindings:
        if each.kind == kind:
            numbered[each.number] = (*numbered.get(each.number, ()), each)
    return numbered


def _written(bindings: tuple[AnyBinding, ...]) -> Any:
    """Return what a number is bound to as it is read again."""
    written = [_one_written(each) for each in bindings] or [UNBOUND]
    return written[0] if len(written) == 1 else written


def _one_written(binding: AnyBinding) -> str | dict[str, Any]:
    more: dict[str, Any] = {} if binding.channel is None else {"channel": binding.channel}
    if isinstance(binding, GestureBinding):
        return {**written_gestures(binding), **more}
    if binding.encoding != "absolute":
        more = {"encoding": binding.encoding, **more}
    return {"control": binding.control, **more} if more else binding.control


def read_map_file(path: Path, styles: StyleBook | None = None) -> MapFile:
    """Return what a file says.

    Raises ConfigError for a faulty one, and for a style that is not in `styles`, if they are given.
    """
    root = read_yaml(path, "a control map")
    entries = root.known_fields(("title", "about", "program_change", *KINDS, "channel", "takeover", "layout"))
    said = {
        kind: _numbered(entries.pop(field), kind, styles) for field, kind in KINDS.items() if field in entries
    }
    title, about = (entries.pop(name).text() if name in entries else "" for name in ("title", "about"))
    layout = read_layout(entries.pop("layout"), said) if "layout" in entries else ()
    fields = {_WRITTEN_AS.get(name, name): name for name in _READERS}
    settings = {fields[name]: entry for name, entry in entries.items()}
    return MapFile(root, title, about, said, settings, layout)


def _numbered(entry: Entry, kind: str, styles: StyleBook | None) -> Numbered:
    what = CALLED[kind]
    numbered: dict[int, tuple[AnyBinding, ...]] = {}
    for key, each in entry.pairs(f"{what} number: control").items():
        if not (key.isascii() and key.isdigit() and str(int(key)) == key):
            raise each.fault(f"a {what} number before the colon", repr(key))
        said = each.items("controls") if isinstance(each.node, yaml.SequenceNode) else [each]
        found = [_binding(kind, int(key), one, styles) for one in said]
        numbered[int(key)] = tuple(binding for binding in found if binding is not None)
    return numbered


def _binding(kind: str, number: int, entry: Entry, styles: StyleBook | None) -> AnyBinding | None:
    if is_gestures(entry):
        return read_gestures(kind, number, entry, styles)
    fields: dict[str, Any] = {}
    if isinstance(entry.node, yaml.MappingNode):
        entries = entry.known_fields(_BINDING_READERS, ("control",))
        fields = {name: _BINDING_READERS[name](each) for name, each in entries.items()}
    else:
        fields["control"] = entry.text()
    if fields["control"] == UNBOUND:
        return None
    try:
        return Binding(kind, number, **fields)
    except ContractError as error:
        raise entry.translated(error) from error


def _program_change(entry: Entry) -> bool:
    if not entry.is_null() and entry.node.value not in ("style", UNBOUND):
        raise entry.fault("style or none")
    return bool(entry.node.value == "style")


_BINDING_READERS: dict[str, Reader] = {
    "control": Entry.text,
    "encoding": Entry.text,
    "channel": lambda entry: entry.whole(1, 16),
}
_WRITTEN_AS = {"program_change_is_style": "program_change"}
_READERS: dict[str, Reader] = {
    "program_change_is_style": _program_change,
    "channel": maybe(lambda entry: entry.whole(1, 16)),
    "takeover": Entry.text,
}
