"""The tape: notes where they sounded, captures of the last bars, tempo, jumps of the beat, what made it."""

from __future__ import annotations

import io
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import pytest

from liveengine.errors import ContractError, MidiError
from liveengine.midi.file import TakeMarker, TakeTempo, read_texts
from liveengine.music.beats import FOUR_FOUR
from liveengine.playback.messages import PlannedHit, Provenance
from liveengine.recording.take_recorder import CONTENTS_KEPT, GROOVES_KEPT, RING_BARS, Take, TakeRecorder

KICK, SNARE, HAT = 36, 38, 42
BEAT_US = 500_000.0
LINE_BYTES, NOTE_BYTES, MARKER_BYTES = 300, 250, 100
"""So much at most a line needs beside its text, a note, and a marker whose text was there before."""


def recorder(*, everything: bool = True) -> TakeRecorder:
    """Return a tape of a session at 120 bpm whose beat 4 is at moment 0."""
    tape = TakeRecorder(FOUR_FOUR, 10, everything=everything)
    tape.header({"seed": 7})
    tape.tempo(0.0, 4.0, 120.0)
    return tape


def hit(beat: float, note: int = KICK, velocity: int = 100, offset_ms: float = 0.0) -> PlannedHit:
    """Return a hit of a performance in 4/4 whose bar 0 begins on beat 4."""
    bar = int(beat // 4) - 1
    came = Provenance(line_beat=4.0 + 4 * bar)
    return PlannedHit(round(beat * 48), bar, 0, beat, offset_ms, note, velocity, provenance=came)


def heard(take: Take) -> list[tuple[float, int, int]]:
    """Return (beat, note, velocity) of a take's notes."""
    notes = [note.take_note(take.start_beat) for note in take.notes]
    return [(round(note.beat, 6), note.note, note.velocity) for note in notes]


def beats(take: Take) -> list[float]:
    return [beat for beat, _, _ in heard(take)]


def lines(take: Take) -> list[tuple[float, dict[str, Any]]]:
    """Return what made a take, each with its beat."""
    return [(beat, json.loads(line)) for beat, line in take.lines]


def test_the_file_has_the_notes_where_they_sounded_and_as_loud() -> None:
    tape = recorder()
    for each in (hit(4.0), hit(4.5, HAT, 71, 10.0), hit(5.0, SNARE, 112, -25.0), hit(7.75, KICK, 1)):
        tape.note(each)
    tape.bar(0, 4.0, FOUR_FOUR)
    file = mido.MidiFile(file=io.BytesIO(tape.take().to_bytes()))
    tick, struck = 0, []
    for message in file.tracks[1]:
        tick += message.time
        if message.type == "note_on":
            struck.append((tick, message.note, message.velocity, message.channel))
    # At 120 bpm, 960 ticks a beat: 10 ms are 19.2 ticks, 25 ms are 48.
    assert struck == [(0, KICK, 100, 9), (499, HAT, 71, 9), (912, SNARE, 112, 9), (3600, KICK, 1, 9)]
    about = next(message for message in file.tracks[0] if message.type == "time_signature")
    assert (about.numerator, about.denominator) == (4, 4)


def test_an_offset_is_as_long_as_the_tempo_made_it_when_it_was_struck() -> None:
    tape = recorder()
    tape.note(hit(5.0, offset_ms=50.0))
    tape.tempo(2 * BEAT_US, 6.0, 60.0)
    tape.note(hit(7.0, offset_ms=50.0))
    take = tape.take()
    assert beats(take) == [1.1, 3.05]
    assert take.tempos == (TakeTempo(0.0, 120.0), TakeTempo(2.0, 60.0))
    assert tape.bpm == 60.0


def test_a_first_hit_before_its_bar_line_does_not_move_the_take_s_beginning() -> None:
    tape = recorder()
    tape.note(hit(3.9))
    tape.note(hit(5.0))
    take = tape.take()
    assert (take.start_beat, beats(take)) == (4.0, [0.0, 1.0])


def test_a_capture_is_the_last_whole_bars_and_nothing_else() -> None:
    tape = recorder()
    for bar in range(4):
        tape.mark(4.0 + 4 * bar - 0.1, f"bar {bar}")
        for beat in range(4):
            tape.note(hit(4.0 + 4 * bar + beat))
        if bar < 3:
            tape.bar(bar, 4.0 + 4 * bar, FOUR_FOUR)
        tape.tempo((bar + 1) * 4 * BEAT_US, 8.0 + 4 * bar, 120.0 + bar)
    take = tape.take(2)
    assert (take.bars, take.start_beat, take.length_beats) == (2, 8.0, 8.0)
    assert beats(take) == [float(beat) for beat in range(8)]
    assert take.tempos == (TakeTempo(0.0, 120.0), TakeTempo(4.0, 121.0))
    # A marker a little early is that of the bar line.
    assert [marker.text for marker in take.markers] == ["bar 1", "bar 2", "bar 3"]
    assert [marker.beat for marker in take.markers] == pytest.approx([0.0, 3.9, 7.9])
    assert tape.take(9).bars == 3
    file = mido.MidiFile(file=io.BytesIO(take.to_bytes()))
    assert [sum(message.time for message in track) for track in file.tracks] == [8 * 960] * 2


@pytest.mark.parametrize("to_beat", [100.0, 1.0])
def test_over_a_jump_of_the_beat_the_take_goes_on_as_it_was_heard(to_beat: float) -> None:
    tape = recorder()
    tape.note(hit(4.0))
    tape.mark_at(BEAT_US, "before")
    tape.tempo(3 * BEAT_US, to_beat, 120.0, jumped=True)  # at beat 7
    tape.note(hit(6.75, SNARE), due_us=2.75 * BEAT_US)  # its report came after the jump
    tape.note(hit(to_beat + 1, HAT), due_us=4 * BEAT_US)
    tape.mark(to_beat + 1.5, "style jazz")
    tape.mark_at(5 * BEAT_US, "after")
    tape.bar(0, to_beat + 1, FOUR_FOUR)
    tape.tempo(7 * BEAT_US, to_beat + 4, 90.0)
    take = tape.take()
    assert heard(take) == [(0.0, KICK, 100), (2.75, SNARE, 100), (4.0, HAT, 100)]
    assert take.markers == (
        TakeMarker(1.0, "before"),
        TakeMarker(4.5, "style jazz"),
        TakeMarker(5.0, "after"),
    )
    assert take.tempos == (TakeTempo(0.0, 120.0), TakeTempo(3.0, 120.0), TakeTempo(7.0, 90.0))
    assert tape.take(1).start_beat == 8.0
    assert take.notes[2].line_beat == 4.0 * (int(to_beat + 1) // 4) + (7.0 - to_beat)


def test_what_made_the_notes_comes_once_at_its_bar_line_with_all_it_goes_back_to(tmp_path: Path) -> None:
    tape = recorder()
    tape.content({"serial": 1, "hits": []})
    tape.content({"serial": 2, "hits": []})  # nothing that sounded was made from it
    tape.groove({"groove": 5, "bar": 0})
    assert tape.has_groove(5)
    assert not tape.has_groove(6)
    for bar in range(2):
        tape.decode({"bar": bar, "serial": 10 + bar, "context": [1]})
        for place in range(2):
            beat = 4.0 + 4 * bar + place
            tape.note(
                PlannedHit(1, bar, 0, beat, 0.0, KICK, 90, 0.5, Provenance("", 0, 5, place, 4 + 4 * bar))
            )
        tape.bar(bar, 4.0 + 4 * bar, FOUR_FOUR)
    tape.decode({"bar": 2, "serial": 12, "context": [2]})  # that bar has not been played
    take = tape.take()
    assert [(beat, line["type"]) for beat, line in lines(take)] == [
        (0.0, "header"),
        (0.0, "content"),
        (0.0, "decode"),
        (4.0, "decode"),
        (0.0, "groove"),
        (0.0, "sounded"),
        (4.0, "sounded"),
    ]
    assert lines(take)[0][1] == {"type": "header", "seed": 7, "start_beat": 4.0}
    assert lines(take)[-1][1]["notes"] == [[5, 0, 0.5, 8, 120.0, ""], [5, 1, 0.5, 8, 120.0, ""]]
    take.write(tmp_path / "takes" / "one.mid")
    assert sorted(read_texts(tmp_path / "takes" / "one.mid")) == sorted(line for _, line in take.lines)
    with pytest.raises(MidiError, match=r"one\.mid"):
        take.write(tmp_path / "takes" / "one.mid" / "two.mid")


def test_where_no_take_is_kept_the_tape_does_not_grow_and_else_all_of_it_stays() -> None:
    bars = GROOVES_KEPT + 50
    for everything in (False, True):
        tape = recorder(everything=everything)
        for bar in range(bars):
            tape.note(hit(4.0 + 4 * bar))
            tape.bar(bar, 4.0 + 4 * bar, FOUR_FOUR)
            tape.content({"serial": bar})
            tape.groove({"groove": bar})
            tape.decode({"bar": bar, "context": [bar]})
        newest = bars - 1
        assert tape.take().bars == (bars if everything else RING_BARS)
        assert tape.has_groove(newest - GROOVES_KEPT + 1)
        assert tape.has_groove(newest - GROOVES_KEPT) == everything
        kept = [line["serial"] for _, line in lines(tape.take()) if line["type"] == "content"]
        assert (kept[0], kept[-1], len(kept)) == (
            (0, newest, bars) if everything else (bars - RING_BARS, newest, RING_BARS)
        )
        assert RING_BARS < CONTENTS_KEPT < bars
        assert beats(tape.take(RING_BARS)) == [4.0 * bar for bar in range(RING_BARS)]


def test_a_take_of_hours_takes_little_memory() -> None:
    line = {"controls": dict.fromkeys("abcdefgh", 0.5), "hits": [[step, 1, 97.5, 0.25] for step in range(24)]}
    written, notes, bars = json.dumps(line), 20, 300
    tape = recorder()
    tracemalloc.start()
    try:
        for bar in range(bars):
            fresh = json.loads(written)
            tape.content({"serial": bar, **fresh})
            tape.groove({"groove": bar, **fresh})
            tape.decode({"bar": bar, "context": [bar], **fresh})
            for place in range(notes):
                each = hit(4.0 * bar + place / 7, velocity=1 + place, offset_ms=place / 3)
                tape.note(replace(each, level=bar / 300, provenance=Provenance(groove=bar, place=place)))
                tape.mark(4.0 * bar + place / 5, f"density {place / 20:.2f}")
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    in_lines = bars * 3 * (len(written) + LINE_BYTES)
    assert kept - in_lines < bars * notes * (NOTE_BYTES + MARKER_BYTES)


def test_a_copy_stays_as_it_was_and_a_tape_without_a_bar_gives_no_capture() -> None:
    tape = recorder()
    with pytest.raises(ContractError, match="there is none yet"):
        tape.take(1)
    assert heard(TakeRecorder(FOUR_FOUR, 10, everything=True).take()) == []
    tape.note(hit(4.0))
    tape.bar(0, 4.0, FOUR_FOUR)
    tape.content({"serial": 1})
    copied = tape.copy()
    before = copied.take(1)
    tape.note(hit(5.0))
    tape.content({"serial": 2})
    tape.decode({"bar": 0, "context": [1, 2]})
    assert copied.take(1) == before
    assert (len(before.notes), len(tape.take(1).notes)) == (1, 2)
    assert [line["type"] for _, line in lines(tape.take(1))] == [
        "header",
        "content",
        "content",
        "decode",
        "sounded",
    ]
