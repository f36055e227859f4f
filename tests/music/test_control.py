"""Controls: what MIDI messages mean, ranges of levels, and malformed messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.errors import ContractError
from liveengine.music.control import (
    ACTIONS,
    RANGES,
    Command,
    ControlMap,
    ControlState,
    Do,
    SetLevel,
    SetStyle,
    SetToggle,
    StateCommand,
    apply,
    check_level,
    check_message,
    controls,
)
from liveengine.settings import load_control_map, load_styles

STYLES = load_styles()
SHIPPED = load_control_map()


def test_program_change_n_selects_the_nth_style_from_0() -> None:
    for index, style in enumerate(STYLES.styles):
        assert SHIPPED.command([0xC0, index], STYLES) == SetStyle(style.name)
        assert SHIPPED.command([0xC9, index], STYLES) == SetStyle(style.name)
    assert SHIPPED.command([0xC0, len(STYLES.styles)], STYLES) is None


def test_cc_20_selects_by_range_over_the_list() -> None:
    assert SHIPPED.command([0xB0, 20, 0], STYLES) == SetStyle(STYLES.styles[0].name)
    assert SHIPPED.command([0xB0, 20, 127], STYLES) == SetStyle(STYLES.styles[-1].name)
    assert SHIPPED.command([0xB0, 20, 64], STYLES) == SetStyle(STYLES.styles[len(STYLES.styles) // 2].name)


@pytest.mark.parametrize(
    ("number", "value", "command"),
    [
        (21, 0, SetLevel("density", 0.0)),
        (21, 127, SetLevel("density", 1.0)),
        (22, 127, SetLevel("energy", 1.0)),
        (23, 0, SetLevel("swing_percent", 50.0)),
        (23, 127, SetLevel("swing_percent", 75.0)),
        (24, 0, SetLevel("humanize", 0.0)),
        (24, 127, SetLevel("humanize", 1.0)),
        (25, 64, SetLevel("latency_ms", 0.0)),
        (25, 65, SetLevel("latency_ms", 1.0)),
        (25, 0, SetLevel("latency_ms", -64.0)),
    ],
)
def test_controllers_span_the_range_of_their_control(number: int, value: int, command: SetLevel) -> None:
    assert SHIPPED.command([0xB5, number, value], STYLES) == command


@pytest.mark.parametrize(("status", "playing"), [(0xFA, True), (0xFB, True), (0xFC, False)])
def test_start_continue_and_stop_move_the_transport(status: int, playing: bool) -> None:
    assert SHIPPED.command([status], STYLES) == Do("start" if playing else "stop")
    assert ControlMap(channel=3).command([status], STYLES) == Do("start" if playing else "stop")


@given(st.integers(0, 127), st.integers(0, 127))
def test_a_controller_never_leaves_its_range(number: int, value: int) -> None:
    command = SHIPPED.command([0xB0, number, value], STYLES)
    if number not in dict(SHIPPED.controllers):
        assert command is None
    if isinstance(command, SetLevel):
        low, high = RANGES[command.control]
        assert low <= command.value <= high


@pytest.mark.parametrize(
    "message", [[0x90, 99, 100], [0xE0, 0, 64], [0xF8], [0xF0, 1, 2, 0xF7], [0xB0, 1, 64], [0xD0, 3]]
)
def test_other_messages_mean_nothing(message: list[int]) -> None:
    assert SHIPPED.command(message, STYLES) is None


def test_a_map_with_a_channel_hears_only_that_channel() -> None:
    chosen = ControlMap(channel=16)
    assert chosen.command([0xCF, 0], STYLES) == SetStyle(STYLES.styles[0].name)
    assert chosen.command([0xC0, 0], STYLES) is None


def test_program_change_can_be_switched_off() -> None:
    assert ControlMap(program_change_is_style=False).command([0xC0, 0], STYLES) is None


@pytest.mark.parametrize(
    "message",
    [[], [20, 64], [0xB0], [0xB0, 20], [0xB0, 20, 64, 1], [0xC0], [0xC0, 1, 2], [0xB0, 20, 128], [0xC0, -1]],
)
def test_a_malformed_message_is_refused(message: list[int]) -> None:
    with pytest.raises(ContractError, match="MIDI message"):
        SHIPPED.command(message, STYLES)


@given(st.lists(st.integers(0, 255), max_size=5))
def test_any_bytes_are_understood_or_refused(message: list[int]) -> None:
    try:
        check_message(message)
    except ContractError:
        with pytest.raises(ContractError):
            SHIPPED.command(message, STYLES)
    else:
        command = SHIPPED.command(message, STYLES)
        assert command is None or message[0] & 0xF0 in (0xB0, 0xC0) or message[0] in (0xFA, 0xFB, 0xFC)


@pytest.mark.parametrize("controllers", [((120, "style"),), ((-1, "style"),), ((20, "volume"),)])
def test_an_impossible_map_is_refused(controllers: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(ContractError, match="control map"):
        ControlMap(controllers=controllers)


def test_commands_change_what_they_name_and_nothing_else() -> None:
    state = ControlState(style="funk")
    assert apply(state, SetStyle("jazz")) == ControlState(style="jazz")
    swung = apply(state, SetLevel("swing_percent", 58.0))
    assert swung == ControlState(style="funk", swing_percent=58.0)
    assert apply(swung, SetLevel("latency_ms", -12.0)) == ControlState(
        "funk", swing_percent=58.0, latency_ms=-12.0
    )


@pytest.mark.parametrize("control", sorted(RANGES))
def test_levels_are_checked_at_both_ends(control: str) -> None:
    low, high = RANGES[control]
    assert check_level(control, low) == low
    assert check_level(control, high) == high
    for value in (low - 0.01, high + 0.01, float("nan")):
        with pytest.raises(ContractError, match=f"^{control}: expected {low:g} to {high:g}, got"):
            SetLevel(control, value)


def test_an_unknown_control_is_refused() -> None:
    with pytest.raises(ContractError, match="control: expected one of swing_percent"):
        SetLevel("volume", 0.5)


@pytest.mark.parametrize(
    ("message", "command"),
    [
        ([0x90, 60, 100], Do("fill")),
        ([0x90, 60, 1], Do("fill")),
        ([0x80, 60, 0], None),
        ([0x90, 60, 0], None),
        ([0x90, 36, 5], SetToggle("mute_kick", True)),
        ([0x90, 36, 0], SetToggle("mute_kick", False)),
        ([0x80, 36, 64], SetToggle("mute_kick", False)),
        ([0x90, 99, 64], None),
    ],
)
def test_notes_do_things_and_hold_mutes(message: list[int], command: Command | None) -> None:
    assert SHIPPED.command(message, STYLES) == command


def test_every_control_can_be_mapped_and_turned_through_its_range() -> None:
    for name in controls():
        mapped = ControlMap(controllers=((1, name),))
        state = ControlState("funk")
        for value in (0, 63, 64, 127):
            command = mapped.command([0xB0, 1, value], STYLES)
            if isinstance(command, StateCommand):
                state = apply(state, command)
        assert name in ACTIONS or state != ControlState("funk") or name.startswith(("mute", "solo"))


def test_solo_wins_over_mute_and_levels_are_those_of_their_drum() -> None:
    state = ControlState("funk")
    for command in (SetToggle("mute_kick", True), SetLevel("level_snare", 0.5), SetLevel("push_hat", -9.0)):
        state = apply(state, command)
    assert (state.level("kick"), state.level("snare"), state.level("hat")) == (0.0, 0.5, 1.0)
    assert (state.push_ms("hat"), state.push_ms("kick")) == (-9.0, 0.0)
    state = apply(state, SetToggle("solo_kick", True))
    assert (state.level("kick"), state.level("snare")) == (1.0, 0.0)
    state = apply(state, SetToggle("solo_kick", False))
    assert state.level("kick") == 0.0
