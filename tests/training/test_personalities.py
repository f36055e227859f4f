"""Measuring drummers beside each other."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from liveengine.config.drummers import load_drummers
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.training.corpus import Take
from liveengine.training.personalities import measure
from tools.measure_drummers import written


def take(drummer: str, velocity: int, *, late: int = 0, ghosts: int = 0, genre: str = "funk") -> Take:
    """One who strikes all so hard, his snare so many ticks late, with so many ghost notes."""
    hits = [Hit(step, Voice.CLOSED_HAT, 0, velocity) for step in range(0, 16, 2)]
    hits += [Hit(step, Voice.KICK, 0, velocity) for step in (0, 8)]
    hits += [Hit(step, Voice.SNARE, late, velocity) for step in (4, 12)]
    hits += [Hit(step, Voice.SNARE, 0, 20) for step in (3, 7, 11, 15)[:ghosts]]
    bar = Bar(FOUR_FOUR, tuple(sorted(hits)))
    return Take(f"{drummer}/1", drummer, genre, genre, 125.0, False, "train", (bar,) * 50)


SOFT, LOUD = take("drummer1", 60, ghosts=2), take("drummer2", 110, late=2)


def test_drummers_are_compared_with_the_others_of_their_genre() -> None:
    found = measure([LOUD, SOFT])
    assert list(found) == ["drummer1", "drummer2"]
    assert (found["drummer1"].energy, found["drummer2"].energy) == (-0.5, 0.5)
    assert (found["drummer1"].density, found["drummer2"].density) == (0.5, -0.5)
    assert found["drummer1"].ghosts_per_bar == 2
    late = 2 / 12 * 120
    assert found["drummer2"].push_ms["snare"] > found["drummer1"].push_ms["snare"]
    assert found["drummer2"].push_ms["snare"] == pytest.approx(late)
    assert found["drummer2"].push_ms["kick"] == 0
    assert found["drummer2"].bars == 50


def test_a_genre_that_nobody_else_plays_says_nothing_of_a_drummer() -> None:
    assert "drummer3" not in measure([SOFT, LOUD, take("drummer3", 100, genre="jazz")])


def test_what_is_measured_is_what_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "drummers.yaml"
    path.write_text(yaml.safe_dump({name: written(each) for name, each in measure([SOFT, LOUD]).items()}))
    who = load_drummers(path)["drummer2"]
    assert (who.energy, who.density, who.ghosts_per_bar) == (0.5, -0.5, -2)
    assert "much harder; much sparser; -2.0 ghost notes" in who.about
    assert who.push_ms[Voice.SNARE] == pytest.approx(20)
