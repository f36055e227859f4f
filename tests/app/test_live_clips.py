"""Files and Live's clips from the command line and from a session, against a stand-in that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import mido
import pytest
from typer.testing import CliRunner

from liveengine.app.cli.main import app
from liveengine.app.live_clips import (
    LiveAddress,
    as_file,
    as_folder,
    place_of,
)
from liveengine.app.live_following import start_following_live
from liveengine.config.settings import EngineSettings
from liveengine.engine.session import SessionStore
from liveengine.errors import ConfigError, LiveSilentError, UnknownNameError
from liveengine.music.control import TriggerAction
from tests.ableton.running import running_live
from tests.ableton.stand_in import ClipOfSet, LiveSet, NoteOfClip
from tests.rig import Rig
from tests.waiting import PATIENCE_S

CALL = CliRunner()


@pytest.fixture
def live_set() -> LiveSet:
    live_set = LiveSet([""] * 3)
    live_set.signature_numerator, live_set.tempo = 4, 93.0
    live_set.add_track(-1, "Beats")
    first, _, third = live_set.tracks[0].slots
    beat = [(36, 0.0), (38, 1.0), (36, 2.25), (38, 3.0), (42, 3.5)]
    first.clip = ClipOfSet(4.0, "a/b", notes=[NoteOfClip(pitch, at, 0.25, 100) for pitch, at in beat])
    third.clip = ClipOfSet(8.0, "c", notes=[NoteOfClip(36, 5.0, 0.25, 64)])
    return live_set


@pytest.fixture
def live(live_set: LiveSet) -> Iterator[LiveAddress]:
    with running_live(live_set) as address:
        yield address


def options(address: LiveAddress) -> list[str]:
    return ["--live-port", str(address.port), "--live-reply-port", str(address.reply_port)]


def generate(*arguments: str) -> str:
    result = CALL.invoke(app, ["generate", "--style", "funk", "--seed", "5", "--device", "cpu", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def struck(path: Path) -> list[tuple[int, int, int]]:
    now, notes = 0, []
    for message in mido.MidiFile(path).tracks[1]:
        now += message.time
        if message.type == "note_on":
            notes.append((now, message.note, message.velocity))
    return sorted(notes)


def in_clip(clip: ClipOfSet | None) -> list[tuple[int, int, int]]:
    assert clip is not None
    return sorted((round(note.start * 960), note.pitch, round(note.velocity)) for note in clip.notes)


def test_patterns_go_into_a_track(
    small_checkpoint: Path, tmp_path: Path, live: LiveAddress, live_set: LiveSet
) -> None:
    told = generate(
        *("--checkpoint", str(small_checkpoint), "--bars", "2", "--count", "2"),
        *("--output", str(tmp_path / "beat.mid"), "--to-live", "New Drums", *options(live)),
    )
    assert "in Live: New Drums, slot 1" in told
    beats, drums = live_set.tracks
    assert (beats.name, drums.name) == ("Beats", "New Drums")
    for slot, number in zip(drums.slots, (1, 2), strict=False):
        assert slot.clip is not None
        assert (slot.clip.name, slot.clip.length) == (f"beat-000{number}", 8.0)
        assert in_clip(slot.clip) == struck(tmp_path / f"beat-000{number}.mid")
    assert [bool(slot.clip) for slot in beats.slots] == [True, False, True]


def test_a_clip_is_gone_on_from(
    small_checkpoint: Path, tmp_path: Path, live: LiveAddress, live_set: LiveSet
) -> None:
    output = tmp_path / "on.mid"
    generate(
        *("--checkpoint", str(small_checkpoint), "--bars", "1", "--output", str(output)),
        *("--input", "live:Beats/1", *options(live)),
    )
    first_bar = [note for note in struck(output) if note[0] < 4 * 960]
    assert first_bar == in_clip(live_set.tracks[0].slots[0].clip)
    assert len(struck(output)) > len(first_bar)
    tempo = next(message.tempo for message in mido.MidiFile(output).tracks[0] if message.type == "set_tempo")
    assert mido.tempo2bpm(tempo) == pytest.approx(93, abs=0.01)


def test_all_clips_of_a_track_are_files_to_learn_from(live: LiveAddress) -> None:
    with as_folder("live:Beats", live) as folder:
        files = sorted(folder.iterdir())
        assert [path.name for path in files] == ["001 a_b.mid", "002 c.mid"]
        assert struck(files[1]) == [(5 * 960, 36, 64)]
    assert not folder.exists()


def test_what_is_not_there_is_said(live: LiveAddress, live_set: LiveSet) -> None:
    live_set.add_track(-1, "Empty")
    with pytest.raises(UnknownNameError, match="has none"), as_folder("live:Empty", live):
        pass
    with pytest.raises(UnknownNameError, match="expected one of 1, 3"), as_file("live:Beats/2", live):
        pass
    for faulty in ("live:Beats", "live:/2", "live:Beats/two"):
        with pytest.raises(ConfigError, match="live:TRACK/SLOT"):
            place_of(faulty)
    assert place_of("live:A/B/12").track == "A/B"


def test_without_live_the_cure_is_said() -> None:
    nobody = LiveAddress("127.0.0.1", 9, 0)
    with pytest.raises(LiveSilentError, match="control surface"), as_file("live:Beats/1", nobody):
        pass


def settings(address: LiveAddress) -> EngineSettings:
    return EngineSettings(
        live=False, live_clips="Beats", live_port=address.port, live_reply_port=address.reply_port
    )


def capturing(make_rig: Callable[..., Rig], folder: Path) -> Rig:
    store = SessionStore()
    store.captures = folder
    rig = make_rig(store=store)
    rig.run(12.0)
    return rig


async def seen(rig: Rig, wanted: Callable[[], bool]) -> None:
    """Let the loop run until something holds, the session stepping on."""
    async with asyncio.timeout(PATIENCE_S / 4):
        while not wanted():
            rig.run(0.01)
            await asyncio.sleep(0.02)


def test_a_capture_of_a_session_is_a_clip_too(
    make_rig: Callable[..., Rig], tmp_path: Path, live: LiveAddress, live_set: LiveSet
) -> None:
    rig = capturing(make_rig, tmp_path)

    async def keep() -> None:
        async with start_following_live(settings(live), rig.session):
            await seen(rig, lambda: rig.record.notice.endswith("answers"))
            for action in ("capture_4", "capture_1"):
                rig.session.post(TriggerAction(action))
                rig.run(0.05)
            await seen(rig, lambda: rig.record.notice == "kept in Live: Beats, slot 4")

    asyncio.run(keep())
    (four, _), (one, _) = rig.record.captures
    slots = [slot.clip for slot in live_set.tracks[0].slots]
    assert [clip.name if clip else None for clip in slots] == ["a/b", four.stem, "c", one.stem]
    assert in_clip(slots[1]) == struck(four)
    assert in_clip(slots[3]) == struck(one)
    assert [clip.length for clip in slots if clip] == [4.0, 16.0, 8.0, 4.0]


def test_a_session_plays_on_without_live(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = capturing(make_rig, tmp_path)

    async def keep() -> None:
        async with start_following_live(settings(LiveAddress("127.0.0.1", 9, 0)), rig.session):
            await seen(rig, lambda: rig.record.notice.startswith("Live does not answer"))
            rig.session.post(TriggerAction("capture_1"))
            rig.run(0.05)
            await seen(rig, lambda: rig.record.notice.startswith("not kept in Live: "))

    asyncio.run(keep())
    assert len(list(tmp_path.glob("*.mid"))) == 1
    assert rig.record.notes > 10
