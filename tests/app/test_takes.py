"""Takes: journaled while they are played, written in one place or another, recovered after a crash."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import pytest
from rich.console import Console

from liveengine.app.takes import journal_for, keep_take, recover
from liveengine.errors import ConfigError, MidiError
from liveengine.music.beats import FOUR_FOUR
from liveengine.playback.messages import PlannedHit
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace


class Said:
    """A console, and what was said on it."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self.console = Console(file=self._text, markup=False, soft_wrap=True)

    def __contains__(self, text: str) -> bool:
        return text in self._text.getvalue()


def play(record: PerformanceLog, beats: int = 4) -> None:
    record.tape.tempo(0.0, 0.0, 120.0)
    for beat in range(beats):
        record.tape.note(PlannedHit(beat, 0, beat * 4, float(beat), 0.0, 36, 100))
    record.flush()


def strokes(path: Path) -> int:
    return sum(message.type == "note_on" for message in mido.MidiFile(path))


@pytest.fixture(autouse=True)
def own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    return tmp_path / "own"


def test_a_crash_leaves_a_journal_that_is_told_of_and_recovered(tmp_path: Path) -> None:
    take, said = tmp_path / "take.mid", Said()
    with journal_for(take, said.console) as journal:
        play(PerformanceLog(Trace(None), FOUR_FOUR, 10, journal=journal))
    path = tmp_path / "take.mid.journal"
    assert not take.exists()
    with journal_for(take, said.console) as another:
        assert another is not None
        assert another.path == tmp_path / "take-2.mid.journal"
    assert f"recover {path} writes what was played of it" in said
    assert recover(path, None, said.console) == take
    assert strokes(take) == 4
    assert not path.exists()


def test_recovering_writes_over_nothing(tmp_path: Path) -> None:
    said = Said()
    (tmp_path / "take.mid").write_bytes(b"an older one")
    with journal_for(tmp_path / "take.mid", said.console) as journal:
        play(PerformanceLog(Trace(None), FOUR_FOUR, 10, journal=journal))
    path = tmp_path / "take.mid.journal"
    assert recover(path, None, said.console) == tmp_path / "take-2.mid"
    assert (tmp_path / "take.mid").read_bytes() == b"an older one"
    with pytest.raises(ConfigError, match="expected the journal of a take"):
        recover(path, None, said.console)
    (tmp_path / "x").write_text('{"type": "take", "meter": "4/4", "channel": 10}\n')
    with pytest.raises(ConfigError, match=r"expected a name that ends in \.journal"):
        recover(tmp_path / "x", None, said.console)


def test_a_take_that_is_written_leaves_no_journal_nor_half_a_file(tmp_path: Path) -> None:
    said = Said()
    with journal_for(tmp_path / "take.mid", said.console) as journal:
        record = PerformanceLog(Trace(None), FOUR_FOUR, 10, journal=journal)
        play(record)
        keep_take(record, tmp_path / "take.mid", journal, said.console)
    assert [each.name for each in tmp_path.iterdir()] == ["take.mid"]
    assert strokes(tmp_path / "take.mid") == 4


def test_where_the_first_place_refuses_it_a_second_is_named(tmp_path: Path, own_place: Path) -> None:
    said, record = Said(), PerformanceLog(Trace(None), FOUR_FOUR, 10)
    play(record)
    (tmp_path / "file").touch()
    keep_take(record, tmp_path / "file" / "take.mid", None, said.console)
    assert strokes(own_place / "takes" / "take.mid") == 4
    assert f"It is kept in another place: {own_place / 'takes' / 'take.mid'}" in said


def test_where_no_place_takes_it_the_journal_is_left(
    tmp_path: Path, own_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Said()
    take = tmp_path / "take.mid"
    with journal_for(take, said.console) as journal:
        record = PerformanceLog(Trace(None), FOUR_FOUR, 10, journal=journal)
        play(record)
        own_place.touch()
        monkeypatch.setattr("tempfile.tempdir", str(own_place))
        with pytest.raises(MidiError, match="expected a place to write"):
            keep_take(record, own_place / "take.mid", journal, said.console)
    assert recover(tmp_path / "take.mid.journal", None, said.console) == take


def test_a_take_that_could_not_be_written_is_told_before_anything_is_played(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ConfigError, match=r"--take .*: expected a place to write"),
        journal_for(tmp_path / "file" / "take.mid", Said().console),
    ):
        pass
