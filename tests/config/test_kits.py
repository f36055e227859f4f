"""Kit files: the shipped maps, the player's own, what one takes over from another, and faults."""

from __future__ import annotations

import re
from pathlib import Path

import mido
import pytest

from liveengine.config.kits import (
    find_kit,
    kit_names,
    kit_text,
    load_kit,
    load_kit_file,
    load_kits,
    own_kits_folder,
)
from liveengine.config.settings import configs_folder
from liveengine.errors import ConfigError, UnknownNameError
from liveengine.midi.file import TakeNote, TakeTempo, save_take, take_bytes
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import PITCH_TO_VOICE, Voice
from liveengine.music.kit import GENERAL_MIDI_KIT, HATS, Articulation, KitMap

SHIPPED = sorted(path.stem for path in (configs_folder() / "kits").glob("*.yaml"))


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path))
    own_kits_folder().mkdir()
    return own_kits_folder()


@pytest.mark.parametrize("name", ["gm", "gmd", "ableton", "808"])
def test_a_kit_plays_every_voice(name: str) -> None:
    kit = load_kit(name)
    assert (kit.name, kit.channel) == (name, 10)
    for voice in (Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT, Voice.OPEN_HAT, Voice.CRASH):
        assert PITCH_TO_VOICE[kit.note(voice)] is voice


def test_kits_differ_where_the_instruments_do() -> None:
    assert load_kit("gm") == GENERAL_MIDI_KIT
    assert all(36 <= note <= 51 for note in load_kit("ableton").notes)
    assert load_kit("808").note(Voice.SNARE_RIM) == 39
    assert load_kit("808").note(Voice.BELL) == 56
    assert load_kit("808").note(Voice.RIDE) == 49, "a TR-808 has one cymbal"
    toms = [load_kit("gmd").note(voice) for voice in (Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM)]
    assert toms == [48, 45, 43]


@pytest.mark.parametrize(
    ("written", "name"), [("GM", "gm"), ("Roland TD-11", "gmd"), ("tr 808", "808"), ("Ableton", "ableton")]
)
def test_kits_are_found_under_any_spelling(written: str, name: str) -> None:
    assert load_kit(written).name == name


@pytest.mark.parametrize("name", ["spoons", "", "..", "../styles/funk"])
def test_an_unknown_kit_lists_the_kits(name: str) -> None:
    with pytest.raises(UnknownNameError, match=r"is unknown; all: 808, 909, ableton, .*, gm, gm2, gmd, "):
        load_kit(name)


def beat_of(kit: KitMap) -> list[tuple[Articulation, int, float | None, TakeNote]]:
    """Return a beat that touches all that a kit has a note for, each note of it, and the take of it."""
    beat: list[tuple[Articulation, int, float | None, TakeNote]] = []
    for articulation in kit.sounds:
        sound = kit.sounds[articulation]
        for place, _ in enumerate(sound.notes):
            openness = sound.starts[place] if sound.by == "openness" else None
            velocity = int(sound.starts[place]) if sound.by == "velocity" else 100
            strike = kit.strike(articulation, velocity, place, openness)
            beat.append((articulation, velocity, openness, TakeNote.struck(1.0 + len(beat), strike, 120.0)))
    return beat


@pytest.mark.parametrize("name", SHIPPED)
def test_a_take_of_a_shipped_kit_is_read_back_as_the_beat_by_the_kits_own_table(
    name: str, tmp_path: Path
) -> None:
    kit = load_kit(name)
    beat = beat_of(kit)
    assert {articulation for articulation, *_ in beat} == set(kit.sounds)
    path = tmp_path / "take.mid"
    content = take_bytes(
        notes=[note for *_, note in beat],
        tempos=[TakeTempo(0.0, 120.0)],
        markers=[],
        meters=[(0.0, FOUR_FOUR)],
        channel=kit.channel,
    )
    save_take(path, content)
    table, read, pedal = kit.table(), [], None
    for message in mido.MidiFile(path).tracks[1]:
        if message.type == "control_change" and kit.pedal and message.control == kit.pedal.controller:
            pedal = message.value
        elif message.type == "note_on":
            read.append(table[message.channel + 1, message.note])
            if kit.pedal and read[-1] in HATS:
                assert pedal == beat[len(read) - 1][3].pedal.value  # type: ignore[union-attr]
    assert read == [articulation for articulation, *_ in beat], "one to one: no two share a note"
    folds = kit.folded()
    assert set(folds) | set(kit.sounds) == set(Articulation)
    assert all(nearest in kit.sounds for nearest in folds.values())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_kit_names_its_source_and_reads_as_it_is_written(name: str, own_home: Path) -> None:
    kit = load_kit(name)
    assert kit.title
    assert len(kit.source) > 20, "only what a public source states"
    path = own_home / f"{name}.yaml"
    path.write_text(kit_text(kit), encoding="utf-8")
    assert load_kit_file(path) == kit
    path.write_text(kit_text(kit, GENERAL_MIDI_KIT), encoding="utf-8")
    assert load_kit_file(path) == kit


PLUGINS = {
    "superior_drummer_3": (36, 38, 40, 37, None, 21, None, 48, 47, 43, None, None, None, 53),
    "addictive_drums_2": (36, 38, None, 42, None, 48, None, 71, 69, None, 77, 79, 60, 61),
    "ezdrummer_2": (36, 38, 40, 37, None, 21, None, 48, 47, None, None, None, 51, 53),
    "ezdrummer_3": (36, 38, 40, 37, None, 21, None, 48, 47, 43, None, None, 51, 53),
    "steven_slate_5": (36, 38, 40, 37, None, None, None, 48, 47, 43, None, None, None, 53),
}
"""Where insomnimus/drum-mapper (MIT, folder drums) puts GM's voices; None where it chooses another stroke."""


@pytest.mark.parametrize("name", PLUGINS)
def test_a_map_of_a_plugin_agrees_with_a_second_public_source(name: str) -> None:
    kit = load_kit(name)
    for voice, note in zip(Voice, PLUGINS[name], strict=True):
        assert note in (None, kit.note(voice)), voice.label


def test_titles_and_names_of_shipped_kits_are_their_own() -> None:
    titles = [load_kit(name).title for name in SHIPPED]
    assert len(set(titles)) == len(SHIPPED)
    assert len(SHIPPED) >= 16


RICH = """\
title: My Kit
like: gm
channel: 3
length_ms: 80
velocity: {curve: 1.5, range: [5, 120]}
notes:
  snare: [38, 33]
  kick: {by_velocity: {1: 35, 90: 36}, channel: 2, velocity: {range: [1, 127]}}
  half_open_hat: {by_openness: {0: 60, 0.4: 61}}
  open_hat: {note: 46, length_ms: 900}
  bell: none
chokes:
  - [closed_hat, open_hat, half_open_hat]
hat_pedal: {controller: 4, shut: 127, open: 0, lead_ms: 8}
"""


def test_a_kit_of_the_players_own_takes_over_what_it_does_not_say(own_home: Path) -> None:
    (own_home / "mine.yaml").write_text(RICH)
    kit = load_kit("My kit")
    assert kit.name == "mine"
    assert kit.strike_voice(Voice.SNARE, 127, 1).note == 33
    assert kit.strike_voice(Voice.SNARE, 127, 1).velocity == 120
    kick = kit.strike_voice(Voice.KICK, 127)
    assert (kick.note, kick.channel, kick.velocity, kick.length_ms) == (36, 2, 127, 80)
    assert kit.strike_voice(Voice.RIDE, 1).velocity == 5
    assert kit.strike_voice(Voice.OPEN_HAT, 100).length_ms == 900
    assert kit.note(Voice.RIDE) == 51
    assert kit.note(Voice.BELL) == 51
    assert kit.channel == 3
    (own_home / "again.yaml").write_text("title: Again\nlike: mine\nnotes: {ride: 99}\nhat_pedal: none\n")
    again = load_kit("again")
    assert again.note(Voice.RIDE) == 99
    assert again.note(Voice.KICK) == kit.note(Voice.KICK)
    assert again.pedal is None
    assert "again" in kit_names()


def test_a_kit_of_the_players_own_comes_before_a_shipped_one_of_its_name_and_may_be_like_it(
    own_home: Path,
) -> None:
    (own_home / "gm.yaml").write_text("title: Mine\nlike: gm\nnotes: {kick: 35}\n")
    kit = load_kit("gm")
    assert (kit.note(Voice.KICK), kit.note(Voice.SNARE)) == (35, 38)
    book, faults = load_kits(kit)
    assert faults == ()
    assert book.find("gm") is kit
    assert book.names[: len(SHIPPED)] == tuple(SHIPPED)


def test_a_faulty_kit_does_not_keep_others_from_being_played(own_home: Path) -> None:
    (own_home / "bad.yaml").write_text("title: Bad\n")
    (own_home / "good.yaml").write_text("title: Good\nlike: gm\n")
    book, faults = load_kits(GENERAL_MIDI_KIT)
    assert {"good", "808"} <= set(book.names)
    assert "bad" not in book.names
    assert len(faults) == 1
    assert faults[0].startswith(f"left out the kit bad: {own_home / 'bad.yaml'}, line 1")


def test_a_kit_may_be_like_a_file_beside_it_and_is_found_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(RICH)
    path = tmp_path / "over.yaml"
    path.write_text("title: Over\nlike: ./base.yaml\n")
    assert find_kit(str(path)).note(Voice.SNARE) == 38
    assert find_kit(str(path)).channel == 3


@pytest.mark.parametrize(
    ("written", "line", "field", "told"),
    [
        ("", 1, "title", "expected this field, got none"),
        ("title: X", 1, "notes", "or like: the kit that it is like"),
        ("title: X\nlike: spoons", 2, "like", "kit 'spoons' is unknown"),
        ("title: X\nlike: gm\nnote: {kick: 36}", 3, "note", "a known field: notes"),
        ("title: X\nlike: gm\nnotes: {kik: 36}", 3, "notes.kik", "a known field: kick"),
        ("title: X\nlike: gm\nnotes: {kick: 128}", 3, "notes.kick", "a whole number from 0 to 127"),
        ("title: X\nlike: gm\nnotes: {kick: C1}", 3, "notes.kick", "a whole number from 0 to 127"),
        ("title: X\nlike: gm\nnotes: {kick: none}", 3, "notes.kick", "nothing stands for it"),
        ("title: X\nnotes: {kick: 36, snare: 38}", 2, "notes.closed_hat", "nothing stands for it"),
        ("title: X\nlike: gm\nnotes: {snare: []}", 3, "notes.snare", "at least one note"),
        ("title: X\nlike: gm\nnotes: {snare: [38, 200]}", 3, "notes.snare[1]", "from 0 to 127"),
        (
            "title: X\nlike: gm\nnotes:\n  snare: {note: 3, by_velocity: {1: 2}}",
            4,
            "notes.snare",
            "one of note",
        ),
        ("title: X\nlike: gm\nnotes: {snare: {channel: 2}}", 3, "notes.snare", "got none of them"),
        (
            "title: X\nlike: gm\nnotes: {snare: {by_velocity: {0: 38}}}",
            3,
            "notes.snare.by_velocity.0",
            "velocity",
        ),
        (
            "title: X\nlike: gm\nnotes: {snare: {by_velocity: {90: 38, 20: 39}}}",
            3,
            "notes.snare.by_velocity.20",
            "a velocity above 90",
        ),
        (
            "title: X\nlike: gm\nnotes: {snare: {by_openness: {0: 38}}}",
            3,
            "notes.snare.by_openness",
            "openness of hi-hats only",
        ),
        (
            "title: X\nlike: gm\nnotes: {snare: {note: 3, channel: 17}}",
            3,
            "notes.snare.channel",
            "from 1 to 16",
        ),
        ("title: X\nlike: gm\nchannel: 0", 3, "channel", "from 1 to 16"),
        ("title: X\nlike: gm\nlength_ms: 0", 3, "length_ms", "a number from 1 to 10000"),
        ("title: X\nlike: gm\nvelocity: {curve: 0}", 3, "velocity.curve", "a number from 0.2 to 5"),
        ("title: X\nlike: gm\nvelocity: {range: [90, 20]}", 3, "velocity.range", "the low one first"),
        ("title: X\nlike: gm\nchokes: [[open_hat]]", 3, "chokes[0]", "two articulations or more"),
        ("title: X\nlike: gm\nchokes: [[open_hat, spoon]]", 3, "chokes[0][1]", "one of kick, snare"),
        ("title: X\nlike: gm\nhat_pedal: {controller: 4, shut: 0}", 3, "hat_pedal.open", "this field"),
        ("title: X\nlike: gm\nhat_pedal: {controller: 4, shut: 9, open: 9}", 3, "hat_pedal", "two values"),
        (
            "title: X\nlike: gm\nhat_pedal: {controller: 4, shut: 0, open: 9, lead_ms: 50}",
            3,
            "hat_pedal.lead_ms",
            "a number from 2 to 20",
        ),
        ("title: X\nlike: bad", 2, "like", "another kit, like none that is like this one"),
    ],
)
def test_a_fault_is_told_with_file_line_and_field(
    own_home: Path, written: str, line: int, field: str, told: str
) -> None:
    path = own_home / "bad.yaml"
    path.write_text(written)
    with pytest.raises(ConfigError) as caught:
        load_kit_file(path)
    said = str(caught.value)
    assert said.startswith(f"{path}, line {line}, field {field}: "), said
    assert re.search(re.escape(told), said), said
