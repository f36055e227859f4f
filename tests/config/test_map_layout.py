"""The layout of a controller in a control map."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from liveengine.config.control_maps import read_map_file
from liveengine.config.map_layout import Layout, Part, written_layout
from liveengine.errors import ConfigError

BOUND = "controllers: {7: energy, 8: none}\nnotes: {7: fill}\n"


def read(tmp_path: Path, layout: str) -> Layout:
    path = tmp_path / "mine.yaml"
    path.write_text(f"{BOUND}layout:\n{layout}")
    return read_map_file(path).layout


def test_rows_have_parts_with_numbers_gaps_and_captions(tmp_path: Path) -> None:
    layout = read(tmp_path, "  - {knobs: [7, ~], pads: [{7: pad A}]}\n  - {faders: [8]}\n")
    first = (Part("knobs", (7, None), ("", "")), Part("pads", (7,), ("pad A",)))
    assert layout == (first, (Part("faders", (8,), ("",)),))
    written = yaml.safe_dump(written_layout(layout))
    assert read(tmp_path, "".join(f"  {line}\n" for line in written.splitlines())) == layout


@pytest.mark.parametrize(
    ("layout", "told"),
    [
        ("  - {knobs: [9]}\n", r"line 4, field layout\[0\].knobs\[0\]: .*`controllers` says .*got '9'"),
        ("  - {knobs: [7]}\n  - {pads: [8]}\n", r"line 5, field layout\[1\].pads\[0\]: .*`notes` says"),
        ("  - {knobs: [7, 7]}\n", r"field layout\[0\].knobs\[1\]: expected each number once, got 7 again"),
        ("  - {wheels: [7]}\n", r"field layout\[0\].wheels: expected a known field: .*pads"),
        ("  - [7]\n", r"field layout\[0\]: expected fields, got a list"),
        ("  - {knobs: 7}\n", r"field layout\[0\].knobs: expected a list of numbers"),
        ("  - {knobs: [seven]}\n", r"field layout\[0\].knobs\[0\]: expected a whole number from 0 to 127"),
        ("  - {knobs: [{7: x, 8: y}]}\n", r"field layout\[0\].knobs\[0\]: expected a whole number"),
    ],
)
def test_a_fault_is_told_by_line_and_field(tmp_path: Path, layout: str, told: str) -> None:
    with pytest.raises(ConfigError, match=rf"mine\.yaml, {told}" if told.startswith("line") else told):
        read(tmp_path, layout)
