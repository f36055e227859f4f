"""The MidiTok tokenizer: saved and loaded by its own class, scores of many meters there and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from miditok import REMI, TokSequence
from symusic import Note, Score, TimeSignature, Track

from liveengine.errors import CheckpointError, ContractError
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import GENERAL_MIDI_NOTES, PITCH_TO_VOICE
from liveengine.tokens import vocabulary
from liveengine.tokens.tokenizer import (
    bars_of_notes,
    drum_notes,
    load_tokenizer,
    make_tokenizer,
    save_tokenizer,
)

TPQ = 480
TOKENIZER = make_tokenizer()


def score_of(
    notes: list[tuple[int, int, int]], signatures: list[tuple[int, int, int]], *, drums: bool = True
) -> Score:
    """Return a score of (tick, pitch, velocity) and (tick, numerator, denominator)."""
    score = Score(TPQ)
    for tick, numerator, denominator in signatures:
        score.time_signatures.append(TimeSignature(tick, numerator, denominator))
    track = Track("drums", 0, drums)
    for tick, pitch, velocity in notes:
        track.notes.append(Note(tick, 60, pitch, velocity))
    score.tracks.append(track)
    return score


def sounded(score: Score) -> list[tuple[float, int]]:
    return sorted((note.time / score.tpq, note.pitch) for note in score.tracks[0].notes)


@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(3, 4), Meter(5, 8), Meter(6, 8), Meter(7, 8)], ids=str)
def test_scores_survive_in_any_meter(meter: Meter) -> None:
    bar_ticks = int(meter.beats * TPQ)
    # On the bar line, a 16th triplet, two pitches that MidiTok drops by default, and the last 16th, late.
    pattern = [(0, 36, 100), (80, 42, 50), (240, 22, 70), (240, 26, 90), (bar_ticks - 110, 38, 120)]
    notes = [
        (tick + bar * bar_ticks, pitch, velocity) for bar in range(3) for tick, pitch, velocity in pattern
    ]
    tokens = TOKENIZER.encode(score_of(notes, [(0, meter.numerator, meter.denominator)]))
    assert tokens.tokens.count(f"Bar_{meter}") == 3
    again = TOKENIZER.decode(tokens)
    before = sorted((tick / TPQ, GENERAL_MIDI_NOTES[PITCH_TO_VOICE[pitch]]) for tick, pitch, _ in notes)
    after = sounded(again)
    assert [pitch for _, pitch in after] == [pitch for _, pitch in before]
    assert [beat for beat, _ in after] == pytest.approx([beat for beat, _ in before], abs=0.5 / 48 + 1e-9)
    signature = again.time_signatures[0]
    assert (signature.numerator, signature.denominator) == (meter.numerator, meter.denominator)
    assert again.tracks[0].is_drum


def test_a_change_of_meter_falls_on_its_bar_line() -> None:
    notes = [(0, 36, 100), (4 * TPQ, 36, 100), (int(7.5 * TPQ), 36, 100)]
    tokens = TOKENIZER.encode(score_of(notes, [(0, 4, 4), (4 * TPQ, 7, 8)]))
    assert [name for name in tokens.tokens if name.startswith("Bar")] == ["Bar_4/4", "Bar_7/8", "Bar_7/8"]
    again = TOKENIZER.decode(tokens)
    assert [(each.time / again.tpq, each.numerator) for each in again.time_signatures] == [(0, 4), (4, 7)]
    assert sounded(again) == [(0, 36), (4, 36), (7.5, 36)]


def test_open_and_closed_hats_of_the_td_11_are_kept_apart() -> None:
    tokens = TOKENIZER.encode(score_of([(0, 22, 60), (TPQ, 26, 60)], []))
    assert tokens.tokens == [
        "Bar_4/4",
        "Position_0",
        "Hit_closed_hat.+0.3",
        "Position_4",
        "Hit_open_hat.+0.3",
    ]
    assert tokens.ids == [TOKENIZER.vocab[name] for name in tokens.tokens]


def test_ids_are_those_of_the_vocabulary() -> None:
    assert len(TOKENIZER) == vocabulary.VOCABULARY_SIZE
    names = ["PAD_None", *vocabulary.token_names()]
    assert {name: TOKENIZER.vocab[name] for name in names} == {name: id_ for id_, name in enumerate(names)}


def test_early_notes_belong_to_the_bar_that_they_lead_into() -> None:
    bars = bars_of_notes([(0.0, 36, 100), (3.9, 36, 100)])
    assert [[(hit.step, hit.micro) for hit in bar.hits] for bar in bars] == [[(0, 0)], [(0, -5)]]


def test_silent_notes_and_unknown_pitches_are_left_out() -> None:
    bars = bars_of_notes([(0.0, 36, 100), (1.0, 36, 0), (2.0, 21, 90), (9.0, 38, 90)], [(0.0, FOUR_FOUR)])
    assert [len(bar.hits) for bar in bars] == [1, 0, 1]


def test_tracks_without_a_drum_mark_are_read_where_none_has_one() -> None:
    assert drum_notes(score_of([(240, 38, 90)], [], drums=False)) == [(0.5, 38, 90)]
    mixed = score_of([(0, 36, 90)], [])
    mixed.tracks.append(score_of([(0, 60, 90)], [], drums=False).tracks[0])
    assert drum_notes(mixed) == [(0.0, 36, 90)]


def test_a_meter_outside_the_vocabulary_is_refused() -> None:
    with pytest.raises(ContractError, match="got 13/8"):
        TOKENIZER.encode(score_of([(0, 36, 100)], [(0, 13, 8)]))


def test_saved_and_loaded_by_its_own_class(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    save_tokenizer(TOKENIZER, path)
    loaded = load_tokenizer(path)
    assert loaded == TOKENIZER
    assert loaded.vocab == TOKENIZER.vocab
    score = score_of([(0, 36, 100), (130, 42, 40)], [(0, 5, 8)])
    assert loaded.encode(score).ids == TOKENIZER.encode(score).ids


def test_a_tokenizer_that_does_not_say_which_tokens_it_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    TOKENIZER.save(path)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: expected the tokens of this version"):
        load_tokenizer(path)


def test_a_tokenizer_of_another_class_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    REMI().save(path)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: expected a DrumTokenizer, got 'REMI'"):
        load_tokenizer(path)


@pytest.mark.parametrize(
    "written", ["", "{", "[1, 2]", "null", "{}", json.dumps({"tokenization": "DrumTokenizer"}), "\xff"]
)
def test_a_damaged_tokenizer_is_refused(tmp_path: Path, written: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(written.encode("latin-1"))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: expected"):
        load_tokenizer(path)


def test_a_missing_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a tokenizer saved by MidiTok"):
        load_tokenizer(tmp_path / "none.json")


def test_token_errors_are_counted() -> None:
    good = ["Bar_4/4", "Position_0", "Hit_kick.+0.6", "Position_4", "Hit_snare.+0.6", "Bar_4/4"]
    assert TOKENIZER.tokens_errors(TokSequence(tokens=good)) == 0
    swapped = [
        "Bar_4/4",
        "Position_4",
        "Hit_kick.+0.6",
        "Position_0",
        "Hit_snare.+0.6",
        "Position_2",
        "Bar_4/4",
    ]
    assert TOKENIZER.tokens_errors(TokSequence(tokens=swapped)) == pytest.approx(2 / len(swapped))


def test_broken_ids_are_refused() -> None:
    with pytest.raises(ContractError, match="at place 0"):
        TOKENIZER.bars([vocabulary.position_id(3)])
