"""Files to begin from: they play at once, say what each field is, and write over nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from liveengine.app.loading import PlayOptions, load_session
from liveengine.app.templates import new_kit, new_map, new_style
from liveengine.config.control_maps import find_map, read_map_file
from liveengine.config.kits import load_kit
from liveengine.config.settings import EngineSettings, load_styles
from liveengine.errors import ConfigError, UnknownNameError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))


@pytest.mark.parametrize("like", [style.name for style in load_styles().styles])
def test_a_new_style_plays_by_the_path_of_its_file(like: str) -> None:
    path = new_style("My Groove", like)
    assert path == Path("my_groove.yaml")
    loaded = load_session(PlayOptions(EngineSettings(style=f"./{path}"), clock="virtual"))
    assert (loaded.style.name, loaded.style.title) == ("my_groove", "My Groove")
    model = load_styles().find(like)
    assert loaded.style.genres == model.genres
    assert loaded.style.tempo_bpm == model.tempo_bpm
    assert loaded.style.musts == model.musts or len(model.genres) > 1


def test_a_style_by_path_takes_the_place_of_one_of_its_name_in_the_own_folder(tmp_path: Path) -> None:
    own = tmp_path / "own" / "styles"
    own.mkdir(parents=True)
    (own / "mine.yaml").write_text(new_style("mine", "jazz", tmp_path / "one.yaml").read_text())
    new_style("mine", "house")
    loaded = load_session(PlayOptions(EngineSettings(style="mine.yaml"), clock="virtual"))
    assert [name for name, _ in loaded.style.genres] == ["house"]


def test_nothing_is_written_over_and_every_line_of_a_field_has_its_comment() -> None:
    first, second = new_style("x", "funk"), new_style("x", "funk")
    assert (first.name, second.name) == ("x.yaml", "x-2.yaml")
    fields = [line for line in first.read_text().splitlines() if re.match(r" *[a-z_]+:", line)]
    bare = [line for line in fields if "#" not in line]
    assert bare == ["feel:"]


def test_a_new_kit_plays_by_the_path_of_its_file() -> None:
    path = new_kit("Garage Pads", "ableton")
    path.write_text(path.read_text().replace("kick: 36", "kick: 60"))
    kit = load_session(PlayOptions(EngineSettings(kit=f"./{path}"), clock="virtual")).kit
    assert kit.name == "garage_pads"
    assert kit.notes[1:] == load_kit("ableton").notes[1:]
    assert kit.notes[0] == 60


def test_a_new_control_map_is_a_ready_one_with_its_comments_and_plays_by_the_path_of_its_file() -> None:
    path, model = new_map('My "Pads"', "Launchpad"), read_map_file(find_map("launchpad"))
    assert path == Path("my__pads.yaml")
    written = read_map_file(path)
    assert (written.title, written.said, written.layout) == ('My "Pads"', model.said, model.layout)
    assert "# Source: Novation" in path.read_text()
    path.write_text(path.read_text().replace("11: fill", "11: break"))
    loaded = load_session(PlayOptions(EngineSettings(map=f"./{path}"), clock="virtual"))
    assert [each.turned for each in loaded.control_map.bindings if each.name == "note 11"] == [("break",)]
    loaded = load_session(PlayOptions(EngineSettings(map="launchpad"), clock="virtual"))
    assert [each.turned for each in loaded.control_map.bindings if each.name == "note 11"] == [("fill",)]


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        new_style("x", "polka-core")
    with pytest.raises(UnknownNameError, match="theremin"):
        new_map("x", "theremin")
    with pytest.raises(UnknownNameError, match="theremin"):
        load_session(PlayOptions(EngineSettings(map="theremin"), clock="virtual"))
    with pytest.raises(ConfigError, match="letters or digits"):
        new_kit("!?", "gm")
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_session(PlayOptions(EngineSettings(style="./nowhere.yaml"), clock="virtual"))
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        load_session(PlayOptions(EngineSettings(kit="./nowhere.yaml"), clock="virtual"))
