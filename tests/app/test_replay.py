"""Replay: every decode of a performance with changes in the middle of bars comes out again to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest

from liveengine.app.loading import PlayOptions, load_session
from liveengine.app.replay import Replay
from liveengine.clock.virtual import VirtualTimeline
from liveengine.config.settings import EngineSettings
from liveengine.engine.offline import VirtualPlayer
from liveengine.engine.session import Session
from liveengine.errors import CheckpointError, ConfigError, MidiError
from liveengine.generation.process_source import LocalBarSource
from liveengine.midi.memory import MemorySink
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import (
    Command,
    SetBlendStyle,
    SetKit,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import Voice
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

TURNS: dict[float, Command] = {
    3.3: DrawStroke(2, 3, Voice.LOW_TOM, 110, keep=True),
    3.4: DrawStroke(3, 4, Voice.SNARE, 0),
    3.5: DrawStroke(3, 10, Voice.KICK, 127),
    5.1: SetStyle("jazz"),
    9.3: SetValue("density", 0.9),
    14.7: TriggerAction("fill"),
    16.1: SetKit("Roland TD-11"),
    19.0: SetValue("swing_percent", 66.0),
    21.4: SetStyle("j_dilla"),
    22.0: SetToggle("half_time", True),
    24.2: TriggerAction("fill"),
    26.0: TriggerAction("break"),
    27.9: SetBlendStyle("jazz"),
    28.0: SetToggle("borrow_hat", True),
    28.1: SetValue("level_kick", 0.8),
    29.0: SetValue("swing_percent", 60.0),
    31.0: SetToggle("double_time", True),
    32.0: DrawStroke(16, 9, Voice.HIGH_TOM, 100),
    33.3: TriggerAction("lock_2"),
    36.0: DrawStroke(19, 2, Voice.MID_TOM, 90),
    41.0: TriggerAction("unlock"),
    41.5: SetToggle("double_time", False),
    41.7: SetKit("steven_slate_5"),
    42.0: SetValue("push_snare", 11.0),
    45.2: TriggerAction("undo"),
    47.0: EraseStroke(24, 3, Voice.LOW_TOM),
    51.3: SetKit("gmd"),
}
"""What is turned, and when, in seconds: most of it in the middle of a bar."""
JUMP_S = 50.0
"""When a peer forces the beat: within the bars of the capture."""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play a minute with the shipped drummer."""
    path = tmp_path_factory.mktemp("replay") / "t.jsonl"
    parts = load_session(PlayOptions(EngineSettings(style="funk", seed=5, switch="instant"), clock="virtual"))
    timeline = VirtualTimeline(118.0)
    written = Trace(path)
    record = PerformanceLog(written, FOUR_FOUR, parts.kit.channel)
    record.header(parts.header(0.0))
    player = VirtualPlayer(parts.core(), MemorySink(), timeline)
    session = Session(
        timeline=timeline,
        source=LocalBarSource(parts.checkpoint, "cpu", parts.packs),
        player=player,
        conductor=parts.conductor(0.0),
        record=record,
    )
    turns, jumps = sorted(TURNS.items()), [JUMP_S]
    while timeline.now_us() < 55e6:
        while turns and timeline.now_us() >= turns[0][0] * 1e6:
            session.post(turns.pop(0)[1])
        if jumps and timeline.now_us() >= jumps[0] * 1e6:
            jumps.pop()
            timeline.jump_to(timeline.state().beat_map.beat_at(timeline.now_us()) + 37.4)
        session.step(timeline.now_us())
        until = timeline.now_us() + 5000.0
        while (due := player.next_due_us()) is not None and due < until:
            timeline.advance_to(max(due, timeline.now_us()))
            player.play()
        timeline.advance_to(until)
    session.record.write_take(path.with_name("capture.mid"), last_bars=4)
    session.end()
    session.record.reports(player.reports())
    session.record.summary()
    session.record.write_take(path.with_suffix(".mid"))
    written.close()
    return path


def test_every_decode_comes_out_again(trace: Path) -> None:
    replayed = list(Replay(trace).decodes())
    assert len(replayed) > 30
    assert any(each.step for each in replayed)
    assert [each.decode_id for each in replayed if not each.same] == []


@pytest.mark.parametrize("name", ["t.jsonl", "t.mid", "capture.mid"])
def test_every_note_comes_out_again_from_its_decodes_and_its_feel(trace: Path, name: str) -> None:
    again = Replay(trace.with_name(name))
    assert all(each.same for each in again.decodes())
    notes = again.notes()
    assert len(notes) > (50 if name == "capture.mid" else 400)
    assert [each.line for each in notes if not each.same] == []
    assert {each.bar for each in again.notes(bar=notes[0].bar)} == {notes[0].bar}
    kits = {"steven_slate_5", "gmd"} if name == "capture.mid" else {"gm", "gmd", "steven_slate_5"}
    assert {each.line["kit"] for each in notes} == kits


@pytest.mark.parametrize("name", ["t.mid", "capture.mid"])
def test_a_take_written_again_is_the_same_to_the_byte(trace: Path, tmp_path: Path, name: str) -> None:
    assert Replay(trace.with_name(name)).write(tmp_path / "again.mid")
    with pytest.raises(ConfigError, match="expected a take or capture to write again"):
        Replay(trace).write(tmp_path / "again.mid")


def test_a_note_that_was_tampered_with_is_found(trace: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    notes = [line for line in lines if line["type"] == "note"]
    notes[40]["offset_ms"] += 0.5
    notes[50]["velocity"] -= 1
    groove = next(
        line for line in lines if line["type"] == "groove" and line["groove"] == notes[90]["groove"]
    )
    groove["hits"][0][3] -= 1
    changed = tmp_path / "changed.jsonl"
    changed.write_text("".join(json.dumps(line) + "\n" for line in lines))
    again = Replay(changed)
    assert all(each.same for each in again.decodes())
    differing = [each.line for each in again.notes() if not each.same]
    assert notes[40] in differing
    assert notes[50] in differing
    assert notes[90] in differing
    assert len(differing) < 60


def test_each_note_names_a_decode_that_the_trace_tells(trace: Path) -> None:
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    decoded = {line["decode_id"]: line for line in lines if line["type"] == "decode"}
    notes = [line for line in lines if line["type"] == "note"]
    named = [note for note in notes if note["decode_id"] in decoded]
    assert len(named) > 0.9 * len(notes)  # a landing after fill or break is struck before its bar is made
    assert not any(lines[-1]["dropped"].values())


def test_a_take_and_a_capture_carry_what_made_them(trace: Path) -> None:
    whole = list(Replay(trace.with_suffix(".mid")).decodes())
    assert len(whole) > 30
    assert all(each.same for each in whole)
    last = list(Replay(trace.with_name("capture.mid")).decodes())
    assert 1 <= len({each.bar for each in last}) <= 4
    assert all(each.same for each in last)
    capture = mido.MidiFile(trace.with_name("capture.mid"))
    ticks = sum(message.time for message in capture.tracks[1] if not message.is_meta)
    assert 3 * 4 * 960 < ticks <= 4 * 4 * 960 + 60
    assert any(message.type == "marker" for message in mido.MidiFile(trace.with_suffix(".mid")).tracks[0])


def test_a_midi_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    mido.MidiFile(tracks=[mido.MidiTrack([mido.MetaMessage("text", text="hello")])]).save(tmp_path / "x.mid")
    with pytest.raises(ConfigError, match="expected a take or capture of liveengine"):
        list(Replay(tmp_path / "x.mid").decodes())
    (tmp_path / "y.mid").write_bytes(b"no midi")
    with pytest.raises(MidiError, match="expected a MIDI file"):
        list(Replay(tmp_path / "y.mid").decodes())


def test_one_bar_by_its_number(trace: Path) -> None:
    assert {each.bar for each in Replay(trace).decodes(7)} == {7}
    with pytest.raises(ConfigError, match="expected bar 900"):
        list(Replay(trace).decodes(900))


def test_another_checkpoint_is_refused(trace: Path, small_checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="expected the checkpoint that played"):
        list(Replay(trace, checkpoint=small_checkpoint).decodes())
