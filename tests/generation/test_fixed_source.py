"""A source without a model: each bar that is asked for, once, in its meter."""

from __future__ import annotations

from liveengine.generation.fixed_source import FixedBarSource
from liveengine.interfaces import BarSource
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarRequest, Conditioning


def clicks(meter: Meter) -> tuple[Hit, ...]:
    return tuple(Hit(step, Voice.RIM, 0, 100) for step in range(0, meter.steps, 4))


def request(serial: int, meter: Meter) -> BarRequest:
    return BarRequest(serial, serial, meter, Conditioning((("rock", 1.0),), 100.0), (), serial)


def test_each_bar_comes_once_with_the_hits_of_its_meter() -> None:
    source: BarSource = FixedBarSource(clicks)
    assert source.ready()
    assert source.poll() is None
    for serial, meter in enumerate((FOUR_FOUR, Meter(7, 8)), 1):
        source.request(request(serial, meter))
        reply = source.poll()
        assert reply is not None
        assert (reply.serial, reply.bar) == (serial, Bar(meter, clicks(meter)))
        assert source.poll() is None
    assert source.lost() is None
    assert not source.notices()
    assert not source.trouble()
