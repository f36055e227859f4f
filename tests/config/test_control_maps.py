"""The player's own control map: it is laid over the shipped one, and what is learned is kept in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from liveengine.config.control_maps import (
    load_control_map,
    load_own_control_map,
    own_map_path,
    save_own_control_map,
)
from liveengine.config.user_files import OWN_FOLDER_VARIABLE
from liveengine.errors import ConfigError
from liveengine.music.control_map import Binding


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


def test_a_faulty_map_of_ones_own_is_told(own: Path) -> None:
    own.write_text("controllers:\n  22: {control: blend, encoding: backwards}\n")
    with pytest.raises(
        ConfigError, match=r"control.yaml, line 2, field controllers.22: CC 22: expected one of"
    ):
        load_own_control_map()
    own.write_text("takeover: sometimes\n")
    with pytest.raises(ConfigError, match="field takeover: takeover: expected one of moved, always, never"):
        load_own_control_map()
