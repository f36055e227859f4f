"""Reading collections of patterns, from a small catalogue and a small groove file that the test writes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import yaml

from liveengine.errors import CorpusError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.tokens import vocabulary
from liveengine.training.composable import read_composable
from liveengine.training.corpus import Take, fill_bars
from liveengine.training.grid_patterns import VELOCITY_JITTER
from liveengine.training.grooveforge import read_grooveforge

STEPS = 16
SOUND_OF_GROUP = {"Kick": "kick", "Snare": "snare", "Hats": "hatClosed", "Toms": "tomLow", "Perc": "shaker"}


def clip(name: str, group: str, pattern: str, genre: str = "techno", **changes: Any) -> dict[str, Any]:
    """Return a clip of the catalogue; `pattern` has a character a step, and any but a dot is a hit."""
    sound = changes.pop("sound", SOUND_OF_GROUP[group])
    return {
        "id": name,
        "group": group,
        "collection": "basics",
        "tags": ["fill"] if group == "Toms" else [],
        "applicableGenres": [genre],
        "bars": len(pattern) // STEPS,
        "hits": [
            {"time": step / 4, "sound": sound, "velocity": 100 if level == "X" else 60}
            for step, level in enumerate(pattern)
            if level != "."
        ],
        **changes,
    }


TECHNO = [
    clip("K1", "Kick", "X...X...X...X..."),
    clip("K2", "Kick", "X...X...X...X.x.X...X...X...X..x"),
    clip("K3", "Kick", "X...X..xX...X..."),
    clip("S1", "Snare", "....X.......X..."),
    clip("S2", "Snare", "....X.......X...", sound="clap"),
    clip("S3", "Snare", "....X..x....X..."),
    clip("H1", "Hats", "x.x.x.x.x.x.x.x."),
    clip("H2", "Hats", "..x...x...x...x.", sound="hatOpen"),
    clip("H3", "Hats", "xxxxxxxxxxxxxxxx"),
    clip("T1", "Toms", "........X.X.XXXX"),
    clip("ornament", "Kick", "..............x................."),
    clip("other genre", "Hats", "X...X...X...X...", genre="polka"),
]


def write_catalogue(folder: Path, entries: list[dict[str, Any]]) -> Path:
    path = folder / "catalog.json"
    path.write_text(json.dumps({"entries": entries}), encoding="utf-8")
    return path


@pytest.fixture
def techno(tmp_path: Path) -> list[Take]:
    return read_composable(write_catalogue(tmp_path, TECHNO), random.Random(1))


def steps(take: Take, bar: int, voice: Voice) -> tuple[int, ...]:
    return tuple(hit.step for hit in take.bars[bar].hits if hit.voice is voice)


def test_takes_are_whole_beats_of_one_genre(techno: list[Take]) -> None:
    assert len(techno) == 12
    assert [take.split for take in techno].count("validation") == 1
    assert len({take.name for take in techno}) == len(techno)
    for take in techno:
        assert (take.genre, take.grid_bound, take.is_fill, len(take.bars)) == ("techno", True, False, 8)
        assert 126 <= take.bpm <= 142
        for bar in take.bars:
            assert bar.meter == FOUR_FOUR
            assert all(hit.micro == 0 for hit in bar.hits)
            assert {0, 4} <= {hit.step for hit in bar.hits if hit.voice is Voice.KICK}
            assert vocabulary.ids_to_bars(vocabulary.bar_to_ids(bar))


def test_a_take_repeats_its_base_and_varies_it(techno: list[Take]) -> None:
    for take in techno:
        onsets = [frozenset((hit.step, hit.voice) for hit in bar.hits) for bar in take.bars]
        assert 2 <= len(set(onsets)) <= 6
        assert onsets.count(max(onsets, key=onsets.count)) >= 2


def test_velocities_are_as_written_but_for_a_little(techno: list[Take]) -> None:
    velocities = {hit.velocity for take in techno for bar in take.bars for hit in bar.hits}
    assert all(min(abs(velocity - 100), abs(velocity - 60)) <= VELOCITY_JITTER for velocity in velocities)
    assert len(velocities) > 4


def test_fills_end_takes_on_the_toms_without_hats(techno: list[Take]) -> None:
    filled = [(take, bar) for take in techno for bar, is_fill in enumerate(fill_bars(take)) if is_fill]
    assert len(filled) >= len(techno) // 2
    for take, bar in filled:
        assert bar in (3, 7)
        assert steps(take, bar, Voice.LOW_TOM) == (8, 10, 12, 13, 14, 15)
        assert all(hit.step < 8 for hit in take.bars[bar].hits if hit.voice is Voice.CLOSED_HAT)
        assert not {8, 12} & {*steps(take, bar, Voice.SNARE), *steps(take, bar, Voice.SNARE_RIM)}


def test_the_same_seed_makes_the_same_takes(techno: list[Take], tmp_path: Path) -> None:
    assert read_composable(tmp_path / "catalog.json", random.Random(1)) == techno
    assert read_composable(tmp_path / "catalog.json", random.Random(2)) != techno


def test_voices_that_share_a_moment_are_struck_once(tmp_path: Path) -> None:
    shaker = clip("P1", "Perc", "XXXXXXXXXXXXXXXX")
    entries = [*(entry for entry in TECHNO if entry["group"] != "Hats"), shaker]
    entries += [
        clip("H1", "Hats", "x.x.x.x.x.x.x.x."),
        clip("H2", "Hats", "..x...x...x...x.", sound="hatOpen"),
    ]
    for take in read_composable(write_catalogue(tmp_path, entries), random.Random(3)):
        for bar in take.bars:
            places = [(hit.step, hit.voice) for hit in bar.hits]
            assert len(places) == len(set(places))
            opened = {step for step, voice in places if voice is Voice.OPEN_HAT}
            assert opened.isdisjoint(step for step, voice in places if voice is Voice.CLOSED_HAT)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"hits": [{"time": 0, "sound": "gong", "velocity": 9}]}, r"clip K1: expected a sound .* got 'gong'"),
        ({"hits": [{"time": 4, "sound": "kick", "velocity": 9}]}, "clip K1: expected times .* got beat 4"),
        ({"hits": [{"time": 0, "sound": "kick", "velocity": 200}]}, "clip K1: hit: expected a velocity"),
        ({"hits": [{"time": 0, "sound": "kick"}]}, "clip K1: expected 'velocity', got none"),
        ({"hits": None}, "clip K1: "),
        ({"bars": 0}, "clip K1: expected 'bars' from 1, got 0"),
    ],
)
def test_a_broken_clip_is_named(tmp_path: Path, broken: dict[str, Any], message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        read_composable(write_catalogue(tmp_path, [{**TECHNO[0], **broken}]), random.Random(1))


def test_what_is_no_catalogue_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.json"
    with pytest.raises(CorpusError, match="expected a catalogue in JSON"):
        read_composable(path, random.Random(1))
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(CorpusError, match="expected an object with a list of clips"):
        read_composable(path, random.Random(1))
    write_catalogue(tmp_path, TECHNO[:4])
    with pytest.raises(CorpusError, match="expected a genre with at least 10 clips"):
        read_composable(path, random.Random(1))


INSTRUMENTS = {
    "kick": {"note": 36, "base_velocity": 100},
    "snare": {"note": 38, "base_velocity": 90},
    "hihat": {"note": 42, "base_velocity": 70},
    "crash": {"note": 49, "base_velocity": 100},
    "whistle": {"note": 72, "base_velocity": 100},
}
FUNK: dict[str, Any] = {
    "bpm_range": [80, 120],
    "time_signature": [4, 4],
    "resolution": 16,
    "feel": "straight",
    "instruments": INSTRUMENTS,
    "sections": {
        "groove": {
            "bars": 1,
            "variations": [
                {
                    "name": "one",
                    "weight": 3,
                    "kick": "X.....x.........",
                    "snare": "....X..g....X.o.",
                    "whistle": "X...............",
                    "unknown": "X...............",
                },
                {"name": "two", "kick": "X.......X.......", "hihat": "x.x.x.x.x.x.x.x."},
            ],
        },
        "fill": {"bars": 1, "variations": [{"name": "roll", "snare": "gggggggggggggggg"}]},
        "crash": {"bars": 1, "variations": [{"name": "standard", "crash": "X..............."}]},
    },
    "structure": {"fill_every": 4},
}


def write_groove(folder: Path, name: str, **changes: Any) -> None:
    (folder / f"{name}.gfdrum").write_text(yaml.safe_dump({**FUNK, **changes}), encoding="utf-8")


def groove(kick: str) -> dict[str, Any]:
    return {"groove": {"bars": 1, "variations": [{"name": "one", "kick": kick}]}}


def test_grooves_are_played_with_fills_and_crashes(tmp_path: Path) -> None:
    write_groove(tmp_path, "funk_tight")
    write_groove(tmp_path, "fanfare_march")
    takes = read_grooveforge(tmp_path)
    assert len(takes) == 4
    assert {take.genre for take in takes} == {"funk"}
    assert [take.bpm for take in takes] == [85, 95, 105, 115]
    assert all(take.grid_bound and len(take.bars) == 8 for take in takes)
    first = takes[0]
    assert steps(first, 0, Voice.KICK) == (0, 6)
    assert steps(first, 2, Voice.KICK) == (0, 8), "another variation in the third bar"
    assert steps(first, 3, Voice.SNARE) == steps(first, 7, Voice.SNARE) == tuple(range(16))
    assert steps(first, 4, Voice.CRASH) == (0,)
    assert {hit.voice for bar in first.bars for hit in bar.hits} == {
        *(Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT, Voice.CRASH)
    }


def test_levels_of_strokes_become_velocities(tmp_path: Path) -> None:
    write_groove(tmp_path, "funk_tight")
    snares = [hit.velocity for hit in read_grooveforge(tmp_path)[0].bars[0].hits if hit.voice is Voice.SNARE]
    for got, written in zip(snares, (90, 25, 90, 50), strict=True):
        assert abs(got - written) <= VELOCITY_JITTER


@pytest.mark.parametrize(
    ("feel", "places"),
    [
        ("straight", [(0, 0), (1, 0), (2, 0), (3, 0)]),
        ("laid_back", [(0, 0), (1, 0), (2, 0), (3, 0)]),
        ("swing_soft", [(0, 0), (1, 2), (2, 0), (3, 2)]),
        ("swing_hard", [(0, 0), (1, 4), (2, 0), (3, -4)]),
    ],
)
def test_swing_moves_the_odd_steps(tmp_path: Path, feel: str, places: list[tuple[int, int]]) -> None:
    write_groove(tmp_path, "jazz_swing", feel=feel, sections=groove("XXXX............"))
    hits = read_grooveforge(tmp_path)[0].bars[0].hits
    assert [(hit.step, hit.micro) for hit in hits] == places


def test_triplets_keep_their_places(tmp_path: Path) -> None:
    write_groove(tmp_path, "jazz_waltz", time_signature=[3, 4], resolution=9, sections=groove("XXX......"))
    bar = read_grooveforge(tmp_path)[0].bars[0]
    assert bar.meter == Meter(3, 4)
    assert [hit.beat for hit in bar.hits] == pytest.approx([0, 1 / 3, 2 / 3])


def test_bars_of_a_sequence_follow_each_other(tmp_path: Path) -> None:
    bars = [{"kick": "X..............."}, {"kick": "....X..........."}]
    write_groove(tmp_path, "latin_bossa_nova", sections={"groove": {"type": "sequence", "bar_grids": bars}})
    take = read_grooveforge(tmp_path)[0]
    assert take.genre == "latin"
    assert [steps(take, bar, Voice.KICK) for bar in range(4)] == [(0,), (4,), (0,), (4,)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sections": groove("X...")}, r"kick: expected 16 characters of Xxog\., got 'X\.\.\.'"),
        ({"sections": groove("Z" * 16)}, "kick: expected 16 characters"),
        ({"sections": {}}, "expected 'groove', got none"),
        ({"feel": "drunk"}, "expected a feel .* got 'drunk'"),
        ({"time_signature": [13, 8]}, "time signature: expected one of .* got 13/8"),
        ({"bpm_range": None}, r"expected a \.gfdrum file, got"),
    ],
)
def test_a_broken_groove_file_is_named(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    write_groove(tmp_path, "funk_tight", **changes)
    with pytest.raises(CorpusError, match=message) as caught:
        read_grooveforge(tmp_path)
    assert "funk_tight.gfdrum" in str(caught.value)


def test_a_folder_without_grooves_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"expected \.gfdrum files of known genres"):
        read_grooveforge(tmp_path)
    (tmp_path / "rock_basic.gfdrum").write_text("name: [", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"expected a \.gfdrum file, got"):
        read_grooveforge(tmp_path)
