"""A given beat is kept to the tick, velocity and length, and bars made again replace only themselves."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from liveengine.app.replay import Replay
from liveengine.config.settings import load_kit, load_styles
from liveengine.errors import MidiError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.pattern import Bar
from liveengine.music.request import BarReply
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import Given, PatternRequest
from liveengine.patterns.seed_beat import read_given

Note = tuple[int, int, int, int]
KICK, SNARE, CRASH = 36, 38, 49
GM = load_kit("gm")
BEAT: list[Note] = [
    (bar * 3840 + tick, note, 60 + bar, length)
    for bar in range(4)
    for tick, note, length in (
        (0, KICK, 33),
        (487, 42, 77),
        (960, SNARE, 250),
        (1931, KICK, 1),
        (2880, SNARE, 60),
    )
]


@pytest.fixture(scope="module")
def studio(small_checkpoint: Path) -> PatternRenderer:
    return PatternRenderer(small_checkpoint, "cpu", lanes=2)


def beat(path: Path, notes: list[Note]) -> Given:
    """Write (tick, note, velocity, length) as a drum track, and read it as a given beat."""
    events = [(tick, 1, "note_on", note, velocity) for tick, note, velocity, _ in notes]
    events += [(tick + length, 0, "note_off", note, 0) for tick, note, _, length in notes]
    track, now = mido.MidiTrack([mido.MetaMessage("time_signature", numerator=4, denominator=4)]), 0
    for tick, _, kind, note, velocity in sorted(events):
        track.append(mido.Message(kind, channel=9, note=note, velocity=velocity, time=tick - now))
        now = tick
    mido.MidiFile(type=1, ticks_per_beat=960, tracks=[track]).save(path)
    return read_given(path, GM)


def notes_of(path: Path) -> list[Note]:
    """Return (tick, note, velocity, length) of every note of a file."""
    now, sounding, notes = 0, dict[int, tuple[int, int]](), list[Note]()
    for message in mido.MidiFile(path).tracks[1]:
        now += message.time
        if message.type == "note_on" and message.velocity:
            sounding[message.note] = (now, message.velocity)
        elif message.type in ("note_on", "note_off"):
            tick, velocity = sounding.pop(message.note)
            notes.append((tick, message.note, velocity, now - tick))
    assert not sounding
    return sorted(notes)


def made(studio: PatternRenderer, request: PatternRequest, path: Path) -> list[Note]:
    [pattern] = studio.make([request])
    pattern.take().write(path)
    return notes_of(path)


def test_going_on_keeps_every_note_with_its_length(studio: PatternRenderer, tmp_path: Path) -> None:
    given = beat(tmp_path / "beat.mid", BEAT)
    notes = made(
        studio, PatternRequest("funk", bars=2, seed=4, humanize=0.0, given=given), tmp_path / "on.mid"
    )
    assert [note for note in notes if note[0] < 4 * 3840] == sorted(BEAT)
    assert {note[0] // 3840 for note in notes if note[0] >= 4 * 3840} == {4, 5}


def test_bars_made_again_replace_only_themselves(
    studio: PatternRenderer, small_checkpoint: Path, tmp_path: Path
) -> None:
    given = beat(tmp_path / "beat.mid", BEAT)
    request = PatternRequest("jazz", bars=4, seed=4, humanize=0.0, given=given, remade=(1, 3))
    notes = made(studio, request, tmp_path / "made.mid")
    for bar in range(4):
        inside = [note for note in notes if note[0] // 3840 == bar]
        before = sorted(note for note in BEAT if note[0] // 3840 == bar)
        assert (inside == before) == (bar in (0, 2))
        assert inside
    again = Replay(tmp_path / "made.mid", small_checkpoint)
    assert {each.bar for each in again.decodes()} == {1, 3}
    assert again.write(tmp_path / "again.mid")


@pytest.mark.parametrize("early", range(115, 126))
def test_an_early_note_belongs_to_one_bar_for_the_model_and_for_the_file(
    studio: PatternRenderer, tmp_path: Path, early: int
) -> None:
    given = beat(
        tmp_path / "beat.mid", [(0, KICK, 90, 60), (3840 - early, CRASH, 99, 60), (4800, SNARE, 80, 60)]
    )
    [read_in] = [bar for bar, each in enumerate(given.bars) for hit in each.hits if hit.velocity == 99]
    for remade in (0, 1):
        request = PatternRequest("funk", bars=2, given=given, remade=(remade,))
        [pattern] = studio.make([request])
        kept = 99 in [note.velocity for note in pattern.take().given]
        assert kept == (remade != read_in)


def test_a_beat_without_drums_is_told(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match="expected drums"):
        beat(tmp_path / "none.mid", [(0, 120, 90, 60)])


@pytest.mark.parametrize("style", ["funk", "questlove"])
def test_an_outro_ends_on_one_stroke_in_styles_with_ghost_notes_too(style: str) -> None:
    request = PatternRequest(style, bars=2, section="outro", seed=1)
    found = load_styles().find(style)
    pattern = Pattern(request, found, GM, "", "cpu")
    asked = pattern.next_request()
    assert asked is not None
    pattern.accept(BarReply(asked.serial, Bar(FOUR_FOUR, ()), 1, 0.0))
    assert pattern.next_request() is None
    last = [note.hit for note in pattern.take().notes if note.hit.bar == 1]
    assert sorted((hit.step, hit.note) for hit in last) == [(0, GM.note(voice)) for voice in found.landing]
