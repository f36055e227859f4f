"""Controls: ranges of levels, and what commands change."""

from __future__ import annotations

import pytest

from liveengine.config.settings import load_styles
from liveengine.errors import ContractError
from liveengine.music.control import (
    RANGES,
    TOGGLES,
    ControlState,
    LearnMidi,
    RecallScene,
    SaveScene,
    SetStyle,
    SetToggle,
    SetValue,
    apply,
    check_level,
    controls,
)
from liveengine.music.control_values import value_of, values_of
from liveengine.music.named import NAMES, named_command

STYLES = load_styles()


def test_commands_change_what_they_name_and_nothing_else() -> None:
    state = ControlState(style="funk")
    assert apply(state, SetStyle("jazz")) == ControlState(style="jazz")
    swung = apply(state, SetValue("swing_percent", 58.0))
    assert swung == ControlState(style="funk", swing_percent=58.0)
    assert apply(swung, SetValue("latency_ms", -12.0)) == ControlState(
        "funk", swing_percent=58.0, latency_ms=-12.0
    )


@pytest.mark.parametrize("control", sorted(RANGES))
def test_levels_are_checked_at_both_ends(control: str) -> None:
    low, high = RANGES[control]
    assert check_level(control, low) == low
    assert check_level(control, high) == high
    for value in (low - 0.01, high + 0.01, float("nan")):
        with pytest.raises(ContractError, match=f"^{control}: expected {low:g} to {high:g}, got"):
            SetValue(control, value)


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(ContractError, match="control: expected one of swing_percent"):
        SetValue("volume", 0.5)


def test_solo_wins_over_mute_and_levels_are_those_of_their_drum() -> None:
    state = ControlState("funk")
    for command in (SetToggle("mute_kick", True), SetValue("level_snare", 0.5), SetValue("push_hat", -9.0)):
        state = apply(state, command)
    assert (state.level("kick"), state.level("snare"), state.level("hat")) == (0.0, 0.5, 1.0)
    assert (state.push_ms("hat"), state.push_ms("kick")) == (-9.0, 0.0)
    state = apply(state, SetToggle("solo_kick", True))
    assert (state.level("kick"), state.level("snare")) == (1.0, 0.0)
    state = apply(state, SetToggle("solo_kick", False))
    assert state.level("kick") == 0.0


def test_every_value_can_be_read_by_its_name() -> None:
    state = ControlState("funk")
    for name, (low, high) in RANGES.items():
        state = apply(state, SetValue(name, (low + 2 * high) / 3))
        assert value_of(state, name) == pytest.approx((low + 2 * high) / 3)
    for name in TOGGLES:
        state = apply(state, SetToggle(name, True))
        assert values_of(state)[name] is True
    values = values_of(state)
    assert [name for name in TOGGLES if values[name] is False] == ["half_time"], "double time puts it out"
    assert values["style"] == "funk"
    assert set(RANGES) <= set(values)


def test_scenes_markers_and_what_learns_are_commands_by_name() -> None:
    assert named_command("scene", ["verse", 4], STYLES) == RecallScene("verse", 4)
    assert named_command("scene", ["verse"], STYLES) == RecallScene("verse")
    assert named_command("save_scene", ["verse", 12], STYLES) == SaveScene("verse", 12)
    assert named_command("learn_midi", ["density"], STYLES) == LearnMidi("density")
    assert named_command("learn_midi", [], STYLES) == LearnMidi(None)


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("scene", [], "scene: expected a name, got None"),
        ("scene", ["verse", 65], "scene verse: expected 0 to 64 bars, got 65"),
        ("save_scene", ["verse", 128], "scene verse: expected a program number 0-127, got 128"),
        ("save_scene", ["  "], "scene: expected a name"),
        ("density", [0.5, 0.5], "density: expected 1 value, got 2"),
        ("scene", ["a", 1, 2], "scene: expected 2 values, got 3"),
        ("learn_midi", ["volume"], "learn_midi: expected one of style"),
        ("volume", [1], f"control: expected one of {', '.join((*controls(), *NAMES))}; got 'volume'"),
    ],
)
def test_what_a_name_cannot_take_is_told(name: str, values: list[object], told: str) -> None:
    with pytest.raises(ContractError, match="^" + told.replace("(", "\\(")):
        named_command(name, values, STYLES)
