"""Kits that are written: checked as any kit file, never in the place of another unasked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from liveengine.config.kit_files import KitTakenError, kit_fields, save_kit
from liveengine.config.kits import load_kit, load_kit_file, own_kits_folder
from liveengine.errors import ConfigError, ContractError
from liveengine.music.kit import GENERAL_MIDI_KIT, Articulation

OWN = """# My pads.
title: Garage Pads
like: gm
notes:
  snare: {by_velocity: {1: 38, 90: 40}}
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    return own_kits_folder()


def test_a_kit_is_kept_under_the_name_of_its_title_and_found_again(own_home: Path) -> None:
    saved = save_kit("Garage Pads", {"like": "superior_drummer_3", "notes": {"snare": 40, "bell": "none"}})
    assert (saved.path, saved.replaced) == (own_home / "garage_pads.yaml", False)
    kit = load_kit("Garage Pads")
    assert kit == saved.kit
    assert kit.sounds[Articulation.SNARE].notes == (40,)
    assert Articulation.BELL not in kit.sounds
    assert kit.sounds[Articulation.KICK] == load_kit("superior_drummer_3").sounds[Articulation.KICK]
    assert list(yaml.safe_load(saved.path.read_text())) == ["title", "like", "notes"]


@pytest.mark.parametrize("name", ["Mine", "mine", "MINE!", "gm", "General MIDI"])
def test_nothing_is_replaced_unless_it_is_said(own_home: Path, name: str) -> None:
    save_kit("mine", {"like": "gm", "notes": {"snare": 40}})
    before = (own_home / "mine.yaml").read_text()
    if name == "General MIDI":  # a title is no name of a file
        save_kit(name, {"like": "gm"})
    else:
        with pytest.raises(KitTakenError, match=r"expected a new name, or to replace it"):
            save_kit(name, {"like": "gm", "notes": {"snare": 39}})
    assert (own_home / "mine.yaml").read_text() == before


def test_what_is_replaced_is_kept_beside_it(own_home: Path) -> None:
    own_home.mkdir(parents=True)
    path = own_home / "garage_pads.yaml"
    path.write_text(OWN)
    saved = save_kit("Garage-Pads", {"like": "gm", "notes": {"snare": 40}}, replaces=True)
    assert (saved.path, saved.replaced) == (path, True)
    assert (own_home / "garage_pads.yaml~").read_text() == OWN
    assert load_kit("garage pads").sounds[Articulation.SNARE].notes == (40,)


def test_one_of_the_player_s_own_may_hide_the_shipped_one_that_it_is_like() -> None:
    saved = save_kit("gm", {"like": "gm", "notes": {"snare": 40}}, replaces=True)
    assert saved.replaced
    assert load_kit("gm").sounds[Articulation.SNARE].notes == (40,)
    assert load_kit("gm").sounds[Articulation.KICK].notes == (36,)


def test_the_fields_of_a_kit_make_it_again(own_home: Path) -> None:
    own_home.mkdir(parents=True)
    (own_home / "garage_pads.yaml").write_text(OWN)
    fields = kit_fields(load_kit("garage_pads"))
    snare = {"by_velocity": {"1": 38, "90": 40}}
    assert fields == {"title": "Garage Pads", "like": "gm", "notes": {"snare": snare}}
    again = save_kit("copy", fields).kit
    assert again.sounds == load_kit("garage_pads").sounds
    assert "1: 38" in (own_home / "copy.yaml").read_text()
    assert kit_fields(GENERAL_MIDI_KIT) == {"like": "gm"}


def test_a_kit_of_no_folder_has_all_of_it_said(tmp_path: Path) -> None:
    path = tmp_path / "gm.yaml"  # another kit than the one that ships under this name
    path.write_text(OWN)
    kit = load_kit_file(path)
    fields = kit_fields(kit)
    assert "like" not in fields
    assert save_kit("copy", {**fields, "title": "Copy"}).kit.sounds == kit.sounds


@pytest.mark.parametrize(
    ("name", "fields", "told"),
    [
        ("m", {}, "field notes: expected this field, or like"),
        ("m", {"like": "spoons"}, "field like: expected a kit"),
        ("m", {"like": "/etc/passwd"}, "field like: expected the name of a kit, got the path '/etc/passwd'"),
        ("m", {"like": "../x.yaml"}, "field like: expected the name of a kit, got the path"),
        ("m", {"like": "m"}, "field like: expected a kit"),
        ("m", {"like": ["gm"]}, "field like: expected text"),
        ("m", {"like": "gm", "volume": 3}, "field volume: expected a known field"),
        (
            "m",
            {"like": "gm", "notes": {"snare": 128}},
            "field notes.snare: expected a whole number from 0 to",
        ),
        ("m", {"like": "gm", "notes": {"snare": "38"}}, "field notes.snare: expected a whole number"),
        ("m", {"like": "gm", "notes": {"snare": 38.5}}, "field notes.snare: expected a whole number"),
        ("m", {"like": "gm", "notes": {"snare": True}}, "field notes.snare: expected a whole number"),
        ("m", {"like": "gm", "notes": {"snare": []}}, "field notes.snare: expected at least one note"),
        ("m", {"like": "gm", "notes": {"kick": "none"}}, "field notes.kick: expected this field"),
        ("m", {"like": "gm", "notes": {"cowbell": 56}}, "field notes.cowbell: expected a known field"),
        ("m", {"like": "gm", "notes": [36]}, "field notes: expected fields"),
        ("m", {"like": "gm", "notes": None}, "field notes: expected fields"),
        (
            "m",
            {"like": "gm", "notes": {"snare": {"by_openness": {"0": 1}}}},
            "field notes.snare.by_openness: expected openness of hi-hats only",
        ),
        ("m", {"like": "gm", "channel": 17}, "field channel: expected a whole number from 1 to 16"),
        ("m", {"like": "gm", "chokes": [["snare"]]}, "field chokes[0]: expected two articulations"),
        ("m", {"like": "gm", "hat_pedal": {"controller": 4}}, "field hat_pedal.shut: expected this field"),
        ("m", {"like": "gm", "title": ""}, "field title: expected text"),
        ("m", {"like": "gm", "needs": "99.0"}, "field needs: expected"),
        ("m", {"like": "gm", "source": "\ud800"}, "expected fields of a kit file, got what none can hold"),
        ("?!", {"like": "gm"}, "name: expected a name with letters or digits, got '?!'"),
        ("a\0b", {"like": "gm"}, "name: expected a name without control characters"),
        ("x" * 65, {"like": "gm"}, "name: expected at most 64 bytes, got 65"),
    ],
)
def test_a_fault_names_its_field_and_nothing_is_written(
    own_home: Path, name: str, fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(ContractError) as refused:
        save_kit(name, fields, replaces=True)
    assert told in str(refused.value)
    assert str(own_home) not in str(refused.value)
    assert not own_home.exists()


def test_depth_without_end_is_refused(own_home: Path) -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ContractError, match="expected"):
        save_kit("m", {"like": "gm", "chokes": deep})
    assert not own_home.exists()


def test_a_path_that_a_file_has_said_all_along_stays(own_home: Path) -> None:
    own_home.mkdir(parents=True)
    (own_home / "base.yaml").write_text("title: Base\nlike: gm\n")
    (own_home / "mine.yaml").write_text("title: Mine\nlike: ./base.yaml\n")
    saved = save_kit("mine", {"like": "./base.yaml", "notes": {"snare": 40}}, replaces=True)
    assert saved.kit.sounds[Articulation.SNARE].notes == (40,)


def test_a_folder_that_cannot_be_written_is_told(own_home: Path) -> None:
    own_home.parent.mkdir()
    own_home.write_text("no folder")
    with pytest.raises(ConfigError, match="expected a place to write"):
        save_kit("mine", {"like": "gm"})
