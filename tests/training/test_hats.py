"""Hats counted in takes, and compared."""

from __future__ import annotations

import math
from pathlib import Path

import mido
import pytest

from liveengine.errors import CorpusError
from liveengine.model.hat_pedal import HAT_VOICES, LEVELS, level_of
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.training.corpus import Take
from liveengine.training.hats import HatPlaying, count_hats, pedal_distance, read_hats
from tests.training.test_corpus import row, write_table

CLOSED, PEDAL, OPEN = Voice.CLOSED_HAT, Voice.PEDAL_HAT, Voice.OPEN_HAT


def take(*bars: Bar, genre: str = "rock") -> Take:
    return Take("a", "drummer1", genre, genre, 100.0, False, "train", bars)


def bar(*hits: Hit) -> Bar:
    return Bar(FOUR_FOUR, tuple(sorted(hits)))


def write_played(path: Path, pedal: list[int]) -> None:
    """Write eighths of a hat, the pedal before each where it is told; 42 where it is nearly shut, else 46."""
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=600_000)])
    for beat, value in enumerate(pedal):
        note = 42 if value > 80 else 46
        track.append(mido.Message("control_change", channel=9, control=4, value=value, time=0))
        track.append(mido.Message("note_on", channel=9, note=note, velocity=90, time=0))
        track.append(mido.Message("note_on", channel=9, note=36 if beat % 4 else 38, velocity=90, time=0))
        track.append(mido.Message("note_off", channel=9, note=note, time=240))
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(path)


def test_the_pedal_is_read_from_the_dataset_s_files(tmp_path: Path) -> None:
    write_played(tmp_path / "a.mid", [90, 90, 45, 0] * 20)
    write_played(tmp_path / "b.mid", [90] * 80)
    (tmp_path / "c.mid").write_bytes(b"no MIDI")
    write_table(tmp_path, [row("a", "rock/indie"), row("b", "funk", split="validation"), row("c", "jazz")])
    takes = read_hats(tmp_path)
    assert [(each.name, each.genre, each.split) for each in takes] == [
        ("a", "rock", "train"),
        ("b", "funk", "validation"),
    ]
    playing = HatPlaying.of(takes[0].bars)
    assert playing.openness == {CLOSED: (0.0,) * 40, PEDAL: (), OPEN: (0.5, 1.0) * 20}
    assert playing.strokes_by_hand == 80
    assert playing.half_open_share == 0.25
    assert set(HatPlaying.of(takes[1].bars).openness[CLOSED]) == {0.0}, "shut is 90 in all of the dataset"
    with pytest.raises(CorpusError, match=r"expected a file info\.csv"):
        read_hats(tmp_path / "nowhere")
    write_table(tmp_path, [row("c", "jazz")])
    with pytest.raises(CorpusError, match="hi-hat's pedal"):
        read_hats(tmp_path)


def test_strokes_are_counted_with_the_one_before_also_over_bar_lines() -> None:
    first = bar(Hit(0, CLOSED, 0, 90, 0.0), Hit(14, OPEN, 0, 90, 0.5), Hit(14, PEDAL, 0, 60, 0.5))
    second = bar(Hit(0, CLOSED, 0, 90, 0.1), Hit(4, CLOSED, 0, 90), Hit(8, CLOSED, 0, 90, 0.4))
    found = count_hats([take(*[first, second] * 30), take(first, genre="too little")])
    assert list(found) == ["rock"]
    counted = {context: row.tolist() for context, row in found["rock"].rows()}

    def one(level: int, times: int) -> list[float]:
        return [float(times) if place == level else 0.0 for place in range(LEVELS)]

    assert counted == {
        (0, LEVELS, 3, 3): one(0, 1),
        (0, level_of(0.4), 0, 3): one(0, 29),
        (2, 0, 0, 3): one(level_of(0.5), 30),
        (0, level_of(0.5), 2, 1): one(level_of(0.1), 30),
        (0, 0, 0, 2): one(level_of(0.4), 30),  # a stroke that does not say is shut, and not counted
    }


def test_a_foot_on_its_way_makes_no_open_stroke_shut_and_no_closed_one_open() -> None:
    late = bar(Hit(0, CLOSED, 0, 90, 1.0), Hit(4, OPEN, 0, 90, 0.0), Hit(8, PEDAL, 0, 90, 1.0))
    found = count_hats([take(*[late] * 30)])["rock"]
    levels = {context[0]: row.nonzero()[0].tolist() for context, row in found.rows()}
    assert levels == {
        HAT_VOICES.index(CLOSED): [level_of(0.5)],
        HAT_VOICES.index(OPEN): [level_of(0.2)],
        HAT_VOICES.index(PEDAL): [level_of(1.0)],
    }


def test_distances_are_in_steps_of_the_pedal() -> None:
    assert pedal_distance([0.0] * 4, [0.0] * 9) == 0
    assert pedal_distance([0.0], [1.0]) == 90
    assert pedal_distance([0.0, 1.0], [0.5]) == 45
    assert pedal_distance([0.0, 0.0, 1.0], [1.0]) == pytest.approx(60, abs=0.1)
    assert math.isnan(pedal_distance([], [0.5]))


def test_hats_that_do_not_say_are_as_open_as_their_voice() -> None:
    silent = HatPlaying.of([bar(Hit(0, CLOSED, 0, 90), Hit(2, OPEN, 0, 90), Hit(4, PEDAL, 0, 90))])
    assert silent.openness == dict(zip(HAT_VOICES, ((0.0,), (0.0,), (1.0,)), strict=True))
    assert silent.half_open_share == 0
    assert sorted(silent.every()) == [0.0, 0.0, 1.0]
    assert HatPlaying.of([]).half_open_share == 0
