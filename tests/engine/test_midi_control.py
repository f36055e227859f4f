"""The control surface: what MIDI messages mean, how knobs speak and take over, and learning them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from liveengine.config.control_maps import load_control_map
from liveengine.config.settings import load_styles
from liveengine.engine.midi_control import ControlSurface
from liveengine.engine.midi_learning import TOUCHED_S, encoding_of
from liveengine.errors import ContractError
from liveengine.music.control import (
    ACTIONS,
    RANGES,
    TOGGLES,
    Command,
    ControlState,
    RecallScene,
    SetChoice,
    SetKit,
    SetStyle,
    SetToggle,
    SetValue,
    StateCommand,
    TriggerAction,
    apply,
    controls,
)
from liveengine.music.control_map import Binding, ControlMap, GestureBinding, check_message
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook

STYLES = load_styles()
SHIPPED = load_control_map()
FUNK = ControlState("funk")
KITS = KitBook(GENERAL_MIDI_KIT, [replace(GENERAL_MIDI_KIT, name=name) for name in ("808", "gm", "mine")])


def said(message: Sequence[int], control_map: ControlMap = SHIPPED) -> Command | None:
    """Return what one message says to a surface that has heard nothing yet."""
    return ControlSurface(control_map, STYLES).command(message, FUNK, 0.0)


class Stage:
    """A surface and the controls that its commands turn."""

    def __init__(self, *bindings: Binding, takeover: str = "moved") -> None:
        self.surface = ControlSurface(ControlMap(bindings, takeover=takeover), STYLES)
        self.state = FUNK

    def turn(self, number: int, *values: int) -> None:
        for value in values:
            command = self.surface.command([0xB0, number, value], self.state, 0.0)
            if isinstance(command, StateCommand):
                self.state = apply(self.state, command)


def test_program_change_n_selects_the_nth_style_from_0() -> None:
    for index, style in enumerate(STYLES.styles):
        assert said([0xC0, index]) == SetStyle(style.name)
        assert said([0xC9, index]) == SetStyle(style.name)
    assert said([0xC0, len(STYLES.styles)]) is None


def test_cc_20_selects_by_range_over_the_list() -> None:
    assert said([0xB0, 20, 0]) == SetStyle(STYLES.styles[0].name)
    assert said([0xB0, 20, 127]) == SetStyle(STYLES.styles[-1].name)
    assert said([0xB0, 20, 64]) == SetStyle(STYLES.styles[len(STYLES.styles) // 2].name)


@pytest.mark.parametrize(
    ("number", "value", "command"),
    [
        (21, 0, SetValue("density", 0.0)),
        (21, 127, SetValue("density", 1.0)),
        (22, 127, SetValue("energy", 1.0)),
        (23, 0, SetValue("swing_percent", 50.0)),
        (23, 127, SetValue("swing_percent", 75.0)),
        (24, 0, SetValue("humanize", 0.0)),
        (24, 127, SetValue("humanize", 1.0)),
        (25, 64, SetValue("latency_ms", 0.0)),
        (25, 65, SetValue("latency_ms", 1.0)),
        (25, 0, SetValue("latency_ms", -64.0)),
    ],
)
def test_controllers_span_the_range_of_their_control(number: int, value: int, command: SetValue) -> None:
    assert said([0xB5, number, value]) == command


@pytest.mark.parametrize(("status", "playing"), [(0xFA, True), (0xFB, True), (0xFC, False)])
def test_start_continue_and_stop_move_the_transport(status: int, playing: bool) -> None:
    assert said([status]) == TriggerAction("start" if playing else "stop")
    assert said([status], ControlMap(channel=3)) == TriggerAction("start" if playing else "stop")


@given(st.integers(0, 127), st.integers(0, 127))
def test_a_controller_never_leaves_its_range(number: int, value: int) -> None:
    command = said([0xB0, number, value])
    if SHIPPED.bound("cc", number, 1) is None:
        assert command is None
    if isinstance(command, SetValue):
        low, high = RANGES[command.control]
        assert command.value is not None
        assert low <= command.value <= high


@pytest.mark.parametrize(
    "message", [[0x90, 99, 100], [0xE0, 0, 64], [0xF8], [0xF0, 1, 2, 0xF7], [0xB0, 1, 64], [0xD0, 3]]
)
def test_other_messages_mean_nothing(message: list[int]) -> None:
    assert said(message) is None


def test_a_map_with_a_channel_hears_only_that_channel() -> None:
    chosen = ControlMap(channel=16)
    assert said([0xCF, 0], chosen) == SetStyle(STYLES.styles[0].name)
    assert said([0xC0, 0], chosen) is None


def test_program_change_can_be_switched_off() -> None:
    assert said([0xC0, 0], ControlMap(program_change_is_style=False)) is None


@pytest.mark.parametrize(
    "message",
    [[], [20, 64], [0xB0], [0xB0, 20], [0xB0, 20, 64, 1], [0xC0], [0xC0, 1, 2], [0xB0, 20, 128], [0xC0, -1]],
)
def test_a_malformed_message_is_refused(message: list[int]) -> None:
    with pytest.raises(ContractError, match="MIDI message"):
        said(message)


@given(st.lists(st.integers(0, 255), max_size=5))
@example([0x80, 36, 0])  # a held mute ends with its note
def test_any_bytes_are_understood_or_refused(message: list[int]) -> None:
    try:
        check_message(message)
    except ContractError:
        with pytest.raises(ContractError):
            said(message)
    else:
        command = said(message)
        kinds = (0x80, 0x90, 0xB0, 0xC0)
        assert command is None or message[0] & 0xF0 in kinds or message[0] in (0xFA, 0xFB, 0xFC)


@pytest.mark.parametrize(
    ("binding", "told"),
    [
        (("cc", 120, "style"), "CC 120: expected a CC number 0-119, got 120"),
        (("cc", -1, "style"), "CC -1: expected a CC number 0-119"),
        (("note", 128, "fill"), "note 128: expected a note number 0-127"),
        (("cc", 20, "volume"), "CC 20: expected one of style, .*; got 'volume'"),
        (("cc", 32, "density", "fine"), "CC 32: expected a CC number 0-31"),
        (("cc", 3, "density", "sideways"), "CC 3: expected one of absolute, .*; got 'sideways'"),
        (("note", 3, "density", "fine"), "note 3: expected one of absolute; got 'fine'"),
        (("cc", 3, "density", "absolute", 17), "CC 3 on channel 17: expected a channel 1-16, got 17"),
    ],
)
def test_an_impossible_binding_is_refused(binding: tuple[Any, ...], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        Binding(*binding)


def test_two_controls_on_one_knob_are_refused() -> None:
    two = (Binding("cc", 1, "density"), Binding("cc", 1, "energy", channel=3))
    with pytest.raises(
        ContractError, match="CC 1 on channel 3: expected one control, got density and energy"
    ):
        ControlMap(two)
    ControlMap((Binding("cc", 1, "density", channel=2), two[1], Binding("note", 1, "fill")))


@pytest.mark.parametrize(
    ("message", "command"),
    [
        ([0x90, 60, 100], TriggerAction("fill")),
        ([0x90, 60, 1], TriggerAction("fill")),
        ([0x80, 60, 0], None),
        ([0x90, 60, 0], None),
        ([0x90, 36, 5], SetToggle("mute_kick", True)),
        ([0x90, 36, 0], SetToggle("mute_kick", False)),
        ([0x80, 36, 64], SetToggle("mute_kick", False)),
        ([0x90, 99, 64], None),
    ],
)
def test_notes_do_things_and_hold_mutes(message: list[int], command: Command | None) -> None:
    assert said(message) == command


def test_every_control_can_be_mapped_and_turned_through_its_range() -> None:
    for name in controls():
        surface = ControlSurface(ControlMap((Binding("cc", 1, name),)), STYLES, kits=KITS)
        state = ControlState("funk")
        for value in (0, 63, 64, 127):
            command = surface.command([0xB0, 1, value], state, 0.0)
            if isinstance(command, StateCommand):
                state = apply(state, command)
            if name in TOGGLES:
                assert command == SetToggle(name, value >= 64)
        assert name in ACTIONS or state != ControlState("funk")


def test_a_knob_goes_through_the_kits() -> None:
    surface = ControlSurface(ControlMap((Binding("cc", 1, "kit"),)), STYLES, kits=KITS)
    chosen = [surface.command([0xB0, 1, value], ControlState("funk"), 0.0) for value in (0, 42, 43, 127)]
    assert chosen == [SetKit("808"), SetKit("808"), SetKit("gm"), SetKit("mine")]
    surface = ControlSurface(ControlMap((Binding("cc", 1, "kit", "relative_twos"),)), STYLES, kits=KITS)
    state = ControlState("funk")  # on the kit that it began with, gm
    assert surface.command([0xB0, 1, 1], state, 0.0) == SetKit("mine")
    assert surface.command([0xB0, 1, 127], state, 0.0) == SetKit("808")
    alone = ControlSurface(ControlMap((Binding("cc", 1, "kit"),)), STYLES)
    assert alone.command([0xB0, 1, 64], state, 0.0) is None


def fourteen(coarse: int, fine: int) -> Any:
    return pytest.approx((coarse * 128 + fine) / 16383)


def test_a_fine_knob_has_fourteen_bits() -> None:
    stage = Stage(Binding("cc", 5, "blend", "fine"))
    stage.turn(5, 127)
    assert stage.state.blend == 1.0  # of 7 bits, for all that is known
    stage.turn(37, 126)
    assert stage.state.blend == fourteen(127, 126)
    stage.turn(5, 64)
    assert stage.state.blend == fourteen(64, 0)  # heard at once
    stage.turn(37, 1)
    assert stage.state.blend == fourteen(64, 1)


def test_a_fine_knob_may_say_its_finer_half_first() -> None:
    stage = Stage(Binding("cc", 5, "blend", "fine"))
    stage.state = apply(stage.state, SetValue("blend", 0.5))
    stage.turn(37, 90)
    assert stage.state.blend == 0.5  # where in the whole, nobody knows yet
    stage.turn(5, 64)
    assert stage.state.blend == fourteen(64, 90)
    stage.turn(37, 3)
    stage.turn(5, 65)
    assert stage.state.blend == fourteen(65, 3)


@pytest.mark.parametrize("pairs", [[(5, 61), (37, 100)], [(37, 100), (5, 61)]])
def test_a_fader_of_which_only_the_coarse_half_moves_comes_to_its_end(pairs: list[tuple[int, int]]) -> None:
    stage = Stage(Binding("cc", 5, "level_kick", "fine"))
    for number, value in pairs:
        stage.turn(number, value)
    stage.turn(5, 40, 20, 0)
    assert stage.state.level("kick") == 0.0


@pytest.mark.parametrize(
    ("encoding", "right", "left"),
    [("relative_twos", 2, 126), ("relative_offset", 66, 62), ("relative_sign", 2, 66)],
)
def test_a_knob_without_ends_goes_on_from_where_its_control_is(encoding: str, right: int, left: int) -> None:
    stage = Stage(Binding("cc", 5, "energy", encoding))
    stage.state = apply(FUNK, SetValue("energy", 0.5))
    stage.turn(5, right, right)
    assert stage.state.energy == pytest.approx(0.5 + 4 / 127)
    stage.turn(5, *[left] * 200)
    assert stage.state.energy == 0.0


def test_a_knob_without_ends_begins_at_the_style_s_own_and_steps_through_what_has_names() -> None:
    stage = Stage(
        Binding("cc", 5, "swing_percent", "relative_twos"),
        Binding("cc", 6, "style", "relative_twos"),
        Binding("cc", 7, "switch", "relative_twos"),
    )
    stage.turn(5, 1)
    own = STYLES.find("funk").feel.swing_percent
    assert stage.state.swing_percent == pytest.approx(own + 25 / 127)
    place = STYLES.styles.index(STYLES.find("funk"))
    stage.turn(6, 1)
    assert stage.state.style == STYLES.styles[place + 1].name
    stage.turn(6, *[127] * 99)
    assert stage.state.style == STYLES.styles[0].name
    assert stage.surface.command([0xB0, 7, 1], stage.state, 0.0) == SetChoice("switch", "bar")


def test_a_knob_takes_over_only_once_it_has_come_to_what_was_moved_elsewhere() -> None:
    stage = Stage(Binding("cc", 5, "energy"))
    stage.turn(5, 100)  # a first touch is obeyed
    assert stage.state.energy == pytest.approx(100 / 127)
    stage.state = apply(stage.state, SetValue("energy", 0.25))  # a scene, say
    stage.turn(5, 99, 80, 60)
    assert stage.state.energy == 0.25
    stage.turn(5, 30)  # passed 31.75 on the way
    assert stage.state.energy == pytest.approx(30 / 127)
    stage.turn(5, 90)
    assert stage.state.energy == pytest.approx(90 / 127)


def test_where_it_is_asked_to_a_knob_waits_at_its_first_touch_too_or_never() -> None:
    always = Stage(Binding("cc", 5, "variation"), takeover="always")
    always.turn(5, 100, 90)
    assert always.state.variation == 0.5
    always.turn(5, 65, 70)
    assert always.state.variation == pytest.approx(70 / 127)
    never = Stage(Binding("cc", 5, "variation"), takeover="never")
    never.turn(5, 100)
    never.state = apply(never.state, SetValue("variation", 0.0))
    never.turn(5, 101)
    assert never.state.variation == pytest.approx(101 / 127)


def test_a_scene_with_a_number_is_recalled_by_it_and_other_numbers_choose_styles() -> None:
    surface = ControlSurface(SHIPPED, STYLES, {3: "verse"}.get)
    assert surface.command([0xC0, 3], FUNK, 0.0) == RecallScene("verse")
    assert surface.command([0xC0, 4], FUNK, 0.0) == SetStyle(STYLES.styles[4].name)


CC_74 = Binding("cc", 74, "density")


def learn(control: str, messages: Sequence[Sequence[int]], stage: Stage) -> str | None:
    """Learn a control from messages 20 ms apart; return what is told."""
    now_s = 10.0
    stage.surface.learn(control, now_s)
    for message in messages:
        assert stage.surface.command(message, FUNK, now_s) is None
        now_s += 0.02
    return stage.surface.learned(now_s + TOUCHED_S)


@pytest.mark.parametrize(
    ("messages", "binding"),
    [
        ([[0xB2, 74, value] for value in (10, 12, 15, 20)], Binding("cc", 74, "density")),
        ([[0xB2, 74, 40]], Binding("cc", 74, "density")),
        ([[0xB0, 74, 1]] * 5, Binding("cc", 74, "density", "relative_twos")),
        ([[0xB0, 74, 1]] * 3 + [[0xB0, 74, 127]] * 3, Binding("cc", 74, "density", "relative_twos")),
        ([[0xB0, 74, 65]] * 3 + [[0xB0, 74, 63]] * 3, Binding("cc", 74, "density", "relative_offset")),
        ([[0xB0, 74, 1]] * 3 + [[0xB0, 74, 65]] * 3, Binding("cc", 74, "density", "relative_sign")),
        (
            [message for v in range(6) for message in ([0xB0, 7, 20], [0xB0, 39, 9 * v])],
            Binding("cc", 7, "density", "fine"),
        ),
        ([[0x99, 48, 90], [0x89, 48, 0]], Binding("note", 48, "density")),
        ([[0xB0, 74, 0], [0xB0, 74, 0], [0xB0, 74, 1], [0xB0, 74, 1], [0xB0, 74, 2], [0xB0, 74, 2]], CC_74),
        ([[0xB0, 74, value] for value in (5, 5, 4, 4, 3, 3)], CC_74),
        ([[0xB0, 74, value] for value in (127, 127, 126, 126, 125, 125)], CC_74),
        ([[0x89, 50, 0], [0xB0, 74, 40]], CC_74),
        ([[0x99, 48, 90], [0xB9, 16, 40], [0xB9, 16, 30], [0x89, 48, 0]], Binding("note", 48, "density")),
        ([[0xB9, 16, 40], [0x99, 48, 90], [0xB9, 16, 30]], Binding("note", 48, "density")),
        ([[0xB0, 99, 2], [0xB0, 98, 4], [0xB0, 6, 9], [0xB0, 74, 40]], CC_74),
        ([[0xB0, 0, 5], [0xB0, 0, 6]], Binding("cc", 0, "density")),
        ([[0xB0, 99, 2], [0xB0, 98, 4], [0xB0, 6, 9], [0xB0, 38, 1]], Binding("nrpn", 260, "density")),
        ([[0xB3, 98, 4], [0xB3, 99, 2], [0xB3, 96, 0]], Binding("nrpn", 260, "density")),
        ([[0xB0, 6, 5], [0xB0, 6, 7]], Binding("cc", 6, "density")),
    ],
)
def test_a_knob_is_learned_with_how_it_speaks(messages: list[list[int]], binding: Binding) -> None:
    stage = Stage(Binding("cc", 1, "energy"))
    told = learn("density", messages, stage)
    assert told is not None
    assert told.startswith(f"{binding.name} turns density")
    assert stage.surface.control_map.bindings == (Binding("cc", 1, "energy"), binding)


def test_what_a_learned_knob_did_before_and_who_does_the_same_is_told() -> None:
    stage = Stage(Binding("cc", 74, "energy"), Binding("note", 9, "density"))
    told = learn("density", [[0xB0, 74, 5]], stage)
    assert told == "CC 74 turns density, no longer energy; so does note 9"
    assert stage.surface.control_map.bound("cc", 74, 1) == Binding("cc", 74, "density")


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ([[0xB0, 99, 2], [0xB0, 98, 4]], "got NRPN 260 (CC 99, 98, 6 and 38"),
        ([[0xB0, 101, 0], [0xB0, 100, 1], [0xB0, 6, 64]], "got RPN 1 (CC 101, 100, 6 and 38"),
    ],
)
def test_a_parameter_number_is_told_as_such_and_not_bound(messages: list[list[int]], told: str) -> None:
    stage = Stage()
    assert told in (learn("density", messages, stage) or "")
    assert stage.surface.control_map.bindings == ()


def test_an_nrpn_chosen_before_is_learned_by_its_value_alone() -> None:
    stage = Stage()
    stage.turn(99, 2)
    stage.turn(98, 4)
    assert learn("density", [[0xB0, 6, 9], [0xB0, 38, 1]], stage) == "NRPN 260 turns density"


def choose(stage: Stage, number: int) -> None:
    stage.turn(99, number // 128)
    stage.turn(98, number % 128)


def test_an_nrpn_turns_its_control_and_others_do_not() -> None:
    stage = Stage(Binding("nrpn", 260, "density"), Binding("cc", 6, "energy"))
    choose(stage, 260)
    stage.turn(6, 127)
    assert stage.state.density == pytest.approx(127 / 127)
    stage.turn(38, 127)
    assert stage.state.density == 1.0
    stage.turn(6, 64)
    assert stage.state.density == pytest.approx(64 * 128 / 16383)
    stage.turn(38, 63)
    assert stage.state.density == pytest.approx((64 * 128 + 63) / 16383)
    assert stage.state.energy is FUNK.energy
    choose(stage, 261)
    stage.turn(6, 5)
    assert stage.state.energy is not FUNK.energy, "a controller of its own where the NRPN is not bound"
    assert stage.state.density == pytest.approx((64 * 128 + 63) / 16383)


def test_an_nrpn_goes_up_and_down_by_steps() -> None:
    stage = Stage(Binding("nrpn", 5, "density"))
    stage.state = replace(FUNK, density=0.5)
    choose(stage, 5)
    stage.turn(96, 0, 0)
    assert stage.state.density == pytest.approx(0.5 + 2 / 127)
    stage.turn(97, 0)
    assert stage.state.density == pytest.approx(0.5 + 1 / 127)


@pytest.mark.parametrize("other", [[(101, 0), (100, 1)], [(99, 127), (98, 127)]])
def test_what_is_said_of_another_parameter_is_not_for_the_nrpn(other: list[tuple[int, int]]) -> None:
    stage = Stage(Binding("nrpn", 5, "density"))
    choose(stage, 5)
    for number, value in other:
        stage.turn(number, value)
    stage.turn(6, 100)
    assert stage.state == FUNK


def test_an_nrpn_is_chosen_for_its_channel() -> None:
    surface = ControlSurface(ControlMap((Binding("nrpn", 5, "density", channel=2),)), STYLES)
    for channel in (0, 1):
        for message in ([99, 0], [98, 5]):
            surface.command([0xB0 | channel, *message], FUNK, 0.0)
    assert surface.command([0xB0, 6, 127], FUNK, 0.0) is None
    assert surface.command([0xB1, 6, 127], FUNK, 0.0) == SetValue("density", 1.0)


def test_an_action_of_an_nrpn_is_done_once() -> None:
    surface = ControlSurface(ControlMap((Binding("nrpn", 5, "fill"),)), STYLES)
    said = [surface.command([0xB0, *each], FUNK, 0.0) for each in ([99, 0], [98, 5], [6, 127], [38, 127])]
    assert said == [None, None, TriggerAction("fill"), None]


@pytest.mark.parametrize("number", [-1, 16384])
def test_an_nrpn_has_a_number_of_14_bits(number: int) -> None:
    with pytest.raises(ContractError, match=f"expected a NRPN number 0-16383, got {number}"):
        Binding("nrpn", number, "density")


def test_gestures_are_made_with_switches_alone() -> None:
    with pytest.raises(ContractError, match="which only switches make"):
        GestureBinding("nrpn", 5, (("tap", TriggerAction("fill")),))


def test_a_bank_select_before_a_program_change_is_not_bound() -> None:
    stage = Stage()
    stage.surface.learn("density", 10.0)
    for message in ([0xB0, 0, 1], [0xB0, 32, 0], [0xC0, 3]):
        stage.surface.command(message, FUNK, 10.0)
    assert "got a Program Change with its bank" in (stage.surface.learned(11.0) or "")
    assert stage.surface.control_map.bindings == ()


def test_nobody_touches_a_knob() -> None:
    stage = Stage()
    stage.surface.learn("density", 5.0)
    assert stage.surface.learned(6.0) is None
    assert stage.surface.learned(60.0) == "no knob was touched for density"
    assert stage.surface.learned(61.0) is None
    stage.surface.learn("density", 70.0)
    stage.surface.learn(None, 71.0)
    assert stage.surface.learned(200.0) is None


@given(st.lists(st.integers(0, 127), max_size=40))
def test_a_knob_that_never_repeats_itself_is_absolute(values: list[int]) -> None:
    moving = [value for place, value in enumerate(values) if place == 0 or value != values[place - 1]]
    assert encoding_of(moving) == "absolute"


FOOT = GestureBinding("cc", 64, (("tap", TriggerAction("fill")), ("hold", SetStyle("jazz"))))
PAD = GestureBinding("note", 50, (("tap", TriggerAction("break")), ("double", TriggerAction("undo"))), 10)


def test_a_pedal_is_down_from_64_on_and_its_gestures_are_told_when_they_are_due() -> None:
    surface = ControlSurface(ControlMap((FOOT,)), STYLES)
    for value, at_s in ((63, 0.0), (64, 0.1), (127, 0.15), (63, 0.2)):
        assert surface.command([0xB3, 64, value], FUNK, at_s) is None
    assert surface.due(0.2) == [TriggerAction("fill")]
    surface.command([0xB3, 64, 127], FUNK, 1.0)
    assert surface.due(1.4) == []
    assert surface.due(1.5) == [SetStyle("jazz")]
    surface.command([0xB3, 64, 0], FUNK, 1.6)
    assert surface.due(9.0) == []


def test_a_pad_is_down_while_its_note_is_on_and_only_on_its_channel() -> None:
    surface = ControlSurface(ControlMap((PAD, Binding("note", 50, "panic", channel=1))), STYLES)
    moves = ([0x99, 50, 90], [0x99, 50, 0], [0x99, 50, 1], [0x89, 50, 64])
    for place, message in enumerate(moves):
        assert surface.command(message, FUNK, place * 0.1) is None
    assert surface.due(0.4) == [TriggerAction("undo")]
    surface.command([0x99, 50, 90], FUNK, 1.0)
    assert surface.due(1.4) == [TriggerAction("break")]
    assert surface.command([0x90, 50, 90], FUNK, 0.5) == TriggerAction("panic")


def test_what_is_learned_takes_the_place_of_gestures_and_leaves_others_alone() -> None:
    surface = ControlSurface(ControlMap((FOOT, PAD)), STYLES)
    stage = Stage()
    stage.surface = surface
    surface.command([0xB0, 64, 127], FUNK, 0.0)  # down when learning begins
    told = learn("break", [[0xB0, 64, 0], [0xB0, 64, 127]], stage)
    assert (
        told == "CC 64 turns break, no longer fill (tap) and style jazz (hold); so does note 50 on channel 10"
    )
    assert surface.due(60.0) == []
    assert surface.control_map.bindings == (PAD, Binding("cc", 64, "break"))
    assert surface.command([0xB0, 64, 127], FUNK, 61.0) == TriggerAction("break")


@pytest.mark.parametrize(
    ("gestures", "told"),
    [
        ((), "CC 64: expected some of tap, double, hold, long, in this order; got none"),
        ((FOOT.gestures[1], FOOT.gestures[0]), r"in this order; got \['hold', 'tap'\]"),
        ((FOOT.gestures[0], FOOT.gestures[0]), r"got \['tap', 'tap'\]"),
        ((("stamp", TriggerAction("fill")),), r"got \['stamp'\]"),
    ],
)
def test_impossible_gestures_are_refused(gestures: tuple[Any, ...], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        GestureBinding("cc", 64, gestures)
