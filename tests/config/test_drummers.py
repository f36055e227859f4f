"""The file of the drummers."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveengine.config.drummers import load_drummers
from liveengine.errors import ConfigError
from liveengine.music.drums import Voice
from liveengine.music.style import DRUMMERS


def test_every_drummer_is_in_the_shipped_file_with_a_line_about_him() -> None:
    found = load_drummers()
    assert tuple(found) == DRUMMERS
    assert all(who.about and who.name == name for name, who in found.items())
    assert len({(who.energy, who.density, who.push_ms) for who in found.values()}) == len(DRUMMERS)
    assert found["drummer10"].energy > 0.3 > -0.3 > found["drummer5"].energy, "the hardest and the softest"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("drummer11: {about: x}", r"line 1, .*drummer11"),
        ("drummer1: {}", "about"),
        ("drummer1: {about: x, energy: 2}", r"line 1, field .*energy: expected -0.5 to 0.5, got 2"),
        ("drummer1: {about: x, energy: loud}", r"line 1, field .*energy"),
        ("drummer1: {about: x, push_ms: {gong: 1}}", r"line 1, .*gong"),
        ("drummer1: {about: x, tempo: 3}", r"line 1, .*tempo"),
    ],
)
def test_a_fault_is_told_with_line_and_field(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "drummers.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=fault):
        load_drummers(path)


def test_voices_that_are_not_named_are_not_pushed(tmp_path: Path) -> None:
    path = tmp_path / "drummers.yaml"
    path.write_text("drummer2: {about: late, push_ms: {snare: 4}}")
    pushes = load_drummers(path)["drummer2"].push_ms
    assert [voice for voice in Voice if pushes[voice]] == [Voice.SNARE]
