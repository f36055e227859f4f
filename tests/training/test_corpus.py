"""Reading a corpus in the Groove MIDI Dataset's layout, from a small one that the test writes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import mido
import pytest

from liveengine.errors import CorpusError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.corpus import (
    Take,
    condition_space,
    conditionings,
    fill_bars,
    mean_velocity,
    notes_per_beat,
    read_corpus,
    steadiness,
    with_level_ranges,
)

TPQ = 480
BPM = 100
COLUMNS = (
    *("drummer", "session", "id", "style", "bpm", "beat_type", "time_signature", "midi_filename", "split"),
)
Note = tuple[float, int, int]

HATS: list[Note] = [(step / 4, 42, 60) for step in range(0, 16, 2)]
BEAT: list[Note] = [*HATS, (0, 36, 110), (1, 38, 127), (2, 36, 90), (3, 40, 127)]
TOMS: list[Note] = [(step / 4, pitch, 100) for step, pitch in ((8, 50), (10, 48), (12, 47), (14, 43))]


def write_midi(path: Path, notes: list[Note], meter: tuple[int, int] = (4, 4), early_ms: float = 0) -> None:
    """Write (beat, pitch, velocity) as a drum track at 100 bpm, all of it `early_ms` before the grid."""
    path.parent.mkdir(parents=True, exist_ok=True)
    early_ticks = early_ms * BPM / 60_000 * TPQ
    events: list[tuple[int, mido.Message | mido.MetaMessage]] = [
        (0, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(BPM))),
        (0, mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1])),
    ]
    for beat, pitch, velocity in notes:
        tick = max(0, round(beat * TPQ - early_ticks))
        events.append((tick, mido.Message("note_on", channel=9, note=pitch, velocity=velocity)))
        events.append((tick + 40, mido.Message("note_off", channel=9, note=pitch)))
    events.sort(key=lambda event: event[0])
    track = mido.MidiTrack()
    now = 0
    for tick, message in events:
        track.append(message.copy(time=tick - now))
        now = tick
    mido.MidiFile(type=1, ticks_per_beat=TPQ, tracks=[track]).save(path)


def row(
    name: str, style: str, kind: str = "beat", split: str = "train", drummer: str = "drummer1"
) -> dict[str, str]:
    return dict(
        zip(COLUMNS, (drummer, "s1", name, style, str(BPM), kind, "4-4", f"{name}.mid", split), strict=True)
    )


def write_table(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "info.csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def repeated(notes: list[Note], bars: int, length: float = 4.0) -> list[Note]:
    return [(beat + bar * length, pitch, velocity) for bar in range(bars) for beat, pitch, velocity in notes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("corpus")
    late_start = [(beat + 1, pitch, velocity) for beat, pitch, velocity in repeated(BEAT, 4)]
    write_midi(place / "early.mid", late_start, early_ms=12.5)
    write_midi(place / "fill.mid", TOMS, early_ms=12.5)
    write_midi(place / "seven.mid", repeated([(0, 36, 100), (2, 38, 100)], 4, 3.5), meter=(7, 8))
    write_midi(place / "odd.mid", repeated(BEAT, 1), meter=(13, 8))
    write_midi(place / "melody.mid", [(0, 84, 100), (1, 90, 100)])
    write_midi(place / "silent.mid", [])
    (place / "damaged.mid").write_bytes(b"MThd\x00\x00")
    write_table(
        place,
        [
            row("early", "funk/fast"),
            row("fill", "rock", kind="fill"),
            row("seven", "jazz", split="validation", drummer="drummer2"),
            *(row(name, "rock") for name in ("odd", "melody", "silent", "damaged", "absent")),
            row("drummer2/session2/7", "rock"),
        ],
    )
    return place


@pytest.fixture(scope="module")
def takes(folder: Path) -> dict[str, Take]:
    return {take.name: take for take in read_corpus(folder)[0]}


def test_good_takes_are_read_with_what_they_are(takes: dict[str, Take]) -> None:
    assert list(takes) == ["early", "fill", "seven"]
    early, fill, seven = takes.values()
    assert (early.genre, early.style, early.bpm, early.is_fill) == ("funk", "funk/fast", 100.0, False)
    assert (fill.is_fill, fill.drummer, fill.split) == (True, "drummer1", "train")
    assert (seven.split, [bar.meter for bar in seven.bars]) == ("validation", [Meter(7, 8)] * 4)


def test_what_cannot_be_used_is_left_out_with_a_reason(folder: Path) -> None:
    reasons = {each.name: each.reason for each in read_corpus(folder)[1]}
    assert set(reasons) == {"odd", "melody", "silent", "damaged", "absent", "drummer2/session2/7"}
    assert "got 13/8" in reasons["odd"]
    assert reasons["melody"] == reasons["silent"] == "no drum notes"
    assert "duplicate" in reasons["drummer2/session2/7"]
    assert reasons["damaged"]
    assert reasons["absent"]


def test_an_early_take_is_centred_on_its_grid(takes: dict[str, Take]) -> None:
    # 12.5 ms at 100 bpm is one tick of 1/48 beat: without centring every hit would be at -1.
    early = takes["early"]
    assert {hit.micro for bar in early.bars for hit in bar.hits} == {0}
    assert sum(len(bar.hits) for bar in early.bars) == 4 * len(BEAT)
    kicks = [hit.step for hit in early.bars[0].hits if hit.voice is Voice.KICK]
    assert kicks == [4, 12]


def test_a_short_take_is_centred_by_its_drummers_habit(takes: dict[str, Take]) -> None:
    assert [(hit.step, hit.micro) for hit in takes["fill"].bars[0].hits] == [
        (8, 0),
        (10, 0),
        (12, 0),
        (14, 0),
    ]


def test_fills_are_told_from_beats(takes: dict[str, Take]) -> None:
    assert fill_bars(takes["fill"]) == (True,)
    assert fill_bars(takes["early"]) == (False,) * len(takes["early"].bars)


def test_a_bar_full_of_toms_in_a_beat_is_a_fill(tmp_path: Path) -> None:
    fill = [(beat + 12, pitch, velocity) for beat, pitch, velocity in TOMS]
    write_midi(tmp_path / "a.mid", [*repeated(BEAT, 3), *fill])
    write_table(tmp_path, [row("a", "rock")])
    ((take,), left_out) = read_corpus(tmp_path)
    assert left_out == []
    assert fill_bars(take) == (False, False, False, True)


def test_density_and_energy_of_a_bar(takes: dict[str, Take]) -> None:
    seven = takes["seven"].bars[0]
    assert notes_per_beat(seven) == pytest.approx(2 / 3.5)
    assert mean_velocity(seven) == 100
    assert mean_velocity(type(seven)(FOUR_FOUR, ())) == 0


def test_the_condition_space_spans_the_corpus(takes: dict[str, Take]) -> None:
    space = condition_space(list(takes.values()))
    assert space.genres == ("funk", "jazz", "rock")
    densities = [notes_per_beat(bar) for take in takes.values() for bar in take.bars]
    assert space.density_quantiles[0] == pytest.approx(min(densities), abs=1e-4)
    assert space.density_quantiles[-1] == pytest.approx(max(densities), abs=1e-4)
    assert list(space.energy_quantiles) == sorted(set(space.energy_quantiles))
    assert condition_space(list(takes.values()), ("rock", "ska")).genres == ("rock", "ska")


def test_conditionings_say_what_each_bar_is(takes: dict[str, Take]) -> None:
    space = ConditionSpace(("funk", "jazz", "rock"), (0.0, 6.0), (0.0, 127.0))
    first, *_, last = conditionings(takes["seven"], space)
    assert (first.genres, first.bpm, first.fill) == ((("jazz", 1.0),), 100.0, False)
    assert (first.phrase, last.phrase) == (0, 3)
    assert first.density == pytest.approx(2 / 3.5 / 6)
    assert first.energy == pytest.approx(100 / 127)
    (fill,) = conditionings(takes["fill"], space)
    assert (fill.fill, fill.phrase) == (True, None)


@pytest.mark.parametrize("rows", [[], [row("absent", "rock")]])
def test_a_corpus_without_takes_is_refused(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    with pytest.raises(CorpusError, match=r"expected a file info\.csv, found none"):
        read_corpus(tmp_path)
    write_table(tmp_path, rows)
    with pytest.raises(CorpusError, match="expected takes with drum notes, found none"):
        read_corpus(tmp_path)


def a_bar(*cells: tuple[int, Voice], meter: Meter = FOUR_FOUR) -> Bar:
    return Bar(meter, tuple(sorted(Hit(step, voice, 0, 90) for step, voice in cells)))


def a_take(*bars: Bar, is_fill: bool = False) -> Take:
    return Take("one", "drummer1", "rock", "rock", 100.0, is_fill, "train", bars)


GROOVE = ((0, Voice.KICK), (4, Voice.SNARE), (8, Voice.KICK), (12, Voice.SNARE))
OTHER = ((2, Voice.KICK), (6, Voice.SNARE), (10, Voice.KICK), (14, Voice.SNARE))
HALF = (*GROOVE[:2], *OTHER[2:])


def test_a_take_that_repeats_itself_is_steady_and_one_that_never_does_is_not() -> None:
    assert steadiness(a_take(*[a_bar(*GROOVE)] * 4)) == pytest.approx([1.0] * 4)
    assert steadiness(a_take(a_bar(*GROOVE), a_bar(*OTHER))) == pytest.approx([0.0, 0.0])
    assert steadiness(a_take(a_bar(*GROOVE), a_bar(*HALF))) == pytest.approx([0.5, 0.5])


def test_the_bar_that_leaves_the_groove_is_the_less_steady_one() -> None:
    shares = steadiness(a_take(*[a_bar(*GROOVE)] * 4, a_bar(*OTHER)))
    assert shares[4] == 0.0
    assert shares[:4] == pytest.approx([0.75] * 4)


def test_fills_are_as_steady_as_their_drummer_and_single_bars_tell_nothing() -> None:
    fill = a_bar(*GROOVE, *((step, Voice.LOW_TOM) for step in (9, 10, 11, 13)))
    assert steadiness(a_take(*[a_bar(*GROOVE)] * 3, fill)) == pytest.approx([1.0] * 4)
    assert steadiness(a_take(a_bar(*GROOVE))) == [None]
    three = Meter(3, 4)
    waltz = a_bar((0, Voice.KICK), meter=three)
    assert steadiness(a_take(*[a_bar(*GROOVE)] * 2, waltz)) == pytest.approx([1.0, 1.0, 1.0])


def test_steadiness_is_a_control_in_quantiles_of_the_corpus() -> None:
    takes = [
        a_take(*[a_bar(*GROOVE)] * 4),
        a_take(a_bar(*GROOVE), a_bar(*OTHER)),
        a_take(a_bar(*GROOVE), a_bar(*HALF)),
    ]
    space = condition_space(takes)
    asked = [next(conditionings(take, space)).steadiness for take in takes]
    assert asked[0] is not None
    assert asked[0] > 0.55, "half of the bars are just as steady"
    assert asked[1] is not None
    assert asked[1] == pytest.approx(0.0, abs=0.15)
    assert asked[2] is not None
    assert asked[1] < asked[2] < asked[0]
    assert next(conditionings(a_take(a_bar(*GROOVE), is_fill=True), space)).steadiness is None


def test_a_genre_is_as_sparse_and_busy_as_what_was_made_from_its_card() -> None:
    sparse, busy = a_bar(*GROOVE), a_bar(*GROOVE, *((step, Voice.CLOSED_HAT) for step in range(16)))
    played = a_take(*[a_bar((0, Voice.KICK))] * 10)
    authored = replace(a_take(*[sparse] * 10, *[busy] * 10), authored=True)
    space = condition_space([played, authored, replace(played, genre="funk")])
    ranged = with_level_ranges(space, [played, authored, replace(played, genre="funk")])
    assert ranged.genres == ("funk", "rock")
    funk, rock = ranged.level_ranges
    assert rock[:2] == pytest.approx((space.density_of(1.0), space.density_of(5.0)), abs=1e-3)
    assert funk[0] == funk[1] == pytest.approx(space.density_of(0.25), abs=1e-3)
