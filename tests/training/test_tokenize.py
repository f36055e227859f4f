"""Tokenizing a folder: what is kept and what it costs, what is left out and why, and the command."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import mido
import pytest
from safetensors.numpy import load_file

from liveengine.errors import CorpusError
from liveengine.music.drums import Voice
from liveengine.tokens.tokenizer import DrumTokenizer, load_tokenizer, make_tokenizer
from liveengine.training.corpus import LeftOut
from liveengine.training.tokenized import Tokenized, midi_files, save_together, tokenize, totals
from tests.commands import TOOLS, run_script

TPQ = 480
BEAT = [(0, 36, 110), (480, 38, 100), (960, 36, 90), (1440, 38, 100), (1920, 36, 80)]


def write(
    path: Path,
    notes: list[tuple[int, int, int]],
    *,
    channel: int = 9,
    meter: tuple[int, int] = (4, 4),
    bpm: float = 120.0,
) -> None:
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm)))
    track.append(mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1]))
    now = 0
    for tick, note, velocity in notes:
        track.append(mido.Message("note_on", channel=channel, note=note, velocity=velocity, time=tick - now))
        track.append(mido.Message("note_off", channel=channel, note=note, time=10))
        now = tick + 10
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(ticks_per_beat=TPQ, tracks=[track]).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("midi")
    write(place / "rock" / "one.mid", [*BEAT, (1950, 81, 60)])
    write(place / "two.MIDI", [(3, 36, 100), (487, 38, 100)], bpm=60.0)
    write(place / "long.mid", BEAT, meter=(17, 16))
    write(place / "piano.mid", BEAT, channel=0)
    write(place / "whistles.mid", [(0, 72, 100)])
    (place / "broken.mid").write_bytes(b"MThd no more")
    (place / "notes.txt").write_text("no MIDI")
    return place


@pytest.fixture(scope="module")
def tokenizer() -> DrumTokenizer:
    return make_tokenizer()


def kept(name: str, folder: Path, tokenizer: DrumTokenizer, *, any_channel: bool = False) -> Tokenized:
    found = tokenize(folder / name, folder, tokenizer, any_channel=any_channel)
    assert isinstance(found, Tokenized), found
    return found


def test_a_file_keeps_its_notes_and_tells_what_it_costs(folder: Path, tokenizer: DrumTokenizer) -> None:
    one = kept("rock/one.mid", folder, tokenizer)
    bars = tokenizer.bars(one.ids.tolist())
    assert [[hit.voice for hit in bar.hits] for bar in bars] == [
        [Voice.KICK, Voice.SNARE, Voice.KICK, Voice.SNARE],
        [Voice.KICK],
    ]
    assert one.steps_per_bar == (9, 3)
    assert sum(one.steps_per_bar) == len(one.ids)
    assert (one.notes, one.voiceless) == (5, 1)
    assert one.error_ms == 0


def test_the_time_error_is_that_of_the_file_s_own_tempo(folder: Path, tokenizer: DrumTokenizer) -> None:
    # Ticks 3 and 487 of 480 lie 0.3 and, with 48.7, again 0.3 of a tick of 1/48 beat off: 6.25 ms at 60 bpm.
    two = kept("two.MIDI", folder, tokenizer)
    assert two.error_ms == pytest.approx(0.3 / 48 * 1000)
    assert totals([two])["greatest time error at 120 bpm, ms"] == pytest.approx(0.3 / 48 * 500)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken.mid", "broken: "),
        ("piano.mid", "no drums: no track on channel 10"),
        ("whistles.mid", "no drums: none of its 1 notes"),
        ("long.mid", "unknown meter: time signature: expected one of"),
    ],
)
def test_what_cannot_be_used_is_left_out_with_the_reason(
    name: str, reason: str, folder: Path, tokenizer: DrumTokenizer
) -> None:
    found = tokenize(folder / name, folder, tokenizer)
    assert isinstance(found, LeftOut)
    assert found.name == name
    assert found.reason.startswith(reason)


def test_every_channel_is_taken_for_drums_when_asked(folder: Path, tokenizer: DrumTokenizer) -> None:
    assert kept("piano.mid", folder, tokenizer, any_channel=True).notes == 5


def test_files_are_found_however_deep_and_whatever_their_case(folder: Path, tmp_path: Path) -> None:
    names = [path.relative_to(folder).as_posix() for path in midi_files(folder)]
    assert "rock/one.mid" in names
    assert "two.MIDI" in names
    assert "notes.txt" not in names
    with pytest.raises(CorpusError, match=r"expected \.mid or \.midi files below it"):
        midi_files(tmp_path)
    with pytest.raises(CorpusError, match="expected a folder"):
        midi_files(tmp_path / "nowhere")


def test_totals_and_one_file_for_all(folder: Path, tokenizer: DrumTokenizer, tmp_path: Path) -> None:
    found = [kept("rock/one.mid", folder, tokenizer), kept("two.MIDI", folder, tokenizer)]
    counted = totals(found)
    assert (counted["files"], counted["bars"], counted["notes"]) == (2, 3, 7)
    assert counted["decoding steps per bar, median"] == 5
    assert counted["notes without a voice"] == 1
    save_together(found, tmp_path / "all.safetensors")
    stored = load_file(tmp_path / "all.safetensors")
    assert {name: ids.tolist() for name, ids in stored.items()} == {
        each.name: each.ids.tolist() for each in found
    }


def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run_script(TOOLS / "tokenize_corpus.py", *arguments)


def test_the_command_saves_in_miditok_s_format_and_names_what_it_left_out(
    folder: Path, tokenizer: DrumTokenizer, tmp_path: Path
) -> None:
    result = run_command(folder, "--out", tmp_path / "tokens")
    assert result.returncode == 0, result.stderr
    for name in ("broken.mid", "piano.mid", "whistles.mid", "long.mid"):
        assert f"left out {name}: " in result.stdout
    assert "files: 2" in result.stdout
    assert "left out: 4" in result.stdout
    saved = json.loads((tmp_path / "tokens" / "rock" / "one.mid.json").read_text())
    assert saved["ids"] == kept("rock/one.mid", folder, tokenizer).ids.tolist()
    assert load_tokenizer(tmp_path / "tokens" / "tokenizer.json").load_tokens(
        tmp_path / "tokens" / "two.MIDI.json"
    )


def test_the_command_ends_in_one_clear_line_where_nothing_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "broken.mid").write_bytes(b"no MIDI")
    result = run_command(tmp_path, "--out", tmp_path / "tokens")
    assert result.returncode == 2
    assert "none of its 1 MIDI files could be tokenized" in result.stderr
    assert not (tmp_path / "tokens").exists()
