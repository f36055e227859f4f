"""Player and drummer on one page: both on the same bar lines, whatever meters change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from liveengine.music.drums import GENERAL_MIDI_NOTES
from liveengine.recording.trace_reader import read_performance
from liveengine.reports.jam import DRUMMER, LEFT, PLAYER, RIGHT, WIDTH, jam_section

FEATURES = {"riff_bars": 1, "activity": 0.5, "loudness": 0.7}
KICK = 36


def bar(index: int, beat: float, **fields: Any) -> dict[str, Any]:
    return {
        "type": "bar",
        "bar": index,
        "beat": beat,
        "generated_ms": 9.0,
        "late": False,
        "fallback": False,
        **fields,
    }


def heard(index: int, *beats: float) -> dict[str, Any]:
    onsets = [[beat, 2, KICK, 110, "bass"] for beat in beats]
    return {"type": "heard", "bar": index, "onsets": onsets, "features": FEATURES, "reasons": []}


def played(index: int, beat: float) -> dict[str, Any]:
    return {
        "type": "note",
        "bar": index,
        "beat": beat,
        "note": KICK,
        "velocity": 90,
        "due_us": 1.0,
        "sent_us": 2.0,
    }


def marks(tmp_path: Path, *lines: dict[str, Any], meter: str = "4/4") -> dict[str, list[list[float]]]:
    """Return where strokes of both are, in pixels, row by row."""
    notes = list(GENERAL_MIDI_NOTES.values())
    header = {"type": "header", "version": "1", "meter": meter, "kit_notes": notes}
    trace = tmp_path / "trace.jsonl"
    trace.write_text("".join(json.dumps(line) + "\n" for line in (header, *lines)), encoding="utf-8")
    page = ElementTree.fromstring(f"<div>{''.join(jam_section(read_performance(trace)))}</div>")
    found: dict[str, list[list[float]]] = {PLAYER: [], DRUMMER: []}
    for row in page.iter("{http://www.w3.org/2000/svg}svg"):
        rects = list(row.iter("{http://www.w3.org/2000/svg}rect"))
        for colour, rows in found.items():
            rows.append([float(rect.attrib["x"]) for rect in rects if rect.attrib["fill"] == colour])
    return found


def test_both_strike_on_one_line_after_a_change_of_meter(tmp_path: Path) -> None:
    found = marks(
        tmp_path,
        heard(0, 0.0, 2.0),
        played(0, 4.0),
        bar(0, 4.0, meter="4/4"),
        heard(1, 3.5),
        played(1, 8.0),
        bar(1, 8.0, meter="7/8"),
        heard(2, 7.0, 8.0),
        played(2, 11.5),
        played(2, 12.5),
        bar(2, 11.5, meter="7/8"),
    )
    ((first, third, *later),) = found[PLAYER]
    ((struck_first, *struck_later),) = found[DRUMMER]
    assert (first, later) == (struck_first, struck_later)
    beat = (WIDTH - LEFT - RIGHT) / 16
    assert [first, third, *later] == pytest.approx(
        [LEFT + beats * beat for beats in (0, 2, 4, 7.5, 8.5)], abs=0.01
    )


def test_a_stroke_just_before_a_bar_line_is_of_the_bar_that_begins(tmp_path: Path) -> None:
    found = marks(tmp_path, heard(0, 3.9), played(1, 7.95), bar(0, 4.0), bar(1, 8.0))
    beat = (WIDTH - LEFT - RIGHT) / 16
    assert found[PLAYER] == [[pytest.approx(LEFT - 0.1 * beat, abs=0.01)]], "the page begins with its bar"
    assert found[DRUMMER] == [[pytest.approx(LEFT - 0.05 * beat, abs=0.01)]]


def test_a_trace_whose_bars_do_not_say_their_meter_is_read_in_that_of_its_header(tmp_path: Path) -> None:
    found = marks(tmp_path, heard(1, 3.0), played(1, 6.0), bar(0, 3.0), bar(1, 6.0), meter="3/4")
    assert found[PLAYER] == found[DRUMMER] == [[LEFT]]


def test_four_bars_are_a_row(tmp_path: Path) -> None:
    lines = [bar(index, 4.0 * index) for index in range(6)]
    found = marks(tmp_path, heard(4, 0.0, 16.0), *lines)
    assert found[PLAYER] == [[LEFT], [LEFT]]


def test_nobody_heard_is_no_section(tmp_path: Path) -> None:
    assert marks(tmp_path, played(0, 4.0), bar(0, 4.0)) == {PLAYER: [], DRUMMER: []}
