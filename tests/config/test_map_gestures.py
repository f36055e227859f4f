"""Gestures in a control map: read, written again, and faults told by file, line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveengine.config.control_maps import load_control_map, read_map_file
from liveengine.config.map_gestures import written_gestures
from liveengine.config.settings import load_styles
from liveengine.errors import ConfigError
from liveengine.music.control import (
    SetBlendStyle,
    SetChoice,
    SetKit,
    SetStyle,
    SetToggle,
    SetValue,
    StateCommand,
    TriggerAction,
)
from liveengine.music.control_map import AnyBinding, GestureBinding


def read(tmp_path: Path, text: str) -> tuple[AnyBinding, ...]:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return read_map_file(path, load_styles()).over(load_control_map()).bindings


def test_any_gestures_of_a_controller_or_a_note_are_read_in_their_order(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "controllers:\n  64: {hold: next_scene, tap: fill, long: stop}\n"
        "notes:\n  36: {double: undo, tap: none, channel: 10}\n",
    )
    fill, scene, stop = (TriggerAction(name) for name in ("fill", "next_scene", "stop"))
    assert GestureBinding("cc", 64, (("tap", fill), ("hold", scene), ("long", stop))) in found
    assert GestureBinding("note", 36, (("double", TriggerAction("undo")),), 10) in found


@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("{control: style, value: J Dilla}", SetStyle("j_dilla")),
        ("{control: blend_style, value: jazz}", SetBlendStyle("jazz")),
        ("{control: kit, value: mine}", SetKit("mine")),
        ("{control: kit, value: null}", SetKit(None)),
        ("{control: density, value: 0.5}", SetValue("density", 0.5)),
        ("{control: density, value: 1}", SetValue("density", 1.0)),
        ("{control: density, value: null}", SetValue("density", None)),
        ("{control: mute_kick, value: true}", SetToggle("mute_kick", True)),
        ("{control: jam, value: off}", SetChoice("jam", "off")),
        ("{control: switch, value: bar}", SetChoice("switch", "bar")),
    ],
)
def test_a_gesture_or_a_press_sets_a_control_to_a_value(
    tmp_path: Path,
    written: str,
    command: StateCommand,
) -> None:
    found = read(tmp_path, f"controllers:\n  64: {{hold: {written}}}\n  65: {written}\n")
    assert GestureBinding("cc", 64, (("hold", command),)) in found
    assert GestureBinding("cc", 65, (("tap", command),)) in found


def test_gestures_that_are_all_none_bind_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "notes:\n  60: {tap: none, hold: none}\n") == tuple(
        each for each in load_control_map().bindings if (each.kind, each.number) != ("note", 60)
    )


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{tap: fil}", r"field controllers.64.tap: expected one of fill, .*got 'fil'"),
        ("{tap: density}", r"field controllers.64.tap: expected an action, or .*\{control: density, value"),
        ("{tap: fill, triple: end}", r"field controllers.64.triple: expected a known field: .*'triple'"),
        ("{tap: fill, encoding: fine}", r"field controllers.64.encoding: expected a known field"),
        ("{tap: fill, tap: break}", r"field controllers.64.tap: expected each field once"),
        ("{tap: fill, channel: 17}", r"field controllers.64.channel: expected a whole number from 1 to 16"),
        ("{tap: [fill]}", r"field controllers.64.tap: expected text"),
        ("{hold: {control: fill, value: 1}}", r"field controllers.64.hold.control: expected a control that"),
        (
            "{hold: {control: style, value: polkka}}",
            r"field controllers.64.hold.value: expected a style, .*all",
        ),
        ("{hold: {control: density, value: 2}}", r"64.hold.value: expected a number from 0 to 1, got '2'"),
        ("{hold: {control: blend, value: null}}", r"64.hold.value: expected a number from 0 to 1"),
        ("{hold: {control: jam, value: loud}}", r"64.hold.value: expected one of off, .*got 'loud'"),
        ("{hold: {control: mute_kick, value: 3}}", r"64.hold.value: expected true or false, got '3'"),
        ("{hold: {control: style}}", r"field controllers.64.hold.value: expected this field, got none"),
        ("{value: 1}", r"field controllers.64.control: expected this field, got none"),
        ("[{control: fill}, {tap: break}]", r"CC 64: expected one control, got fill and break \(tap\)"),
    ],
)
def test_a_fault_is_told_by_file_line_and_field(tmp_path: Path, written: str, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"mine\.yaml, line [12], .*{told}"):
        read(tmp_path, f"controllers:\n  64: {written}\n")


def test_a_number_that_no_controller_has_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"field controllers.120: CC 120: expected a CC number 0-119"):
        read(tmp_path, "controllers:\n  120: {tap: fill}\n")


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    text = "controllers:\n  64: {tap: fill, hold: {control: energy, value: 0.25}}\n"
    binding = next(each for each in read(tmp_path, text) if isinstance(each, GestureBinding))
    assert written_gestures(binding) == {"tap": "fill", "hold": {"control": "energy", "value": 0.25}}
