"""The player's own control map: it is laid over the shipped one, and what is learned is kept in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from liveengine.config.control_maps import (
    find_map,
    load_control_map,
    load_own_control_map,
    own_map_path,
    read_map_file,
    ready_map_paths,
    save_own_control_map,
)
from liveengine.config.settings import configs_folder, load_styles
from liveengine.config.user_files import OWN_FOLDER_VARIABLE
from liveengine.errors import ConfigError, UnknownNameError
from liveengine.music.control import SetStyle, TriggerAction
from liveengine.music.control_map import Binding, ControlMap, GestureBinding


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(OWN_FOLDER_VARIABLE, str(tmp_path))
    return tmp_path / "control.yaml"


def test_without_a_map_of_ones_own_the_shipped_one_holds(own: Path) -> None:
    assert own_map_path() == own
    assert load_own_control_map() == load_control_map()


def test_own_bindings_take_the_place_of_shipped_ones_number_by_number(own: Path) -> None:
    own.write_text(
        "takeover: always\n"
        "controllers:\n"
        "  21: none\n"
        "  22: {control: blend, encoding: relative_twos}\n"
        "  74: [{control: density, channel: 1}, {control: energy, channel: 2}]\n"
        "notes: {60: break}\n"
    )
    found = load_own_control_map()
    assert found.takeover == "always"
    assert found.bound("cc", 21, 1) is None
    assert found.bound("cc", 22, 1) == Binding("cc", 22, "blend", "relative_twos")
    assert found.bound("cc", 74, 2) == Binding("cc", 74, "energy", channel=2)
    assert found.bound("cc", 74, 3) is None
    assert found.bound("cc", 20, 1) == Binding("cc", 20, "style")
    assert found.bound("note", 60, 1) == Binding("note", 60, "break")
    assert found.bound("note", 61, 1) == Binding("note", 61, "break")


def test_what_is_learned_is_kept_and_nothing_else_is_written(own: Path) -> None:
    learned = load_control_map()
    for binding in (
        Binding("cc", 74, "density"),
        Binding("cc", 22, "blend", "fine"),
        Binding("cc", 9, "energy", channel=4),
        Binding("cc", 9, "variation", channel=5),
        Binding("note", 12, "undo"),
    ):
        learned, _ = learned.with_binding(binding)
    learned = replace(
        learned, bindings=tuple(each for each in learned.bindings if (each.kind, each.number) != ("note", 60))
    )
    assert save_own_control_map(learned) == own
    assert set(load_own_control_map().bindings) == set(learned.bindings)
    written = own.read_text()
    assert "74: density" in written
    assert "60: none" in written
    assert "20:" not in written


def test_an_nrpn_is_read_and_what_is_learned_of_it_is_kept(own: Path) -> None:
    own.write_text("nrpns: {260: energy, 16383: {control: blend, channel: 3}}\n")
    read = load_own_control_map()
    assert read.bound("nrpn", 260, 5) == Binding("nrpn", 260, "energy")
    assert read.bound("nrpn", 16383, 3) == Binding("nrpn", 16383, "blend", channel=3)
    assert read.bound("nrpn", 16383, 4) is None
    save_own_control_map(learned(Binding("nrpn", 1, "density")))
    kept = load_own_control_map()
    assert kept.bound("nrpn", 1, 1) == Binding("nrpn", 1, "density")
    assert kept.bound("nrpn", 260, 5) == Binding("nrpn", 260, "energy")
    own.write_text("nrpns: {5: {tap: fill}}\n")
    with pytest.raises(ConfigError, match="NRPN 5: expected one control, got gestures"):
        load_own_control_map()


def test_a_faulty_map_of_ones_own_is_told(own: Path) -> None:
    own.write_text("controllers:\n  22: {control: blend, encoding: backwards}\n")
    with pytest.raises(
        ConfigError, match=r"control.yaml, line 2, field controllers.22: CC 22: expected one of"
    ):
        load_own_control_map()
    own.write_text("takeover: sometimes\n")
    with pytest.raises(ConfigError, match="field takeover: takeover: expected one of moved, always, never"):
        load_own_control_map()


def test_a_ready_map_lies_between_the_shipped_one_and_ones_own(own: Path) -> None:
    (own.parent / "maps").mkdir()
    (own.parent / "maps" / "My Box.yaml").write_text("controllers: {21: energy, 22: none, 64: {tap: fill}}\n")
    own.write_text("controllers: {22: blend}\n")
    found = load_own_control_map("mybox")
    assert found.bound("cc", 20, 1) == Binding("cc", 20, "style")
    assert found.bound("cc", 21, 1) == Binding("cc", 21, "energy")
    assert found.bound("cc", 22, 1) == Binding("cc", 22, "blend")
    assert found.bound("cc", 64, 1) == GestureBinding("cc", 64, (("tap", TriggerAction("fill")),))
    assert load_own_control_map(str(own.parent / "maps" / "My Box.yaml")) == found


def test_an_own_ready_map_takes_the_place_of_a_shipped_one_of_its_name(own: Path) -> None:
    shipped = find_map("sustain pedal")
    assert shipped.parent == configs_folder() / "maps"
    (own.parent / "maps").mkdir()
    mine = own.parent / "maps" / "sustain_pedal.yaml"
    mine.write_text("title: Mine\n")
    assert find_map("Sustain-Pedal") == mine
    assert ready_map_paths()[-1] == mine


def test_a_map_that_nobody_has_is_told_with_those_that_are_there(own: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'theremin' is unknown; all: apc_mini_mk2, .*; or the path"):
        load_own_control_map("theremin")
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: expected a control map"):
        load_own_control_map("./nowhere.yaml")


SHIPPED_MAPS = [path for path in ready_map_paths() if path.parent == configs_folder() / "maps"]


@pytest.mark.parametrize("path", SHIPPED_MAPS, ids=lambda path: path.stem)
def test_a_shipped_map_loads_says_what_it_is_and_where_its_numbers_come_from(path: Path) -> None:
    file = read_map_file(path, load_styles())
    assert file.over(load_control_map()).bindings
    assert file.title
    assert file.about
    assert len(file.name) + len(file.title) + len(file.about) < 76, "a line of `liveengine maps`"
    assert "# Source: " in path.read_text()
    drawn = {(part.kind, number) for row in file.layout for part in row for number in part.numbers}
    bound = {(kind, number) for kind, said in file.said.items() for number, each in said.items() if each}
    assert bound <= drawn, "all that does something is in the picture"


@pytest.mark.parametrize("name", ["apc_mini_mk2", "launchpad", "push_2"])
def test_every_style_has_a_pad_of_a_grid(name: str) -> None:
    chosen = {
        each.gestures[0][1].name
        for each in load_control_map(find_map(name)).bindings
        if isinstance(each, GestureBinding) and isinstance(each.gestures[0][1], SetStyle)
    }
    assert chosen == {style.name for style in load_styles().styles}


def learned(binding: Binding, ready: str | None = None) -> ControlMap:
    return load_own_control_map(ready).with_binding(binding)[0]


def test_what_is_learned_leaves_gestures_layout_and_values_as_they_are(own: Path) -> None:
    own.write_text(
        "title: My Pedals\nabout: two of them\ncontrollers:\n"
        "  64: {tap: fill, hold: {control: style, value: jazz}, channel: 3}\n"
        "  65: [{tap: undo, channel: 1}, {control: energy, channel: 2}]\n"
        "  21: none\nlayout: [{pedals: [{64: left}, 65]}]\n"
    )
    before, file = load_own_control_map(), read_map_file(own)
    save_own_control_map(learned(Binding("cc", 74, "density")))
    after = read_map_file(own)
    assert set(load_own_control_map().bindings) == {*before.bindings, Binding("cc", 74, "density")}
    assert (after.title, after.about, after.layout) == (file.title, file.about, file.layout)
    save_own_control_map(learned(Binding("cc", 64, "energy")))
    assert load_own_control_map().bound("cc", 64, 3) == Binding("cc", 64, "energy")
    assert load_own_control_map().bound("cc", 65, 1) == before.bound("cc", 65, 1)


def test_what_is_learned_over_a_ready_map_is_kept_without_it(own: Path) -> None:
    own.write_text("notes: {99: none}\ncontrollers: {64: {tap: fill, double: end, hold: next_scene}}\n")
    save_own_control_map(load_own_control_map("sustain_pedal"), "sustain_pedal")
    pedal = load_control_map(find_map("sustain_pedal")).bound("cc", 64, 1)
    assert load_own_control_map().bound("cc", 64, 1) == pedal
    assert "99: none" in own.read_text()
    save_own_control_map(learned(Binding("note", 0, "undo"), "apc_mini_mk2"), "apc_mini_mk2")
    assert load_own_control_map("apc_mini_mk2").bound("note", 0, 1) == Binding("note", 0, "undo")
    assert "8:" not in own.read_text(), "the ready map stays in its file"
    assert load_own_control_map().bound("note", 8, 1) is None
    # What is turned back to what the ready map says is kept as that.
    fill = load_own_control_map().with_binding(Binding("note", 0, "fill"))[0]
    save_own_control_map(fill, "apc_mini_mk2")
    assert load_own_control_map().bound("note", 0, 1) == Binding("note", 0, "fill")
