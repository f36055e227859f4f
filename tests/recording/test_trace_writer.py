"""The trace's file: one JSON object a line, there after a flush, and refused where it has no place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from liveengine.errors import ConfigError
from liveengine.recording import trace_writer
from liveengine.recording.trace_reader import read_performance
from liveengine.recording.trace_writer import Trace

NOTE = {"due_us": 86_400_000_123.25, "sent_us": 86_400_000_241.5, "note": 38}


def test_lines_are_there_after_a_flush_in_order_and_to_the_last_digit(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = Trace(path)
    trace.write("header", {"version": "1.0"})
    trace.write("note", NOTE)
    trace.flush()
    lines = path.read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"type": "header", "version": "1.0"},
        {"type": "note", **NOTE},
    ]
    assert lines[1].startswith('{"type": "note"')
    trace.write("note", {**NOTE, "note": 36})
    trace.close()
    assert [json.loads(line)["note"] for line in path.read_text().splitlines()[1:]] == [38, 36]


def test_the_report_reads_what_was_written_whatever_the_text(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = Trace(path)
    text = "Größe \u2028 “düm”\nzweite Zeile 🥁"
    trace.write("header", {"version": "1.0", "style": text})
    trace.write("note", NOTE)
    trace.close()
    performance = read_performance(path)
    assert performance.header["style"] == text
    assert performance.lateness() == [(0.0, 0.11825)]


def test_folders_are_made_and_an_older_trace_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "tuesday" / "late" / "trace.jsonl"
    for bars in (3, 1):
        trace = Trace(path)
        for bar in range(bars):
            trace.write("bar", {"bar": bar})
        trace.close()
    assert path.read_text() == '{"type": "bar", "bar": 0}\n'


def test_without_a_path_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trace = Trace(None)
    trace.write("note", NOTE)
    trace.flush()
    trace.close()
    assert list(tmp_path.iterdir()) == []


def test_after_closing_nothing_more_is_written(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    trace = Trace(path)
    trace.write("note", NOTE)
    trace.close()
    before = path.read_text()
    trace.write("note", NOTE)
    trace.flush()
    trace.close()
    assert path.read_text() == before == json.dumps({"type": "note", **NOTE}) + "\n"


@pytest.mark.parametrize("place", [".", "file/trace.jsonl"])
def test_a_place_that_cannot_be_written_is_refused_by_its_name(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="expected a place to write") as refused:
        Trace(tmp_path / place)
    assert str(refused.value).startswith(f"--trace {tmp_path / place}: ")


NEEDS_FULL_DEVICE = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@NEEDS_FULL_DEVICE
def test_a_full_disk_is_told_once_and_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_writer, "HELD_BYTES", 200_000)
    trace = Trace(Path("/dev/full"))
    for _ in range(2_000):  # more than is gathered
        trace.write("note", NOTE)
    trace.flush()
    fault = trace.fault()
    assert fault is not None
    assert fault.startswith("--trace /dev/full: expected to write on, got: ")
    trace.flush()
    assert trace.fault() is None
    for _ in range(2_000):
        trace.write("note", NOTE)
    assert (trace.fault() or "").endswith("nothing more goes there")
    trace.write("note", NOTE)
    trace.close()
    assert trace.fault() is None


def test_what_found_no_room_is_written_once_there_is_some_to_the_byte(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "trace.jsonl"
    trace = Trace(path, "--take")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        for note in range(60):
            trace.write("note", {"note": note})
            trace.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.stat().st_size == 1_000, "the part that has room, a line cut in two"
    assert "the rest waits for room" in (trace.fault() or "")
    trace.write("note", {"note": 60})
    trace.flush()
    assert trace.fault() == f"--take {path}: there is room again, and nothing is missing"
    assert [json.loads(line)["note"] for line in path.read_text().splitlines()] == list(range(61))
    trace.close()
    assert trace.fault() is None


@NEEDS_FULL_DEVICE
def test_a_disk_that_is_full_at_the_very_end_fails_nothing() -> None:
    trace = Trace(Path("/dev/full"))
    trace.write("note", NOTE)
    trace.close()
    assert trace.fault() == "--trace /dev/full: lines that found no room in the end: 1"
