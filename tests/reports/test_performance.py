"""The report of a performance: read back from a real trace, shown as a page, and faulty traces told."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from liveengine.errors import ConfigError
from liveengine.music.control import SetStyle
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.recording.trace_reader import read_performance
from liveengine.reports.performance import report_page
from tests.rig import Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def trace(make_rig: MakeRig) -> Path:
    """Return the trace of a performance with a tempo change, a style change, a late bar and a dropped hit."""
    rig = make_rig()
    rig.run(0.001)
    rig.record._trace.write("header", {"version": "0", "style": "rock", "seed": 7})
    rig.run(9.0)
    rig.session.post(SetStyle("jazz"))
    rig.timeline.set_tempo(90.0)
    rig.run(6.0)
    rig.source.stuck = True
    rig.run(12.0)
    rig.session.end()
    rig.record.summary()
    rig.record._trace.write(
        "dropped", {"bar": 1, "note": 36, "due_us": 9e6, "at_us": 9.1e6, "reason": "late"}
    )
    rig.record.flush()
    return rig.trace


def page_of(trace: Path) -> ElementTree.Element:
    page = report_page(read_performance(trace), "a performance")
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


def test_the_page_holds_every_figure_and_picture(trace: Path) -> None:
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    page = page_of(trace)
    cells = [cell.text for cell in page.iter("td")]
    figures = dict(zip(cells[::2], cells[1::2], strict=True))
    assert figures["notes"] == str(sum(line["type"] == "note" for line in lines))
    late_bars = sum(line["type"] == "bar" and line["late"] for line in lines)
    assert late_bars > 0
    assert figures["late bars"] == str(late_bars)
    assert figures["dropped hits"] == "1 (1 late)"
    assert figures["late by, most"] == "0.000 ms"
    titles = [
        each.findtext("{http://www.w3.org/2000/svg}title")
        for each in page.iter("{http://www.w3.org/2000/svg}svg")
    ]
    assert len(titles) == 4
    assert titles[-1] == "tempo from 90 to 120 bpm"
    assert "src=" not in ElementTree.tostring(page, "unicode")


def test_the_summary_agrees_with_the_lines(trace: Path) -> None:
    performance = read_performance(trace)
    summary = performance.of("summary")[0]
    assert summary["notes"] == len(performance.of("note"))
    assert summary["bars"] == len(performance.bars())
    assert not any(summary["dropped"].values())


def test_bars_are_placed_by_the_tempo_in_force(trace: Path) -> None:
    performance = read_performance(trace)
    seconds = [performance.bar_seconds(bar) for bar in performance.bars()]
    apart = [later - earlier for earlier, later in itertools.pairwise(seconds)]
    assert apart[0] == pytest.approx(2.0)
    assert apart[-1] == pytest.approx(4 * 60 / 90)


def test_a_last_line_cut_off_is_left_out_and_a_quiet_trace_has_a_page(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"type": "header", "version": "1"}\n{"type": "note", "due_')
    page = page_of(path)
    assert [each.text for each in page.iter("h2")] == ["Figures"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no header line"),
        ("no json\n", "line 1: expected a JSON object"),
        ('{"type": "header", "version": "1"}\n[1]\n', "line 2: expected an object with a type"),
        ('{"type": "header", "version": "1"}\n{"type": "note", "due_us": 1}\n', "line 2: .*sent_us"),
    ],
)
def test_what_is_no_trace_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        read_performance(path)


def test_a_trace_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a trace"):
        read_performance(tmp_path / "none.jsonl")


def test_a_jam_shows_player_and_drummer_and_what_moved_what(tmp_path: Path) -> None:
    features = {"riff_bars": 1, "activity": 0.5, "loudness": 0.7}
    heard = {
        "type": "heard",
        "bar": 0,
        "onsets": [[0.0, 2, 36, 110, "bass"], [1.5, 2, 36, 80, "bass"]],
        "features": features,
        "reasons": [["density", 0.1, "activity 0.50"]],
    }
    lines = [
        {"type": "header", "version": "1", "meter": "4/4", "kit_notes": list(GENERAL_MIDI_KIT.notes)},
        {"type": "tempo", "at_us": 0.0, "bpm": 120.0, "beat": 0.0},
        heard,
        {"type": "note", "bar": 0, "beat": 4.0, "note": 36, "velocity": 90, "due_us": 1.0, "sent_us": 2.0},
        {
            "type": "bar",
            "bar": 0,
            "beat": 4.0,
            "generated_ms": 9.0,
            "late": False,
            "fallback": False,
        },
    ]
    trace = tmp_path / "trace.jsonl"
    trace.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    page = report_page(read_performance(trace), "a jam")
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    pictures = root.iter("{http://www.w3.org/2000/svg}svg")
    (jam,) = [each for each in pictures if "player and drummer" in "".join(each.itertext())]
    marks = list(jam.iter("{http://www.w3.org/2000/svg}rect"))
    assert len(marks) == 3
    assert "density +0.10 (activity 0.50)" in page
    silent = [line for line in lines if line is not heard]
    trace.write_text("".join(json.dumps(line) + "\n" for line in silent), encoding="utf-8")
    assert "Player and drummer" not in report_page(read_performance(trace), "alone")
