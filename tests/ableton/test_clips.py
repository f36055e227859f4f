"""Clips against the stand-in: written and read to the tick, and nothing is written over."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import pytest

from liveengine.ableton.client import LiveClient, LiveEvents
from liveengine.ableton.clip_files import clip_of_file, file_of_clip
from liveengine.ableton.clips import CHUNK, Clip, ClipNote, ClipPlace, LiveClips, spans
from liveengine.config.kits import load_kit
from liveengine.errors import ContractError, LiveSilentError, MidiError, UnknownNameError
from liveengine.midi.file import TakeNote, TakeTempo, take_bytes
from liveengine.music.beats import Meter
from liveengine.music.drums import PITCH_TO_VOICE
from liveengine.patterns.seed_beat import read_given
from tests.ableton.stand_in import ClipOfSet, Faults, LiveSet, NoteOfClip, SlotOfSet, StandIn
from tests.ableton.virtual_loop import run_virtually

FOUR = Meter(4, 4)
DRUMS = sorted(PITCH_TO_VOICE)
Notes = list[tuple[int, int, int, int]]
"""Tick, pitch, length in ticks, velocity."""
Talk = Callable[[LiveClips, StandIn], Coroutine[Any, Any, None]]


def talk(conversation: Talk, live_set: LiveSet, faults: Faults | None = None) -> None:
    async def run() -> None:
        stand_in, live = StandIn(live_set), LiveClient(LiveEvents())
        port = await stand_in.open(9)
        stand_in.reply_port = await live.open(port=port, reply_port=0)
        stand_in.faults = faults or Faults()
        try:
            await conversation(LiveClips(live, random.Random(7)), stand_in)
        finally:
            await live.close()
            await stand_in.close()

    run_virtually(run())


def in_live(clip: ClipOfSet | None) -> Notes:
    assert clip is not None
    return sorted(
        (round(note.start * 960), note.pitch, round(note.duration * 960), round(note.velocity))
        for note in clip.notes
    )


def in_file(content: bytes, beats: int) -> Notes:
    """Return the notes of a file as mido reads them, and none beyond its bars."""
    now, struck, notes = 0, {}, []
    for message in mido.MidiFile(file=io.BytesIO(content)).tracks[1]:
        now += message.time
        if message.type == "note_on":
            struck[message.note] = (now, message.velocity)
        elif message.type == "note_off":
            begun, velocity = struck.pop(message.note)
            notes.append((begun, message.note, min(now, beats * 960) - begun, velocity))
    return sorted(notes)


def capture(seed: int) -> tuple[bytes, int]:
    """Return the file of a random capture, flams and rolls among its strokes, and how many bars it has."""
    dice = random.Random(seed)
    bars = dice.choice([1, 2, 4, 16])
    beats = 4 * bars
    notes = [
        TakeNote(
            dice.random() * (beats - 0.1),
            dice.choice(DRUMS),
            dice.randint(1, 127),
            dice.choice([None, 0.01, 0.5, 3.0]),
        )
        for _ in range(dice.randint(0, 30 * beats // 4))
    ]
    content = take_bytes(
        notes=notes,
        tempos=[TakeTempo(0.0, 93.0)],
        markers=[],
        meters=[(0.0, FOUR)],
        channel=10,
        length_beats=beats,
    )
    return content, bars


def with_a_track(name: str = "Drums", slots: int = 2) -> LiveSet:
    live_set = LiveSet([""] * slots)
    live_set.add_track(-1, name)
    return live_set


@pytest.mark.parametrize("part", range(4))
def test_two_hundred_captures_are_in_live_to_the_tick(part: int) -> None:
    live_set = with_a_track(slots=50)

    async def keep(clips: LiveClips, _: StandIn) -> None:
        for number in range(50):
            content, bars = capture(part * 50 + number)
            place = await clips.write("Drums", clip_of_file(content, f"take {number}", bars))
            assert place == ClipPlace("Drums", number + 1)
            clip = live_set.tracks[0].slots[number].clip
            assert clip is not None
            assert in_live(clip) == in_file(content, 4 * bars)
            assert (clip.name, clip.length, clip.looping) == (f"take {number}", 4 * bars, True)
            assert clip.end_marker == clip.loop_end == 4 * bars
            assert clip.color

    talk(keep, live_set)


@pytest.mark.parametrize("part", range(4))
def test_two_hundred_clips_are_a_seed_to_the_tick(part: int, tmp_path: Path) -> None:
    dice = random.Random(part)
    live_set = with_a_track(slots=50)
    for slot in live_set.tracks[0].slots:
        slot.clip = ClipOfSet(dice.choice([4.0, 8.0, 16.0]))
        start = slot.clip.loop_start = dice.choice([0.0, 0.0, 4.0, -4.0])
        slot.clip.loop_end += start
        ticks = dice.sample(range(round(slot.clip.length * 960) - 10), dice.randint(2, 60))
        for tick in ticks:
            pitch = dice.choice((36, 38, 42))
            slot.clip.notes.append(NoteOfClip(pitch, start + tick / 960, 1 / 960, dice.randint(1, 127)))
        slot.clip.notes.append(NoteOfClip(36, start + slot.clip.length + 1, 0.25, 100))  # beyond the loop

    async def read(clips: LiveClips, _: StandIn) -> None:
        for number, slot in enumerate(live_set.tracks[0].slots, 1):
            clip = await clips.read("drums ", number)
            path = tmp_path / f"{number}.mid"
            path.write_bytes(file_of_clip(clip, FOUR, 93.0))
            given = read_given(path, load_kit("gm"))
            read = sorted(
                (round(note.beat * 960), note.note, round((note.length_beats or 0) * 960), note.velocity)
                for note in given.notes
            )
            assert slot.clip is not None
            start = round(slot.clip.loop_start * 960)
            wanted = [(tick - start, *rest) for tick, *rest in in_live(slot.clip)[:-1]]
            assert read == wanted
            assert len(given.bars) - slot.clip.length / 4 in (0, 1)  # a late stroke begins a bar of its own
            assert given.bpm == pytest.approx(93, abs=0.01)

    talk(read, live_set)


def many(count: int) -> Clip:
    """Return a clip of so many notes, four at a time."""
    ticks = [index // 4 * 24 for index in range(count)]
    notes = tuple(ClipNote(36 + index % 4, tick, 12, 1 + index % 127) for index, tick in enumerate(ticks))
    return Clip("many", (ticks[-1] + 24) / 960, notes)


def test_ten_thousand_notes_are_all_there_once() -> None:
    live_set, clip = with_a_track(), many(10_000)

    async def keep(clips: LiveClips, stand_in: StandIn) -> None:
        await clips.write("Drums", clip)
        kept = live_set.tracks[0].slots[0].clip
        assert in_live(kept) == sorted((n.tick, n.pitch, n.length_ticks, n.velocity) for n in clip.notes)
        told = [message for message in stand_in.asked if message[0] == "/live/clip/add/notes"]
        assert len(told) >= 10_000 / CHUNK
        read = await clips.read("Drums", 1)
        assert sorted(read.notes, key=repr) == sorted(clip.notes, key=repr)

    talk(keep, live_set, Faults(lost=0.05, doubled=0.05, jitter_s=0.3))


def test_a_stroke_after_the_last_bar_line_is_in_the_first_bar_of_the_loop() -> None:
    content = take_bytes(
        notes=[TakeNote(3.5, 38, 90), TakeNote(3.51, 36, 80), TakeNote(0.5, 36, 100, 1.0)],
        tempos=[TakeTempo(0.0, 120)],
        markers=[],
        meters=[(0.0, Meter(7, 8))],
        channel=10,
    )
    clip = clip_of_file(content, "late", 1)
    assert clip.length_beats == 3.5
    assert {(note.pitch, note.tick, note.length_ticks) for note in clip.notes} == {
        *((38, 0, 60), (36, 10, 60), (36, 480, 960))
    }


def test_late_answers_change_nothing() -> None:
    live_set, (content, bars) = with_a_track(), capture(3)

    async def keep(clips: LiveClips, _: StandIn) -> None:
        await clips.write("Drums", clip_of_file(content, "late", bars))
        assert in_live(live_set.tracks[0].slots[0].clip) == in_file(content, 4 * bars)
        assert live_set.tracks[0].slots[1].clip is None

    talk(keep, live_set, Faults(late_s=2.0))


def test_a_slot_that_is_taken_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    live_set, (content, bars) = with_a_track(slots=3), capture(4)
    theirs = ClipOfSet(16.0, "theirs", notes=[NoteOfClip(60, 0.0, 1.0, 100)])
    create = SlotOfSet.create_clip

    def taken_first(slot: SlotOfSet, length: float) -> None:
        if live_set.tracks[0].slots[0].clip is None:
            live_set.tracks[0].slots[0].clip = theirs
        create(slot, length)

    monkeypatch.setattr(SlotOfSet, "create_clip", taken_first)

    async def keep(clips: LiveClips, _: StandIn) -> None:
        place = await clips.write("Drums", clip_of_file(content, "ours", bars))
        assert place.slot == 2
        assert live_set.tracks[0].slots[0].clip is theirs
        assert (theirs.name, theirs.length, len(theirs.notes)) == ("theirs", 16.0, 1)
        assert in_live(live_set.tracks[0].slots[1].clip) == in_file(content, 4 * bars)

    talk(keep, live_set)


def test_a_track_that_moves_meanwhile_is_found_again() -> None:
    live_set, clip = with_a_track(), many(2000)

    async def keep(clips: LiveClips, stand_in: StandIn) -> None:
        added = stand_in._add_notes

        def moved(clip: ClipOfSet, params: list[Any]) -> None:
            added(clip, params)
            if len(live_set.tracks) < 3:
                live_set.add_track(0, "New")
                live_set.tracks[0].slots[0].create_clip(4.0)

        stand_in._add_notes = moved  # type: ignore[method-assign]
        await clips.write("Drums", clip)
        *new, drums = live_set.tracks
        assert drums.name == "Drums"
        assert len(in_live(drums.slots[0].clip)) == 2000
        assert all(not track.slots[0].clip.notes for track in new if track.slots[0].clip)

    talk(keep, live_set)


def test_tracks_and_scenes_are_made_where_there_are_none() -> None:
    live_set = LiveSet([""])
    live_set.add_track(-1, "Drums", midi=False)  # audio, of the same name

    async def keep(clips: LiveClips, _: StandIn) -> None:
        first = await clips.write("Drums", clip_of_file(capture(5)[0], "one", 1))
        second = await clips.write("Drums", clip_of_file(capture(6)[0], "two", 2))
        assert (first.slot, second.slot, len(live_set.tracks), len(live_set.scenes)) == (1, 2, 2, 2)
        assert [slot.clip.name for slot in live_set.tracks[1].slots if slot.clip] == ["one", "two"]
        assert all(slot.clip is None for slot in live_set.tracks[0].slots)

    talk(keep, live_set)


def test_all_clips_of_a_track_are_read() -> None:
    live_set = with_a_track(slots=4)
    slots = live_set.tracks[0].slots
    slots[1].clip = ClipOfSet(
        4.0, "a", notes=[NoteOfClip(36, 0.5, 0.25, 99.6), NoteOfClip(38, 1, 1, 50, True)]
    )
    slots[3].clip = ClipOfSet(8.0, "b", looping=False, start_marker=4.0)
    slots[3].clip.notes = [NoteOfClip(36, 1.0, 0.25, 90), NoteOfClip(42, 5.0, 0.25, 90)]

    async def read(clips: LiveClips, _: StandIn) -> None:
        first, second = await clips.read_all("Drums")
        assert (first.name, first.length_beats) == ("a", 4.0)
        assert first.notes == (ClipNote(36, 480, 240, 100), ClipNote(38, 960, 960, 50, True))
        assert (second.length_beats, second.notes) == (4.0, (ClipNote(42, 960, 240, 90),))
        assert len(in_file(file_of_clip(first, FOUR, 120), 4)) == 1  # the muted one is left out

    talk(read, live_set)


def test_what_is_not_there_is_named() -> None:
    live_set = with_a_track()
    live_set.tracks[0].slots[1].create_clip(4.0)

    async def read(clips: LiveClips, _: StandIn) -> None:
        with pytest.raises(UnknownNameError, match=r"'Bass'.*: Drums"):
            await clips.read("Bass", 1)
        with pytest.raises(UnknownNameError, match="Drums/1: expected one of 2"):
            await clips.read("Drums", 1)

    talk(read, live_set)


def test_a_live_that_has_gone_is_an_error() -> None:
    async def keep(clips: LiveClips, stand_in: StandIn) -> None:
        await stand_in.close()
        with pytest.raises(LiveSilentError):
            await clips.write("Drums", clip_of_file(capture(1)[0], "x", 1))

    talk(keep, with_a_track())


def test_a_clip_holds_its_notes_and_files_are_of_960_ticks() -> None:
    with pytest.raises(ContractError, match="within it"):
        Clip("x", 1.0, (ClipNote(36, 960, 1, 100),))
    with pytest.raises(ContractError, match="length"):
        Clip("x", 0.0, ())
    with pytest.raises(MidiError, match="a MIDI file"):
        clip_of_file(b"no", "x", 1)
    other = io.BytesIO()
    mido.MidiFile(ticks_per_beat=480).save(file=other)
    with pytest.raises(MidiError, match="got 480"):
        clip_of_file(other.getvalue(), "x", 1)


def test_parts_of_a_clip_hold_what_a_datagram_does() -> None:
    clip = many(2000)
    parts = list(spans(clip))
    assert parts[0][0] == 0
    assert parts[-1][1] == clip.length_beats
    assert all(end == begin for (_, end), (begin, _) in pairwise(parts))
    for begin, end in parts:
        assert sum(begin <= note.tick / 960 < end for note in clip.notes) <= CHUNK + 4
