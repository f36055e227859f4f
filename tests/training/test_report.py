"""The report: plots that are well-formed and show what is there, the page, and the command."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from liveengine.errors import CheckpointError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.reports.markup import element
from liveengine.training.history import HISTORY_FILE, Progress, append_history, keep_history, read_history
from liveengine.training.page import AIMS, Roll, Value, read_evaluation, report_page
from liveengine.training.plots import NOTE, STEP, histogram, piano_roll, shade, training_curves
from tests.commands import TOOLS, run_script

SVG = "{http://www.w3.org/2000/svg}"
HISTORY = [Progress(epoch, 9.0 - epoch, 8.0 - epoch + 0.4 * epoch**2 / 2, 10.0) for epoch in range(4)]
BAR = Bar(
    FOUR_FOUR,
    (
        Hit(0, Voice.KICK, 0, 120),
        Hit(4, Voice.SNARE, 3, 20),
        Hit(8, Voice.KICK, -6, 100),
        Hit(12, Voice.SNARE, 0, 90),
    ),
)


def test_text_is_escaped() -> None:
    assert element("text", "a < b & c", x=1, stroke_width=2.0) == (
        '<text x="1" stroke-width="2.00">a &lt; b &amp; c</text>'
    )


def test_the_curves_mark_the_best_epoch() -> None:
    drawn = ElementTree.fromstring(training_curves(HISTORY))
    lines = drawn.findall(f"{SVG}polyline")
    assert [len(line.attrib["points"].split()) for line in lines] == [4, 4]
    best = min(HISTORY, key=lambda each: each.validation_bits)
    assert f"best {best.validation_bits:.3f}" in [text.text for text in drawn.findall(f"{SVG}text")]
    ElementTree.fromstring(training_curves(HISTORY[:1]))


def test_a_histogram_shows_shares_of_both_sides() -> None:
    edges = np.array([0.0, 10.0, 20.0])
    real = (np.array([1.0, 2.0, 3.0, 15.0]), np.ones(4))
    made = (np.array([12.0, 99.0]), np.ones(2))
    drawn = ElementTree.fromstring(histogram("velocity", "", real, made, edges=edges))
    heights = [float(bar.attrib["height"]) for bar in drawn.findall(f"{SVG}rect")]
    assert heights[0] == pytest.approx(3 * heights[1], rel=1e-3)
    texts = [text.text for text in drawn.findall(f"{SVG}text")]
    assert "4 real, 2 generated" in texts


def test_a_note_begins_at_its_micro_timing_and_is_dark_when_loud() -> None:
    drawn = ElementTree.fromstring(piano_roll([BAR, BAR], 100.0))
    notes = [rect for rect in drawn.findall(f"{SVG}rect") if rect.attrib["width"] == f"{NOTE:.2f}"]
    assert len(notes) == 8
    begins = [float(note.attrib["x"]) for note in notes[:4]]
    steps = [(begin - begins[0]) / STEP for begin in begins]
    assert steps == pytest.approx([0, 4 + 3 / 12, 8 - 6 / 12, 12], abs=1e-3)
    assert [note.attrib["fill"] for note in notes[:2]] == [shade(120), shade(20)]
    assert shade(127) == "#0e2036"
    told = [title.text for note in notes for title in note.findall(f"{SVG}title")]
    # 3 ticks of 1/48 beat at 100 bpm are 37.5 ms.
    assert told[:3] == [
        "kick, velocity 120, on the sixteenth",
        "snare, velocity 20, 38 ms late",
        "kick, velocity 100, 75 ms early",
    ]


def test_bars_without_a_hit_are_drawn_too() -> None:
    ElementTree.fromstring(piano_roll([Bar(FOUR_FOUR, ())], 100.0))


def page_of(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))


def test_the_page_tells_aims_met_missed_and_not_measured() -> None:
    figures: dict[str, Value] = {
        "bits_per_note": 6.2,
        "w1_timing_ms": 9.5,
        "w1_timing_ms_real": 3.25,
        "name": "a <b>",
    }
    page = page_of(report_page("a model", figures))
    table = page.findall(".//table")[0]
    rows = {row[0].text: [cell.text for cell in row] for row in table.findall("tr")[1:]}
    assert len(rows) == len(AIMS)
    assert rows["bits per note"][1:] == ["6.200", None, "≤ 6.5, aiming at 6", "met"]
    assert rows["Wasserstein-1 of timing, ms"][1:] == ["9.500", "3.250", "≤ 8", "missed"]
    assert rows["share of sequences that decode"][4] == "not measured"
    assert "Training" not in [head.text for head in page.iter("h2")]


def test_the_whole_page_is_well_formed_and_loads_nothing() -> None:
    text = report_page(
        "a model",
        {"bits_per_note": 6.2},
        history=HISTORY,
        real=[(BAR, 100.0)],
        generated=[(BAR, 100.0)] * 2,
        rolls=[Roll("Funk & more", (BAR,) * 4, 95.0)],
    )
    page = page_of(text)
    assert [head.text for head in page.iter("h2")] == [
        "Scores",
        "Training",
        "Velocity and timing",
        "Piano-rolls",
        "All figures",
    ]
    # All voices, kick and snare have notes: a plot of velocity and of timing each, a curve, a roll.
    assert len(list(page.iter(f"{SVG}svg"))) == 8
    assert not any(tag in text for tag in ("<script", "<link", "<img", "src=", "href=", "url("))


def test_an_evaluation_is_flat(tmp_path: Path) -> None:
    path = tmp_path / "scores.json"
    path.write_text('{"bits_per_note": 6.2, "judge_strong_enough": true, "auc": null}')
    assert read_evaluation(path) == {"bits_per_note": 6.2, "judge_strong_enough": True}
    for content, complaint in (("[1]", "got list"), ("{", "got: "), ('{"a": {"b": 1}}', "none for a")):
        path.write_text(content)
        with pytest.raises(CheckpointError, match=complaint):
            read_evaluation(path)


def test_the_history_is_kept_up_to_where_training_goes_on(tmp_path: Path) -> None:
    for progress in HISTORY:
        append_history(tmp_path, progress)
    path = tmp_path / HISTORY_FILE
    assert read_history(path) == HISTORY
    keep_history(tmp_path, 2)
    assert read_history(path) == HISTORY[:2]
    path.write_text('{"epoch": 1}\n')
    with pytest.raises(CheckpointError, match="line 1: expected an epoch"):
        read_history(path)


def test_the_command_draws_styles_of_a_checkpoint(small_checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text(json.dumps({"bits_per_note": 7.0}))
    append_history(tmp_path, HISTORY[0])
    out = tmp_path / "pages" / "report.html"
    result = run_script(
        *(TOOLS / "report.py", tmp_path / "scores.json", "--out", out, "--styles", "funk"),
        *("--checkpoint", small_checkpoint, "--history", tmp_path / HISTORY_FILE),
    )
    assert result.returncode == 0, result.stderr
    page = page_of(out.read_text(encoding="utf-8"))
    assert len(list(page.iter(f"{SVG}svg"))) == 2
    assert [head.text for head in page.iter("h3")] == ["Funk, 103 bpm"]
