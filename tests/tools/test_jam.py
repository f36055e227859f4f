"""Riffs as they are played, and whole jams in virtual time with the shipped weights."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from liveengine.app.replay import Replay
from tools.jam import RIFFS, Hand, main, played, riff_of_file, write_riff

BPM = 120.0


@pytest.mark.parametrize("name", sorted(RIFFS))
def test_a_riff_is_played_in_order_and_every_note_ends(name: str) -> None:
    events = list(played(RIFFS[name], Hand(), BPM, 4))
    assert [beat for beat, _ in events] == sorted(beat for beat, _ in events)
    ons = [message for _, message in events if message[0] & 0xF0 == 0x90]
    offs = [message for _, message in events if message[0] & 0xF0 == 0x80]
    assert len(ons) == len(offs) == len(RIFFS[name].notes) * 4 // RIFFS[name].bars


def test_a_hand_is_late_makes_mistakes_and_pauses() -> None:
    riff = RIFFS["late_bass"]
    straight = [beat for beat, message in played(riff, Hand(jitter_ms=0.0), BPM, 8) if message[0] == 0x91]
    late = [
        beat
        for beat, message in played(riff, Hand(push_ms=25.0, jitter_ms=0.0), BPM, 8)
        if message[0] == 0x91
    ]
    assert all(b - a == pytest.approx(0.05) for a, b in zip(straight, late, strict=True))
    paused = [beat for beat, message in played(riff, Hand(pauses=((2, 4),)), BPM, 8) if message[0] == 0x91]
    assert not [beat for beat in paused if 8.1 <= beat < 15.9]
    sloppy = [beat for beat, message in played(riff, Hand(mistakes=0.5), BPM, 8) if message[0] == 0x91]
    assert len(sloppy) < len(straight)


def test_a_riff_comes_back_from_its_file(tmp_path: Path) -> None:
    for riff in RIFFS.values():
        write_riff(riff, tmp_path / f"{riff.name}.mid")
        read = riff_of_file(tmp_path / f"{riff.name}.mid")
        assert (read.channel, read.program, read.bars) == (riff.channel, riff.program, riff.bars)
        assert [step for step, _, _ in read.notes] == sorted(step for step, _, _ in riff.notes)


def test_a_jam_is_made_again_from_its_trace_alone(tmp_path: Path) -> None:
    take, trace = tmp_path / "jam.mid", tmp_path / "jam.jsonl"
    arguments = ["tresillo_bass", "--style", "funk", "--bars", "6", "--push", "18"]
    assert main([*arguments, "--take", str(take), "--trace", str(trace)]) == 0
    assert [track.name for track in mido.MidiFile(take).tracks] == ["player", "drummer"]
    text = trace.read_text(encoding="utf-8")
    assert '"groove": {' in text
    assert '"pocket": {' in text
    replay = Replay(trace)
    assert all(decode.same for decode in replay.decodes())
    assert all(note.same for note in replay.notes())


def test_a_riff_that_there_is_not_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mido.MidiFile().save(tmp_path / "empty.mid")
    assert main([str(tmp_path / "empty.mid")]) == 2
    assert "expected a MIDI file with notes" in capsys.readouterr().err
