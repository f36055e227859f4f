"""Control maps as files: the shipped one, and the player's own, which takes the place of it line by line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from liveengine.config.settings import configs_folder
from liveengine.config.user_files import own_folder, save_text
from liveengine.config.yaml_reader import Entry, Reader, built, maybe, read_yaml
from liveengine.errors import ContractError
from liveengine.music.control_map import UNBOUND, Binding, ControlMap

OWN_MAP = "control.yaml"
KINDS = {"controllers": "cc", "notes": "note"}
HEAD = "# Your own control map: what is bound here takes the place of what the shipped one says.\n"


def own_map_path() -> Path:
    """Return the file of the player's own control map. It need not exist."""
    return own_folder() / OWN_MAP


def load_control_map(path: Path | None = None) -> ControlMap:
    """Return the control map of a file (`configs/control.yaml`); raises ConfigError for a faulty one."""
    return _over(ControlMap(bindings=()), path or configs_folder() / OWN_MAP)


def load_own_control_map() -> ControlMap:
    """Return the shipped control map with the player's own over it; raises ConfigError for a faulty one."""
    own = own_map_path()
    shipped = load_control_map()
    return _over(shipped, own) if own.is_file() else shipped


def save_own_control_map(control_map: ControlMap) -> Path:
    """Keep what differs from the shipped map, `none` for what is not bound any more; return the file.

    Raises ConfigError where it cannot be written.
    """
    shipped = load_control_map()
    fields: dict[str, Any] = {}
    for field, kind in KINDS.items():
        fresh = [each for each in control_map.bindings if each.kind == kind and each not in shipped.bindings]
        kept = {each.number for each in control_map.bindings if each.kind == kind}
        gone = [each.number for each in shipped.bindings if each.kind == kind and each.number not in kept]
        numbered: dict[int, Any] = dict.fromkeys(gone, UNBOUND)
        for number in sorted({each.number for each in fresh}):
            written = [_written(each) for each in fresh if each.number == number]
            numbered[number] = written[0] if len(written) == 1 else written
        if numbered:
            fields[field] = numbered
    if control_map.takeover != shipped.takeover:
        fields["takeover"] = control_map.takeover
    if control_map.channel != shipped.channel:
        fields["channel"] = control_map.channel
    if control_map.program_change_is_style != shipped.program_change_is_style:
        fields["program_change"] = "style" if control_map.program_change_is_style else UNBOUND
    return save_text(own_map_path(), HEAD + yaml.safe_dump(fields, sort_keys=False))


def _written(binding: Binding) -> str | dict[str, Any]:
    more: dict[str, Any] = {}
    if binding.encoding != "absolute":
        more["encoding"] = binding.encoding
    if binding.channel is not None:
        more["channel"] = binding.channel
    return {"control": binding.control, **more} if more else binding.control


def _over(below: ControlMap, path: Path) -> ControlMap:
    """Return a map with what a file says in the place of what it had."""
    root = read_yaml(path, "a control map")
    entries = root.known_fields(("program_change", *KINDS, "channel", "takeover"))
    bindings = list(below.bindings)
    for field, kind in KINDS.items():
        if field not in entries:
            continue
        said = _numbered(entries.pop(field), kind)
        bindings = [each for each in bindings if each.kind != kind or each.number not in said]
        bindings += [binding for fresh in said.values() for binding in fresh]
    renamed = {_FIELDS.get(name, name): entry for name, entry in entries.items()}
    try:
        return built(
            lambda **changes: replace(below, bindings=tuple(bindings), **changes), root, renamed, _READERS
        )
    except ContractError as error:
        raise root.translated(error) from error


def _numbered(entry: Entry, kind: str) -> dict[int, list[Binding]]:
    """Return what the numbers of controllers or notes are bound to; nothing for `none`."""
    what = "CC" if kind == "cc" else "note"
    numbered: dict[int, list[Binding]] = {}
    for key, each in entry.pairs(f"{what} number: control").items():
        if not (key.isascii() and key.isdigit() and str(int(key)) == key):
            raise each.fault(f"a {what} number before the colon", repr(key))
        said = each.items("controls") if isinstance(each.node, yaml.SequenceNode) else [each]
        numbered[int(key)] = [binding for one in said if (binding := _binding(kind, int(key), one))]
    return numbered


def _binding(kind: str, number: int, entry: Entry) -> Binding | None:
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
_FIELDS = {"program_change": "program_change_is_style"}
_READERS: dict[str, Reader] = {
    "program_change_is_style": _program_change,
    "channel": maybe(lambda entry: entry.whole(1, 16)),
    "takeover": Entry.text,
}
