"""Replay: every decode of a performance with changes in the middle of bars comes out again to the byte."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import pytest

from liveengine.bootstrap import PlayOptions, gather
from liveengine.clock.virtual import VirtualTimeline
from liveengine.engine.offline import VirtualPlayer
from liveengine.engine.record import Record
from liveengine.engine.session import Session
from liveengine.engine.trace import Trace
from liveengine.errors import CheckpointError, ConfigError, MidiError
from liveengine.generation.client import LocalBarSource
from liveengine.midi.memory import MemorySink
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import Command, Do, SetLevel, SetStyle
from liveengine.replay import replay
from liveengine.settings import EngineSettings

TURNS: dict[float, Command] = {
    5.1: SetStyle("jazz"),
    9.3: SetLevel("density", 0.9),
    14.7: Do("fill"),
    19.0: SetLevel("swing_percent", 66.0),
    21.4: SetStyle("j_dilla"),
    26.0: Do("break"),
    33.3: Do("lock_2"),
    41.0: Do("unlock"),
    45.2: Do("undo"),
}
"""What is turned, and when, in seconds: most of it in the middle of a bar."""


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Play a minute with the shipped drummer."""
    path = tmp_path_factory.mktemp("replay") / "t.jsonl"
    parts = gather(PlayOptions(EngineSettings(style="funk", seed=5, switch="instant"), clock="virtual"))
    timeline = VirtualTimeline(118.0)
    written = Trace(path)
    written.write("header", parts.header(0.0))
    record = Record(written, FOUR_FOUR, parts.kit.channel)
    record.tape.header(parts.header(0.0))
    player = VirtualPlayer(parts.core(), MemorySink(), timeline)
    session = Session(
        timeline=timeline,
        source=LocalBarSource(parts.checkpoint, "cpu", parts.packs),
        player=player,
        conductor=parts.conductor(0.0),
        record=record,
    )
    turns = sorted(TURNS.items())
    while timeline.now_us() < 55e6:
        while turns and timeline.now_us() >= turns[0][0] * 1e6:
            session.post(turns.pop(0)[1])
        session.step(timeline.now_us())
        until = timeline.now_us() + 5000.0
        while (due := player.next_due_us()) is not None and due < until:
            timeline.advance_to(max(due, timeline.now_us()))
            player.play()
        timeline.advance_to(until)
    session.record.write_take(path.with_suffix(".mid"))
    session.record.write_take(path.with_name("capture.mid"), last_bars=4)
    session.end()
    session.record.reports(player.reports())
    session.record.summary()
    written.close()
    return path


def test_every_decode_comes_out_again(trace: Path) -> None:
    replayed = list(replay(trace))
    assert len(replayed) > 30
    assert any(each.step for each in replayed)
    assert [each.decode_id for each in replayed if not each.same] == []


def test_each_note_names_a_decode_that_the_trace_tells(trace: Path) -> None:
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    decoded = {line["decode_id"]: line for line in lines if line["type"] == "decode"}
    notes = [line for line in lines if line["type"] == "note"]
    named = [note for note in notes if note["decode_id"] in decoded]
    assert len(named) > 0.9 * len(notes)  # a landing after fill or break is struck before its bar is made
    assert lines[-1]["dropped"] == {"late": 0, "tempo": 0, "plan": 0, "lost": 0}


def test_a_take_and_a_capture_carry_what_made_them(trace: Path) -> None:
    whole = list(replay(trace.with_suffix(".mid")))
    assert len(whole) > 30
    assert all(each.same for each in whole)
    last = list(replay(trace.with_name("capture.mid")))
    assert 1 <= len({each.bar for each in last}) <= 4
    assert all(each.same for each in last)
    capture = mido.MidiFile(trace.with_name("capture.mid"))
    ticks = sum(message.time for message in capture.tracks[1] if not message.is_meta)
    assert 3 * 4 * 960 < ticks <= 4 * 4 * 960 + 60
    assert any(message.type == "marker" for message in mido.MidiFile(trace.with_suffix(".mid")).tracks[0])


def test_a_midi_file_of_somebody_else_is_told(tmp_path: Path) -> None:
    mido.MidiFile(tracks=[mido.MidiTrack([mido.MetaMessage("text", text="hello")])]).save(tmp_path / "x.mid")
    with pytest.raises(ConfigError, match="expected a take or capture of liveengine"):
        list(replay(tmp_path / "x.mid"))
    (tmp_path / "y.mid").write_bytes(b"no midi")
    with pytest.raises(MidiError, match="expected a MIDI file"):
        list(replay(tmp_path / "y.mid"))


def test_one_bar_by_its_number(trace: Path) -> None:
    assert {each.bar for each in replay(trace, bar=7)} == {7}
    with pytest.raises(ConfigError, match="expected bar 900"):
        list(replay(trace, bar=900))


def test_another_checkpoint_is_refused(trace: Path, small_checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match="expected the checkpoint that played"):
        list(replay(trace, checkpoint=small_checkpoint))
