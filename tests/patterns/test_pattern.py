"""Patterns: sections, the file, a given beat, and the same bytes alone, in lockstep and made again."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import mido
import pytest

from liveengine.app.replay import Replay
from liveengine.config.kits import load_kit
from liveengine.errors import ContractError, LiveEngineError, MidiError
from liveengine.music.beats import Meter
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest, read_request
from liveengine.patterns.sections import plan_bars
from liveengine.patterns.seed_beat import read_given

KICK, SNARE, CRASH = 36, 38, 49
REQUESTS = (
    PatternRequest("funk", seed=3, section="intro"),
    PatternRequest("jazz", bars=3, meter=Meter(3, 4), seed=4),
    PatternRequest("hiphop", bars=6, meter=Meter(7, 8), seed=5, fill_every=2),
    PatternRequest("funk", bars=18, seed=6, density=0.9),
    PatternRequest("hiphop", bars=1, seed=7, section="outro"),
    PatternRequest("jazz", bars=4, seed=8, section="outro"),
)


@pytest.fixture(scope="module")
def studio(small_checkpoint: Path) -> PatternRenderer:
    return PatternRenderer(small_checkpoint, "cpu", lanes=4)


@pytest.fixture(scope="module")
def make(studio: PatternRenderer) -> Callable[[PatternRequest], Pattern]:
    return lambda request: next(studio.make([request]))


Make = Callable[[PatternRequest], Pattern]


def struck(content: bytes) -> list[tuple[int, int, int]]:
    """Return (tick, note, velocity) of every note of a file."""
    now, notes = 0, []
    for message in mido.MidiFile(file=io.BytesIO(content)).tracks[1]:
        now += message.time
        if message.type == "note_on":
            notes.append((now, message.note, message.velocity))
    return notes


def test_a_pattern_is_the_same_alone_and_decoded_with_others(studio: PatternRenderer, make: Make) -> None:
    together = {each.seed: each.take().to_bytes() for each in studio.make(REQUESTS)}
    assert together == {request.seed: make(request).take().to_bytes() for request in reversed(REQUESTS)}
    assert len(set(together.values())) == len(REQUESTS)


def test_the_spelling_of_a_style_and_kit_does_not_change_the_file(make: Make) -> None:
    one = make(PatternRequest("Funk", kit="GM", seed=3)).take().to_bytes()
    assert one == make(PatternRequest("funk", kit="gm", seed=3)).take().to_bytes()


def test_the_file_is_whole(make: Make) -> None:
    content = make(PatternRequest("jazz", bars=3, meter=Meter(3, 4), bpm=93.0, seed=1)).take().to_bytes()
    file = mido.MidiFile(file=io.BytesIO(content))
    assert file.type == 1
    conductor = {message.type: message for message in file.tracks[0]}
    assert (conductor["time_signature"].numerator, conductor["time_signature"].denominator) == (3, 4)
    assert mido.tempo2bpm(conductor["set_tempo"].tempo) == pytest.approx(93.0, abs=0.001)
    assert conductor["marker"].text == "jazz"
    assert [track.name for track in file.tracks] == ["liveengine", "drums"]
    lengths = [sum(message.time for message in track) for track in file.tracks]
    last = max(tick for tick, _, _ in struck(content))
    assert lengths[0] == lengths[1]
    assert lengths[0] == 9 * 960 or 9 * 960 < lengths[0] <= last + 60


def test_humanize_0_is_on_the_grid(make: Make) -> None:
    notes = struck(make(PatternRequest("funk", seed=2, humanize=0.0, swing_percent=50.0)).take().to_bytes())
    assert notes
    assert {tick % 240 for tick, _, _ in notes} == {0}


def test_sections_run_as_their_names_say() -> None:
    intro = plan_bars(4, "intro", None, None, None)
    assert [bar.density for bar in intro] == sorted(bar.density or 0.0 for bar in intro)
    assert intro[-1].fill
    assert plan_bars(4, "chorus", None, None, None)[0].struck
    outro = plan_bars(4, "outro", None, None, None)
    assert [bar.only_struck for bar in outro] == [False, False, False, True]
    assert (outro[0].energy or 0.0) > (outro[-1].energy or 0.0)
    loud = plan_bars(4, "break", 0.9, 0.8, 2)
    assert {(bar.density, bar.energy) for bar in loud} == {(0.9, 0.8)}
    assert [bar.fill for bar in loud] == [False, True, False, True]
    assert [bar.struck for bar in loud] == [False, False, True, False]
    assert not any(bar.fill for bar in plan_bars(16, None, None, None, 0))
    assert [index for index, bar in enumerate(plan_bars(16, None, None, None, None)) if bar.fill] == [7, 15]


def test_an_outro_ends_on_one_stroke_and_a_chorus_begins_with_a_crash(make: Make) -> None:
    outro = PatternRequest("funk", seed=8, section="outro", humanize=0.0, swing_percent=50.0)
    notes = struck(make(outro).take().to_bytes())
    assert {(tick, note) for tick, note, _ in notes if tick >= 3 * 3840} == {
        (3 * 3840, KICK),
        (3 * 3840, CRASH),
    }
    chorus = struck(make(PatternRequest("funk", seed=8, section="chorus")).take().to_bytes())
    assert {KICK, CRASH} <= {note for tick, note, _ in chorus if tick < 240}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("bars", 0),
        ("bars", 65),
        ("seed", -1),
        ("density", float("nan")),
        ("energy", 1.5),
        ("humanize", 7.0),
        ("swing_percent", 80.0),
        ("fill_every", 65),
        ("section", "bridge"),
        ("bpm", 10.0),
        ("meter", Meter(5, 16)),
    ],
)
def test_what_cannot_be_is_told(field: str, value: object) -> None:
    named = {"bpm": "tempo", "meter": "time signature", "swing_percent": "swing"}.get(field, field)
    with pytest.raises(ContractError, match=named):
        PatternRequest(**{"style": "funk", field: value})  # type: ignore[arg-type]


def test_a_request_is_written_and_read_again() -> None:
    for request in REQUESTS:
        assert read_request(request.written()) == request
    with pytest.raises(ContractError, match="fields of a request"):
        read_request({"style": "funk", "meter": "4/4", "remade": [], "colour": "red"})


def write_beat(path: Path, bars: int = 4, meter: tuple[int, int] = (4, 4)) -> Path:
    """Write a beat with odd ticks, lengths and an unknown note, as a DAW may."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=meter[0], denominator=meter[1]))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(101)))
    events = []
    for bar in range(bars):
        for place, note in ((0, KICK), (487, 42), (960, SNARE), (1931, KICK), (2880, SNARE), (3000, 120)):
            tick = bar * 3840 + place
            velocity = 60 + place % 60
            events += [(tick, "note_on", note, velocity), (tick + 77, "note_off", note, 0)]
    now = 0
    for tick, kind, note, velocity in sorted(events):
        track.append(mido.Message(kind, channel=9, note=note, velocity=velocity, time=tick - now))
        now = tick
    file = mido.MidiFile(type=1, ticks_per_beat=960)
    file.tracks.append(track)
    file.save(path)
    return path


def test_a_given_beat_goes_on_and_stays_as_it_is(make: Make, tmp_path: Path, small_checkpoint: Path) -> None:
    given = read_given(write_beat(tmp_path / "beat.mid"), load_kit("gm"))
    assert given.unread == 4
    before = [(round(note.beat * 960), note.note, note.velocity) for note in given.notes]
    take = make(PatternRequest("funk", bars=2, seed=4, given=given)).take()
    notes = struck(take.to_bytes())
    assert [each for each in notes if each[0] < 4 * 3840 - 200] == before
    assert any(each[0] > 4 * 3840 + 300 for each in notes)
    tempo = mido.MidiFile(file=io.BytesIO(take.to_bytes())).tracks[0][2].tempo
    assert mido.tempo2bpm(tempo) == pytest.approx(101, abs=0.01)
    take.write(tmp_path / "on.mid")
    again = Replay(tmp_path / "on.mid", small_checkpoint)
    assert all(each.same for each in again.decodes())
    assert again.write(tmp_path / "again.mid")


def test_named_bars_are_made_again_and_the_rest_is_kept(make: Make, tmp_path: Path) -> None:
    given = read_given(write_beat(tmp_path / "beat.mid"), load_kit("gm"))
    request = PatternRequest("jazz", bars=4, seed=4, given=given, remade=(1, 3))
    notes = struck(make(request).take().to_bytes())
    for bar in (0, 2):
        first, last = bar * 3840, bar * 3840 + 3400  # a hit of the next bar may be early
        own = [(round(each.beat * 960), each.note, each.velocity) for each in given.notes]
        inside = range(first + 150, last)
        assert [each for each in notes if each[0] in inside] == [each for each in own if each[0] in inside]
    assert not any(note == 120 and tick // 3840 in (1, 3) for tick, note, _ in notes)
    other = struck(make(replace(request, seed=5)).take().to_bytes())
    assert other != notes


def test_a_beat_that_does_not_fit_is_told(tmp_path: Path) -> None:
    kit = load_kit("gm")
    given = read_given(write_beat(tmp_path / "beat.mid"), kit)
    with pytest.raises(ContractError, match="expected 1 to 4, got 9"):
        PatternRequest("funk", given=given, remade=(8,))
    with pytest.raises(ContractError, match="expected 4/4"):
        PatternRequest("funk", meter=Meter(3, 4), given=given)
    with pytest.raises(ContractError, match="expected a beat"):
        PatternRequest("funk", remade=(1,))
    (tmp_path / "text.mid").write_text("no MIDI")
    with pytest.raises(MidiError, match="expected a MIDI file"):
        read_given(tmp_path / "text.mid", kit)
    with pytest.raises(MidiError, match="at most 64 bars"):
        read_given(write_beat(tmp_path / "long.mid", bars=66), kit)
    with pytest.raises(LiveEngineError, match="time signature"):
        read_given(write_beat(tmp_path / "odd.mid", meter=(13, 4)), kit)
