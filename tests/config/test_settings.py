"""Settings: the shipped files hold what they promise, and faults are told with file, line and field."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from liveengine.config.cards import load_cards
from liveengine.config.control_maps import load_control_map
from liveengine.config.settings import (
    EngineSettings,
    configs_folder,
    default_checkpoint,
    load_engine_settings,
    load_styles,
)
from liveengine.errors import ConfigError, ContractError, LiveEngineError
from liveengine.music.control_map import Binding, ControlMap
from liveengine.music.drums import Voice
from liveengine.music.style import FAMILIES, Style

PRODUCERS = ["j_dilla", "metro_boomin", "questlove"]
GENRES = [
    *("afrobeat", "afrocuban", "blues", "boombap", "breakbeat", "celtic", "country", "dance", "disco"),
    *("dnb", "electro", "funk", "garage", "gospel", "highlife", "hiphop", "house", "jazz", "latin", "lofi"),
    *("metal", "middleeastern", "neworleans", "pop", "punk", "reggae", "rnb", "rock", "soul", "techno"),
    "trap",
]
CARDS = load_cards(configs_folder() / "cards")
STYLES = load_styles()
SNARES = (Voice.SNARE, Voice.SNARE_RIM, Voice.RIM)

STYLE = """\
title: Test Beat
aliases: [tb]
genres: {funk: 0.5, soul: 0.5}
tempo_bpm: [90, 110]
source: made for this test
feel:
  swing_percent: 54.0
  push_ms: {snare: -10.0}
"""


def test_producers_come_first_and_then_every_learned_genre() -> None:
    assert [style.name for style in STYLES.styles] == PRODUCERS + GENRES


@pytest.mark.parametrize("style", STYLES.styles, ids=lambda style: style.name)
def test_a_shipped_style_keeps_its_promises(style: Style) -> None:
    assert sum(weight for _, weight in style.genres) == pytest.approx(1)
    assert style.genres == ((style.name, 1.0),)
    assert style.tempo_bpm[0] < style.tempo_bpm[1]
    assert len(style.source) > 40
    assert style.family in FAMILIES[:-1]
    assert 6 <= style.feel.jitter_ms <= 12
    card = CARDS[style.name]
    assert 0 < style.feel.humanize <= 1
    assert (style.musts, style.opening, style.landing) == (card.musts, card.opening, card.landing)
    if card.machine:
        assert style.feel.learned_swing_percent == 50, "its card sits on the grid"
    elif style.name not in PRODUCERS and not card.kin:
        assert style.feel.swing_percent == style.feel.learned_swing_percent
        assert not any(style.feel.push_ms)
        assert style.feel.ghosts_per_bar == 0
    assert f"configs/cards/{style.name}.yaml" in style.source or "Groove MIDI Dataset" in style.source


def test_the_producers_feel() -> None:
    dilla, metro, quest = (STYLES.find(name).feel for name in PRODUCERS)
    assert {dilla.push_ms[voice] for voice in SNARES} == {-20.0}
    assert dilla.push_ms[Voice.KICK] >= 0
    assert {percent for _, percent in dilla.voice_swing} == {50.0}
    assert dilla.velocity_contrast < 1 < quest.velocity_contrast
    assert all(quest.push_ms[voice] >= 15 for voice in SNARES)
    assert (quest.ghosts_per_bar, quest.ghost_velocity) == (2.0, (20, 40))
    assert (metro.swing_percent, any(metro.push_ms)) == (50.0, False)


def test_the_shipped_control_map() -> None:
    shipped = load_control_map()
    controllers = {each.number: each.turned[0] for each in shipped.bindings if each.kind == "cc"}
    turned = ("style", "density", "energy", "swing_percent", "humanize", "latency_ms", "switch", "variation",
              "blend", "blend_style")  # fmt: skip
    heard = ("jam", "listen_accents", "listen_level", "listen_pocket", "listen_fills")
    assert controllers == dict(enumerate(turned, start=20)) | dict(enumerate(heard, start=102))
    assert shipped.bound("note", 60, 9) == Binding("note", 60, "fill")
    assert load_control_map().program_change_is_style
    assert load_control_map().channel is None


def test_the_shipped_engine_settings_are_the_defaults_and_complete() -> None:
    assert load_engine_settings() == EngineSettings()
    written = yaml.safe_load((configs_folder() / "engine.yaml").read_text(encoding="utf-8"))
    assert list(written) == list(EngineSettings.__slots__)


def test_the_checkpoint_is_inside_the_package() -> None:
    assert default_checkpoint().parts[-3:] == ("liveengine", "checkpoints", "small")


def test_a_users_file_goes_on_top(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("style: J Dilla\nswing_percent: 58\nseed: 7\nlatency_ms: -12.5\n")
    found = load_engine_settings(path)
    assert (found.style, found.swing_percent, found.seed, found.latency_ms) == ("J Dilla", 58.0, 7, -12.5)
    assert (found.port, found.gate_ms, found.humanize) == ("drums", 60.0, None)
    path.write_text("# nothing set\n")
    assert load_engine_settings(path) == EngineSettings()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("swing_percent: 80", r"line 1, field swing_percent: .*expected 50 to 75, got 80"),
        ("style: funk\nstile: jazz", r"line 2, field stile: expected a known field: style .*'stile'"),
        ("kit: gm\nkit: gmd", r"line 2, field kit: expected each field once"),
        ("seed: 1.5", r"line 1, field seed: expected a whole number, got '1.5'"),
        ("seed: -1", r"line 1, field seed: seed: expected 0 or more, got -1"),
        ("port: 3", r"line 1, field port: expected text .*got '3'"),
        ("port: ' '", r"line 1, field port: expected text"),
        ("humanize: human", r"line 1, field humanize: expected a number, got 'human'"),
        ("humanize: [1]", r"line 1, field humanize: expected a number, got a list"),
        ("gate_ms: .nan", r"line 1, field gate_ms: expected a number, got '.nan'"),
        ("gate_ms: 200", r"line 1, field gate_ms: gate_ms: expected 1 to 95, got 200"),
        ("gate_ms:", r"line 1, field gate_ms: expected a number, got nothing"),
        ("name: a/b", r"line 1, field name: name: expected up to 32 letters.*got 'a/b'"),
        ("quantum: 6.5", r"line 1, field quantum: quantum: expected .*got 6.5"),
        ("backend: midi", r"line 1, field backend: backend: expected one of auto, .*got 'midi'"),
        ("latency_ms: 501", r"line 1, field latency_ms: .*expected -500 to 500, got 501"),
        ("lookahead_bars: 0x2", r"line 1, field lookahead_bars: expected a whole number, got '0x2'"),
        ("- style", r"line 1, field \(whole file\): expected fields, got a list"),
        ("style: funk\nkit: [gm", r"line 2: expected YAML, got"),
        ("style: funk\n\tkit: gm", r"line 2: expected YAML, got"),
        ("style: !!python/object:os.system x", r"line 1, field style: expected text"),
    ],
)
def test_a_faulty_settings_file_is_told_by_line_and_field(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(written)
    with pytest.raises(ConfigError, match=f"^{re.escape(str(path))}, {told}"):
        load_engine_settings(path)


def test_a_missing_or_binary_settings_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.yaml: expected a settings file, got: No such file"):
        load_engine_settings(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"binary\.yaml: expected a settings file in UTF-8"):
        load_engine_settings(tmp_path / "binary.yaml")
    with pytest.raises(ContractError, match="gate_ms: expected 1 to 95"):
        EngineSettings(gate_ms=0)


def edited(before: str, after: str) -> Callable[[], str]:
    assert before in STYLE
    return lambda: STYLE.replace(before, after)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (edited("title: Test Beat\n", ""), r"line 1, field title: expected this field, got none"),
        (edited("90, 110", "110, 90"), r"line 4, field tempo_bpm: expected two numbers, the low one first"),
        (edited("90, 110", "10, 110"), r"line 4, field tempo_bpm: expected two tempos from 20 to 999 bpm"),
        (edited("90, 110", "90"), r"line 4, field tempo_bpm: expected two numbers"),
        (edited("90, 110", "90, fast"), r"line 4, field tempo_bpm\[1\]: expected a number, got 'fast'"),
        (edited("soul: 0.5", "soul: 0.6"), r"line 3, field genres: expected weights that sum to 1, got 1.1"),
        (edited("soul: 0.5", "soul: -0.5"), r"line 3, field genres.soul: expected a number from 0 to 1"),
        (edited("54.0", "90"), r"line 7, field feel.swing_percent: swing: expected 25 to 75 percent"),
        (edited("swing_percent", "swing_precent"), r"line 7, field feel.swing_precent: .*swing_percent"),
        (edited("snare: -10.0", "snaer: -10.0"), r"line 8, field feel.push_ms.snaer: .*: snare .*'snaer'"),
        (edited("snare: -10.0", "snare: -99"), r"line 8, field feel.push_ms: push: expected 14 values"),
        (edited("made for", "ghost\nfamily: rokc #"), r"line 6, field family: expected one of producers"),
        (edited("[tb]", "tb"), r"line 2, field aliases: expected a list of names, got 'tb'"),
        (edited("[tb]", "[808]"), r"line 2, field aliases\[0\]: expected text .*got '808'"),
        (edited("[tb]", '["?!"]'), r"name, title or aliases: expected a name with letters .*'\?!'"),
        (edited("made for", "ghost\ndensity: 2 #"), r"line 6, field density: expected a number from 0 to 1"),
        (lambda: STYLE + "  ghost_velocity: [20]\n", r"line 9, field feel.ghost_velocity: expected two"),
        (lambda: STYLE + "  ghost_velocity: [0, 20]\n", r"line 9, .*ghost_velocity\[0\]: .*from 1 to 127"),
        (lambda: STYLE + "order: soon\n", r"line 9, field order: expected a whole number, got 'soon'"),
    ],
)
def test_a_faulty_style_is_told_by_line_and_field(tmp_path: Path, text: Callable[[], str], told: str) -> None:
    path = tmp_path / "test_beat.yaml"
    path.write_text(text())
    with pytest.raises(ConfigError, match=told) as caught:
        load_styles(tmp_path)
    assert str(caught.value).startswith(f"{path}, line ")


def test_extra_styles_follow_and_replace(tmp_path: Path) -> None:
    (tmp_path / "test_beat.yaml").write_text(STYLE)
    (tmp_path / "funk.yaml").write_text(STYLE.replace("Test Beat", "My Funk").replace("[tb]", "[]"))
    book = load_styles(extra=tmp_path)
    assert [style.name for style in book.styles] == [*PRODUCERS, *GENRES, "test_beat"]
    assert book.find("funk").title == "My Funk"
    assert book.find("TB").feel.push_ms[Voice.SNARE] == -10
    assert load_styles(extra=tmp_path / "test_beat.yaml").find("funk").title == "Funk"


def test_order_goes_before_names(tmp_path: Path) -> None:
    for name, order in (("a", ""), ("b", "order: 2\n"), ("c", "order: 1\n")):
        (tmp_path / f"{name}.yaml").write_text(
            STYLE.replace("Test Beat", f"T{name}").replace("tb", f"t{name}") + order
        )
    assert [style.name for style in load_styles(tmp_path).styles] == ["c", "b", "a"]


def test_two_styles_of_one_spelling_and_empty_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a folder with style files \(\*\.yaml\), found none"):
        load_styles(tmp_path)
    (tmp_path / "mine.yaml").write_text(STYLE.replace("[tb]", "[J. Dilla]"))
    with pytest.raises(ConfigError, match=r"mine\.yaml, line 1, .*'J. Dilla', to which j_dilla answers"):
        load_styles(extra=tmp_path)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("controllers:\n  20: volume", r"line 2, field controllers.20: CC 20: expected one of style"),
        ("controllers:\n  120: style", r"line 2, field controllers.120: .*expected a CC number 0-119"),
        ("controllers:\n  twenty: style", r"line 2, field controllers.twenty: expected a CC number"),
        ("controllers: {20: style, 20: energy}", r"line 1, field controllers.20: expected each field once"),
        ("channel: 17", r"line 1, field channel: expected a whole number from 1 to 16, got '17'"),
        ("program_change: energy", r"line 1, field program_change: expected style or none, got 'energy'"),
    ],
)
def test_a_faulty_control_map_is_told_by_line_and_field(tmp_path: Path, written: str, told: str) -> None:
    path = tmp_path / "control.yaml"
    path.write_text(written)
    with pytest.raises(ConfigError, match=told):
        load_control_map(path)


def test_a_control_map_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "control.yaml"
    path.write_text("program_change: none\ncontrollers: {1: energy}\nchannel: 16\n")
    assert load_control_map(path) == ControlMap((Binding("cc", 1, "energy"),), False, 16)


LINES = st.sampled_from([*STYLE.splitlines(), "feel: []", "order: 1", "  jitter_ms: x", "- a", "&a [*a]"])


@settings(max_examples=60)
@given(st.lists(LINES, max_size=8).map("\n".join) | st.text(max_size=40))
def test_any_text_is_read_or_refused_clearly(tmp_path_factory: pytest.TempPathFactory, written: str) -> None:
    path = tmp_path_factory.mktemp("styles") / "any.yaml"
    path.write_bytes(written.encode("utf-8", "surrogatepass"))
    message = ""
    try:
        found = load_styles(path)
    except LiveEngineError as error:
        message = str(error)
    assert str(path) in message if message else found.styles[0].name == "any"
