"""Timelines that need no network: virtual time, and a steady tempo on the machine's clock."""

from __future__ import annotations

import pytest

from liveengine.clock.system import SteadyTimeline, now_us
from liveengine.clock.virtual import VirtualTimeline
from liveengine.errors import ContractError


def test_virtual_time_moves_only_when_moved_and_only_forward() -> None:
    timeline = VirtualTimeline(120.0)
    assert timeline.now_us() == 0
    timeline.advance_to(500_000)
    assert timeline.state().beat_map.beat_at(timeline.now_us()) == pytest.approx(1.0)
    with pytest.raises(ContractError, match="virtual time"):
        timeline.advance_to(1)


def test_a_tempo_change_skips_no_beat_and_a_jump_does() -> None:
    timeline = VirtualTimeline(120.0)
    timeline.advance_to(1_000_000)
    timeline.set_tempo(60.0)
    assert timeline.state().beat_map.beat_at(1_000_000) == pytest.approx(2.0)
    assert timeline.state().beat_map.beat_at(2_000_000) == pytest.approx(3.0)
    timeline.jump_to(10.0)
    assert timeline.state().beat_map.beat_at(2_000_000) == pytest.approx(11.0)


def test_the_steady_timeline_runs_on_the_machines_clock() -> None:
    timeline = SteadyTimeline(60.0)
    before = now_us()
    beat = timeline.state().beat_map.beat_at(timeline.now_us())
    assert 0 <= beat < 5
    assert timeline.now_us() >= before
    assert timeline.state().playing


@pytest.mark.parametrize("bpm", [19.9, 999.1, float("nan")])
def test_a_tempo_out_of_range_is_refused(bpm: float) -> None:
    for make in (VirtualTimeline, SteadyTimeline):
        with pytest.raises(ContractError, match="tempo"):
            make(bpm)
