"""Gestures in a control map: `64: {tap: fill, hold: {control: style, value: jazz}}`."""

from __future__ import annotations

from typing import Any

import yaml

from liveengine.config.yaml_reader import Entry, maybe
from liveengine.errors import ContractError, UnknownNameError
from liveengine.music.control import (
    ACTIONS,
    CHOICES,
    KIT,
    RANGES,
    STYLE_CONTROLS,
    STYLES_OWN,
    TOGGLES,
    SetBlendStyle,
    SetChoice,
    SetKit,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
    controls,
)
from liveengine.music.control_map import GESTURES, UNBOUND, GestureBinding, GestureCommand
from liveengine.music.named import recorded
from liveengine.music.style import StyleBook

VALUE_FIELDS = ("control", "value")


def is_gestures(entry: Entry) -> bool:
    """Tell whether a number is bound to gestures, or to a control with a value, which a press sets."""
    if not isinstance(entry.node, yaml.MappingNode):
        return False
    return bool({*GESTURES, "value"} & {key.value for key, _ in entry.node.value})


def read_gestures(kind: str, number: int, entry: Entry, styles: StyleBook | None) -> GestureBinding | None:
    """Return what gestures do; None where all of them are `none`.

    Raises ConfigError for what cannot be bound, and for a style that is not in `styles`, if they are given.
    """
    if "value" in entry.pairs("fields"):
        entries = entry.known_fields((*VALUE_FIELDS, "channel"), VALUE_FIELDS)
        done: dict[str, GestureCommand | None] = {"tap": _set_to(entries, styles)}
    else:
        entries = entry.known_fields((*GESTURES, "channel"))
        done = {how: _command(entries[how], styles) for how in GESTURES if how in entries}
    gestures = tuple((how, command) for how, command in done.items() if command is not None)
    if not gestures:
        return None
    channel = entries["channel"].whole(1, 16) if "channel" in entries else None
    try:
        return GestureBinding(kind, number, gestures, channel)
    except ContractError as error:
        raise entry.translated(error) from error


def written_gestures(binding: GestureBinding) -> dict[str, Any]:
    """Return gestures as they are read again."""
    return {how: _written(command) for how, command in binding.gestures}


def _written(command: GestureCommand) -> str | dict[str, Any]:
    if isinstance(command, TriggerAction):
        return command.action
    name, value = recorded(command)
    return {"control": name, "value": value}


def _command(entry: Entry, styles: StyleBook | None) -> GestureCommand | None:
    if isinstance(entry.node, yaml.MappingNode):
        return _set_to(entry.known_fields(VALUE_FIELDS, VALUE_FIELDS), styles)
    name = entry.text()
    if name == UNBOUND:
        return None
    if name in controls() and name not in ACTIONS:
        raise entry.fault("an action, or a control with its value: {control: " + name + ", value: ...}")
    if name not in ACTIONS:
        raise entry.fault(f"one of {', '.join(ACTIONS)}")
    return TriggerAction(name)


def _set_to(entries: dict[str, Entry], styles: StyleBook | None) -> GestureCommand:
    """Return the command that sets a control to a value."""
    control, value = entries["control"], entries["value"]
    name = control.text()
    if name in RANGES:
        left_to_style = name in STYLES_OWN and value.is_null()
        return SetValue(name, None if left_to_style else value.number(*RANGES[name]))
    if name in TOGGLES:
        return SetToggle(name, value.truth())
    if name in CHOICES:
        if value.node.value not in CHOICES[name]:  # `off` is a word here, whatever YAML makes of it
            raise value.fault(f"one of {', '.join(CHOICES[name])}")
        return SetChoice(name, value.node.value)
    if name in STYLE_CONTROLS:
        style = _style(value, styles)
        return SetStyle(style) if name == "style" else SetBlendStyle(style)
    if name == KIT:  # which kits there are is known where it is played
        return SetKit(maybe(Entry.text)(value))
    settable = (*STYLE_CONTROLS, KIT, *CHOICES, *RANGES, *TOGGLES)
    raise control.fault(f"a control that takes a value: {', '.join(settable)}")


def _style(entry: Entry, styles: StyleBook | None) -> str:
    if styles is None:
        return entry.text()
    try:
        return styles.find(entry.text()).name
    except UnknownNameError as error:
        raise entry.fault("a style", str(error)) from error
