"""Scene files and set lists: what is saved comes back, and what is wrong is told by file, line and field."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.config.scenes import load_scene, load_scenes, load_set_list, save_scene
from liveengine.config.settings import load_styles
from liveengine.config.user_files import OWN_FOLDER_VARIABLE
from liveengine.errors import ConfigError
from liveengine.music.control import (
    RANGES,
    TOGGLES,
    ControlState,
    SetBlendStyle,
    SetKit,
    SetToggle,
    SetValue,
    StateCommand,
    apply,
)
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook
from liveengine.music.scene import LEFT_ALONE, Scene
from liveengine.planning.scenes import SceneBook

STYLES = load_styles()
TURNS = st.one_of(
    st.builds(
        lambda name, share: SetValue(name, RANGES[name][0] + share * (RANGES[name][1] - RANGES[name][0])),
        st.sampled_from([name for name in RANGES if name not in LEFT_ALONE]),
        st.floats(0, 1),
    ),
    st.builds(SetToggle, st.sampled_from(TOGGLES), st.booleans()),
    st.builds(SetBlendStyle, st.sampled_from(["jazz", "j_dilla", None])),
    st.builds(SetKit, st.sampled_from(["808", "my kit", None])),
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(OWN_FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_a_scene_has_one_file_whatever_its_spelling(own: Path) -> None:
    for name, style in (("verse1", "funk"), ("Verse 1", "jazz"), ("Intro?", "soul"), ("Intro!", "rock")):
        save_scene(Scene(name, ControlState(style)))
    found = {scene.name: scene.controls.style for scene in load_scenes(STYLES)[0]}
    assert found == {"Verse 1": "jazz", "Intro!": "rock"}
    assert len(list((own / "scenes").iterdir())) == 2
    assert SceneBook(load_scenes(STYLES)[0]).names == ("Intro!", "Verse 1")


def test_a_file_named_by_signs_alone_is_told_left_out_and_left_where_it_is(own: Path) -> None:
    folder = own / "scenes"
    folder.mkdir()
    (folder / "!!!.yaml").write_text("style: funk\n")
    (folder / "named.yaml").write_text("name: '🥁'\nstyle: funk\n")
    save_scene(Scene("verse", ControlState("funk")))
    scenes, faults = load_scenes(STYLES)
    assert [scene.name for scene in scenes] == ["verse"]
    assert len(faults) == 2
    assert all("expected a name with letters or digits" in fault for fault in faults)
    assert len(list(folder.iterdir())) == 3


def test_files_of_before_are_read_and_the_one_that_counts_is_written(own: Path) -> None:
    folder = own / "scenes"
    folder.mkdir()
    for file, name, style in (
        ("Verse 1", "Verse 1", "funk"),
        ("verse1", "verse1", "jazz"),
        ("odd", "", "soul"),
    ):
        (folder / f"{file}.yaml").write_text(f"{f'name: {name}' if name else ''}\nstyle: {style}\n")
    (folder / "broken.yaml").write_text("style: [")
    assert SceneBook(load_scenes(STYLES)[0]).find("VERSE 1").controls.style == "jazz"
    save_scene(Scene("Verse-1", ControlState("rock")))
    assert SceneBook(load_scenes(STYLES)[0]).find("verse 1").controls.style == "rock"
    assert save_scene(Scene("Odd", ControlState("rock"))).name == "odd.yaml"
    assert save_scene(Scene("broken", ControlState("rock"))).name == "broken 2.yaml", "it may be mended yet"


@given(turns=st.lists(TURNS, max_size=12), program=st.none() | st.integers(0, 127))
def test_any_scene_comes_back_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, turns: list[StateCommand], program: int | None
) -> None:
    state = ControlState("funk")
    for turn in turns:
        state = apply(state, turn)
    scene = Scene("Verse: 2/ä", state, program)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OWN_FOLDER_VARIABLE, str(tmp_path_factory.mktemp("own")))
        path = save_scene(scene)
        assert path.name == "Verse_ 2_ä.yaml"
        assert load_scene(path, STYLES) == scene
        assert load_scenes(STYLES) == ([scene], [])


def test_a_scene_may_name_a_kit_that_there_is(tmp_path: Path) -> None:
    kits = KitBook(GENERAL_MIDI_KIT, [replace(GENERAL_MIDI_KIT, name="mine", title="My Kit")])
    path = tmp_path / "verse.yaml"
    path.write_text("style: funk\nkit: MY KIT\n")
    assert load_scene(path, STYLES, kits).controls.kit == "mine"
    path.write_text("style: funk\nkit: spoons\n")
    with pytest.raises(ConfigError, match=r"verse.yaml, line 2: kit 'spoons' is unknown; all: mine, gm"):
        load_scene(path, STYLES, kits)
    listed = tmp_path / "set.yaml"
    listed.write_text("scenes:\n  - controls: {style: funk, kit: spoons}\n")
    with pytest.raises(ConfigError, match="kit 'spoons' is unknown"):
        load_set_list(listed, {}, STYLES, kits)


def test_a_scene_leaves_latency_and_switch_alone(own: Path) -> None:
    path = save_scene(Scene("verse", ControlState("funk", latency_ms=20.0, switch="bar")))
    assert load_scene(path, STYLES).controls == ControlState("funk")


def test_a_faulty_scene_is_told_and_keeps_no_other_from_being_there(own: Path) -> None:
    save_scene(Scene("verse", ControlState("funk")))
    (own / "scenes" / "bad.yaml").write_text("style: funk\ndensity: 1.2\n")
    scenes, faults = load_scenes(STYLES)
    assert [scene.name for scene in scenes] == ["verse"]
    assert len(faults) == 1
    assert "bad.yaml, line 2, field density: expected a number from 0 to 1, got '1.2'" in faults[0]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("density: 0.5", "field style: expected this field, got none"),
        ("style: polka", "line 1: style 'polka' is unknown"),
        ("style: funk\nmuted: [drums]", r"line 2, field muted\[0\]: expected one of crash"),
        ("style: funk\nlevels: {kick: 2}", "field levels.kick: expected a number from 0 to 1.5"),
        ("style: funk\nprogram: 128", "field program: expected a whole number from 0 to 127"),
        ("style: funk\nlatency_ms: 5", "expected a known field"),
    ],
)
def test_what_is_wrong_in_a_scene_is_told(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text(written)
    with pytest.raises(ConfigError, match=told):
        load_scene(path, STYLES)


SET = """
title: Friday
scenes:
  - {scene: Verse}
  - {bar: 9, scene: loud, controls: {style: J Dilla, energy: 0.9}, morph: 2}
  - {after: 8, controls: {style: jazz}}
  - {marker: drop, scene: verse}
"""


def test_a_set_list_names_scenes_or_writes_them_out(tmp_path: Path) -> None:
    path = tmp_path / "set.yaml"
    path.write_text(SET)
    verse = Scene("verse", ControlState("funk"), 1)
    found = load_set_list(path, {"verse": verse}, STYLES)
    assert found.title == "Friday"
    first, loud, third, drop = found.entries
    assert (first.scene, first.bar) == (verse, None)
    assert (loud.scene, loud.bar, loud.morph_bars) == (
        Scene("loud", ControlState("j_dilla", energy=0.9, time_signature="")),
        9,
        2,
    )
    assert (third.scene.name, third.after) == ("scene 3", 8)
    assert (drop.scene, drop.marker) == (verse, "drop")


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ("[{scene: chorus}]", r"field scenes\[0\].scene: expected a scene \(verse\), or controls: beside it"),
        ("[{bar: 1}]", r"scenes\[0\]: expected scene: NAME, or controls: of its own, got neither"),
        ("[{scene: verse, bar: 2, marker: x}]", "expected one of bar, after, marker, got more than one"),
        ("[{scene: verse, bar: 0}]", "expected a whole number from 1 to 100000"),
        ("[{scene: verse, morph: 99}]", "expected a whole number from 0 to 64"),
        ("[{scene: verse, bar: 5}, {scene: verse, bar: 3}]", "expected bars that go up, got bar 3 after 5"),
        ("[]", "expected at least one scene"),
        ("verse", "expected a list of scenes"),
    ],
)
def test_what_is_wrong_in_a_set_list_is_told(tmp_path: Path, entries: str, told: str) -> None:
    path = tmp_path / "set.yaml"
    path.write_text(f"scenes: {entries}\n")
    with pytest.raises(ConfigError, match=told):
        load_set_list(path, {"verse": Scene("verse", ControlState("funk"))}, STYLES)
