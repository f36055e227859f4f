"""The commit time: what rests of bars have taken, within limits, and not what one stall took."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from liveengine.planning.commit_window import (
    AT_FIRST_MS,
    LEAST_MS,
    MARGIN_MS,
    MOST_MS,
    OUTLIER_MS,
    OUTLIER_SHARE,
    WAITS_KEPT,
    CommitTime,
)


def after(waits_ms: list[float]) -> float:
    commit = CommitTime()
    for wait_ms in waits_ms:
        commit.add(wait_ms)
    return commit.ms


def test_before_anything_was_measured_it_is_careful() -> None:
    assert CommitTime().ms == AT_FIRST_MS


@given(st.lists(st.floats(0.0, 5_000.0), min_size=1, max_size=300))
def test_it_stays_within_its_limits(waits_ms: list[float]) -> None:
    assert LEAST_MS <= after(waits_ms) <= MOST_MS


@given(st.floats(15.0, 140.0))
def test_a_machine_that_always_takes_as_long_is_given_that_and_a_margin(wait_ms: float) -> None:
    assert abs(after([wait_ms] * 40) - (wait_ms + MARGIN_MS)) < 1e-6


def test_stalls_of_the_machine_do_not_keep_changes_from_the_next_beat() -> None:
    steady, stalled = after([30.0] * 100), after([30.0] * 90 + [900.0] * 10)
    assert steady == 36.0
    assert stalled == OUTLIER_SHARE * 30.0 + OUTLIER_MS + MARGIN_MS


def test_what_was_long_ago_counts_no_more() -> None:
    assert after([200.0] * WAITS_KEPT + [20.0] * WAITS_KEPT) == 20.0 + MARGIN_MS
