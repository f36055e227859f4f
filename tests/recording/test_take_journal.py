"""The journal of a take: a crash at any moment leaves all that was played, to the byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from liveengine.errors import ConfigError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.control import SetStyle
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.take_journal import journal_of, read_journal
from liveengine.recording.trace_writer import Trace
from tests.rig import Rig

MakeRig = Callable[..., Rig]


def played(make_rig: MakeRig, path: Path) -> PerformanceLog:
    """Play with a journal through changes of style and tempo, and flush it."""
    rig = make_rig()
    record = PerformanceLog(Trace(None), FOUR_FOUR, 10, journal=Trace(path))
    record.header({"version": "1.0", "style": "dü\u2028m", "channel": 10})
    rig.session.record = record
    rig.run(5.0)
    rig.session.post(SetStyle("jazz"))
    rig.timeline.set_tempo(97.3)
    rig.run(7.0)
    record.flush()
    return record


def test_what_was_played_is_there_to_the_byte(make_rig: MakeRig, tmp_path: Path) -> None:
    path = journal_of(tmp_path / "take.mid")
    record = played(make_rig, path)
    recovered = read_journal(path)
    assert record.notes > 15
    assert recovered.take().to_bytes() == record.tape.take().to_bytes()
    assert recovered.take(2).to_bytes() == record.tape.take(2).to_bytes()


def test_a_line_cut_off_by_the_crash_is_left_out(make_rig: MakeRig, tmp_path: Path) -> None:
    path = tmp_path / "take.mid.journal"
    record = played(make_rig, path)
    whole = path.read_bytes()
    for cut in (1, 7, len(whole) // 3, len(whole) // 2):
        path.write_bytes(whole[:-cut])
        notes = len(read_journal(path).take().notes)
        assert 0 < notes <= record.notes


def test_a_capture_on_another_thread_writes_nothing_into_it(make_rig: MakeRig, tmp_path: Path) -> None:
    path = tmp_path / "take.mid.journal"
    record = played(make_rig, path)
    before = path.read_bytes()
    record.tape.copy().mark(0.0, "elsewhere")
    record.flush()
    assert path.read_bytes() == before


HEAD = '{"type": "take", "meter": "4/4", "channel": 10}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "found no whole line"),
        ('{"type": "take", "meter": "4/4"', "found no whole line"),
        ('{"type": "header"}\n', "line 1: expected a line of a take's journal"),
        (HEAD + '{"type": "nonsense"}\n', "line 2: expected"),
        (HEAD + "[]\n", "line 2: expected"),
        (
            '{"type": "take", "meter": "4/4", "channel": 10}\n{"type": "note", "hit": {}}\n',
            "line 2: expected",
        ),
    ],
)
def test_another_file_is_refused_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "x.journal"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_journal(path)
