"""Lateness of all notes of a performance in fixed memory."""

from __future__ import annotations

import random

import pytest

from liveengine.recording.lateness import LatenessCount, lateness


def test_percentiles_agree_with_those_of_all_values_to_a_bin() -> None:
    rng = random.Random(3)
    values = [rng.expovariate(2.0) for _ in range(5000)]
    count = LatenessCount()
    for value in values:
        count.add(value)
    counted, exact = count.figures(), lateness(values)
    for name in ("p50", "p95", "p99"):
        assert getattr(counted, name) == pytest.approx(getattr(exact, name), abs=0.03)
    assert counted.most == max(values)


def test_nothing_yet_and_beyond_the_last_bin() -> None:
    count = LatenessCount()
    assert count.figures().most == 0.0
    count.add(250.0)
    assert count.figures().most == 250.0
    assert count.figures().p50 == pytest.approx(30.01)
