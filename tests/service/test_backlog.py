"""What can be taken on, by how fast it is done."""

from __future__ import annotations

import pytest

from liveengine.errors import BusyError
from liveengine.service.backlog import EXPECTED_BARS_PER_S, Backlog


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def work(backlog: Backlog, clock: Clock, bars_per_s: float, seconds: int) -> None:
    """Do a job of so many bars each second, while another waits."""
    for second in range(seconds):
        task_id = f"{clock.now_s} {second}"
        backlog.add(task_id, round(bars_per_s))
        clock.now_s += 1.0
        backlog.remove(task_id)


def refused(backlog: Backlog, bars: int) -> BusyError:
    with pytest.raises(BusyError) as error:
        backlog.admit(bars)
    return error.value


def test_what_cannot_be_done_in_time_is_refused_with_when_by_the_measured_rate(clock: Clock) -> None:
    backlog = Backlog(max_wait_s=100.0, now=clock)
    backlog.add("waits", 1)
    work(backlog, clock, bars_per_s=50.0, seconds=600)
    backlog.add("more", 4400)
    backlog.admit(500)
    busy = refused(backlog, 1599)
    assert busy.retry_after_s == pytest.approx(20, abs=1)
    assert "120 s: 2 jobs wait" in str(busy)
    assert "within 100 s" in str(busy)


def test_the_rate_follows_a_machine_that_becomes_slower(clock: Clock) -> None:
    backlog = Backlog(max_wait_s=100.0, now=clock)
    backlog.add("waits", 1000)
    work(backlog, clock, bars_per_s=50.0, seconds=600)
    backlog.admit(64)
    work(backlog, clock, bars_per_s=5.0, seconds=600)
    assert refused(backlog, 64).retry_after_s == pytest.approx((1064 / 5) - 100, abs=3)


def test_time_without_work_says_nothing_of_the_rate(clock: Clock) -> None:
    backlog = Backlog(max_wait_s=10.0, now=clock)
    work(backlog, clock, bars_per_s=100.0, seconds=600)
    clock.now_s += 1e6
    backlog.add("waits", 64)
    backlog.admit(800)
    refused(backlog, 1100)


def test_where_nobody_works_ever_more_is_refused_and_a_single_job_never(clock: Clock) -> None:
    backlog = Backlog(max_wait_s=600.0, now=clock)
    backlog.admit(10**6)
    backlog.add("first", 64)
    backlog.admit(64)
    clock.now_s += 3600.0
    assert refused(backlog, 64).retry_after_s > 600


def test_before_anything_is_measured_a_modest_rate_is_expected(clock: Clock) -> None:
    backlog = Backlog(max_wait_s=10.0, now=clock)
    backlog.add("first", round(EXPECTED_BARS_PER_S * 5))
    backlog.admit(round(EXPECTED_BARS_PER_S * 5))
    assert refused(backlog, round(EXPECTED_BARS_PER_S * 6)).retry_after_s == 1


def test_there_are_only_so_many_jobs_and_each_is_there_once(clock: Clock) -> None:
    backlog = Backlog(max_waiting=2, now=clock)
    assert backlog.add("a", 4)
    assert not backlog.add("a", 4)
    assert backlog.add("b", 4)
    assert "at most 2 jobs" in str(refused(backlog, 1))
    backlog.remove("a")
    backlog.remove("never there")
    backlog.admit(1)
    assert "b" in backlog
    assert "a" not in backlog


def test_all_jobs_get_their_turn(clock: Clock) -> None:
    backlog = Backlog(now=clock)
    for name in "abcde":
        backlog.add(name, 1)
    assert [backlog.next(2) for _ in range(3)] == [["a", "b"], ["c", "d"], ["e", "a"]]
