"""The pictures of the ready control maps: they are those of the files, and all is labelled."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from liveengine.config.control_maps import read_map_file
from liveengine.config.settings import load_styles
from tools import draw_maps
from tools.draw_maps import draw

SVG = "{http://www.w3.org/2000/svg}"
SHIPPED = sorted(draw_maps.MAPS.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_picture_in_the_repository_is_that_of_the_file(path: Path) -> None:
    drawn = (draw_maps.PICTURES / f"{path.stem}.svg").read_text(encoding="utf-8")
    assert drawn == draw(read_map_file(path, load_styles())), "run python tools/draw_maps.py"


def test_there_is_a_picture_for_each_map_and_no_other() -> None:
    assert [path.stem for path in sorted(draw_maps.PICTURES.glob("*.svg"))] == [path.stem for path in SHIPPED]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_everything_is_drawn_once_and_what_is_written_fits(path: Path) -> None:
    file = read_map_file(path)
    cells = list(ElementTree.fromstring(draw(file)).iter(f"{SVG}g"))
    numbers = [f"{part.kind} {each}" for row in file.layout for part in row for each in part.numbers]
    assert sorted(cell.get("data-number", "") for cell in cells) == sorted(
        each for each in numbers if not each.endswith("None")
    )
    for cell in cells:
        kind, _, number = cell.get("data-number", "").partition(" ")
        lines = [text.text or "" for text in cell.iter(f"{SVG}text")][2:]
        assert bool(lines) == bool(file.said[kind][int(number)])
        assert all(len(line) <= draw_maps.CHARACTERS for line in lines)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "title: Knobs & Pads\n"
        "controllers:\n  7: energy\n  8: none\n  64: {tap: fill, hold: {control: style, value: j_dilla}}\n"
        "layout:\n  - {knobs: [7, ~, 8], pedals: [{64: left foot}]}\n"
    )
    return path


def test_what_a_thing_is_and_does_can_be_read(mine: Path) -> None:
    picture = ElementTree.fromstring(draw(read_map_file(mine)))
    said = {
        cell.get("data-number"): (cell.get("class"), [text.text or "" for text in cell.iter(f"{SVG}text")])
        for cell in picture.iter(f"{SVG}g")
    }
    assert said["cc 7"] == ("knobs", ["7", "", "energy"])
    assert said["cc 8"] == ("knobs", ["8", ""])
    assert said["cc 64"] == ("pedals", ["64", "left foot", "tap: fill", "hold: style j", "dilla"])
    assert picture.findtext(f"{SVG}title", "").startswith("Knobs & Pads")


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["draw_maps.py", *arguments])
    return draw_maps.main()


def test_a_check_compares_and_writes_nothing(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "pictures"
    assert run(monkeypatch, str(mine), "--out", str(out), "--check") == 1
    assert "not the picture of mine.yaml" in capsys.readouterr().err
    assert not out.exists()
    assert run(monkeypatch, str(mine), "--out", str(out)) == 0
    assert run(monkeypatch, str(mine), "--out", str(out), "--check") == 0


def test_a_faulty_file_is_told(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine.write_text("layout:\n  - {knobs: [1]}\n")
    assert run(monkeypatch, str(mine), "--out", str(tmp_path)) == 1
    assert "line 2, field layout[0].knobs[0]" in capsys.readouterr().err
