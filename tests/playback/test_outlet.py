"""The player's way out: what counts as sent, and waiting for a port that has gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from liveengine.errors import MidiError
from liveengine.midi.jack_patch import Connected
from liveengine.midi.ports import OpenPort
from liveengine.playback.messages import Outcome, PlannedHit
from liveengine.playback.outlet import LOOK_US, MIN_RETRY_US, Outlet, PlayerPort
from liveengine.playback.report_ring import ReportRing
from liveengine.playback.scheduler import Due

PORT = OpenPort("drums", "liveengine:drums")


class RoundPort:
    """A port of a system that goes round when the test says so."""

    def __init__(self, rounds: int | None = 0) -> None:
        self.rounds = rounds
        self.sent: list[tuple[int, ...]] = []
        self.fault = self.looks_fault = ""
        self.connected: Connected | None = None
        self.takes = 100

    def send(self, message: Sequence[int]) -> None:
        if len(self.sent) >= self.takes:
            raise MidiError("it takes no more")
        self.sent.append(tuple(message))

    def round(self) -> int | None:
        if self.fault:
            raise MidiError(self.fault)
        return self.rounds

    def look(self) -> Connected | None:
        if self.looks_fault:
            raise MidiError(self.looks_fault)
        return self.connected

    def close(self) -> None:
        self.takes = 0


def strokes(count: int) -> list[Due]:
    hits = [PlannedHit(serial, 0, serial, 0.0, 0.0, 36, 100) for serial in range(count)]
    return [Due((0x99, 36, 100), hit, 5.0) for hit in hits]


def opened(port: PlayerPort, ring: ReportRing) -> Outlet:
    outlet = Outlet(lambda: (port, PORT), ring)
    outlet.open()
    return outlet


def outcomes(ring: ReportRing) -> list[tuple[int, Outcome]]:
    return [(report.serial, report.outcome) for report in ring.read()]


def test_a_stroke_is_sent_once_the_system_has_taken_it() -> None:
    port, ring = RoundPort(7), ReportRing()
    outlet = opened(port, ring)
    outlet.send(strokes(2), lambda: 10.0)
    assert outcomes(ring) == []
    port.rounds = 8  # which had perhaps begun as they were sent
    outlet.check(11.0, 0.0)
    assert outcomes(ring) == []
    assert outlet.waits
    port.rounds = 9
    outlet.check(12.0, 0.0)
    assert outcomes(ring) == [(0, Outcome.SENT), (1, Outcome.SENT)]
    assert not outlet.waits


def test_where_nobody_goes_round_what_is_sent_is_sent() -> None:
    ring = ReportRing()
    opened(RoundPort(None), ring).send(strokes(1), lambda: 10.0)
    (report,) = ring.read()
    assert (report.outcome, report.due_us, report.sent_us) == (Outcome.SENT, 5.0, 10.0)


def test_what_a_dead_system_has_not_taken_is_dropped() -> None:
    port, ring = RoundPort(), ReportRing()
    outlet = opened(port, ring)
    outlet.send(strokes(1), lambda: 10.0)
    port.fault = "it has ended"
    with pytest.raises(MidiError, match="it has ended"):
        outlet.check(11.0, 0.0)
    with pytest.raises(MidiError, match="it has ended"):
        outlet.send(strokes(2), lambda: 12.0)
    outlet.lose()
    assert outcomes(ring) == [(serial, Outcome.DROPPED_PORT) for serial in (0, 0, 1)]


def test_the_rest_of_what_a_port_refuses_is_dropped_too() -> None:
    port, ring = RoundPort(), ReportRing()
    port.takes = 1
    outlet = opened(port, ring)
    with pytest.raises(MidiError, match="takes no more"):
        outlet.send(strokes(3), lambda: 10.0)
    outlet.lose()
    assert sorted(outcomes(ring)) == [(serial, Outcome.DROPPED_PORT) for serial in (0, 1, 2)]


def test_without_a_port_strokes_are_dropped_until_one_comes() -> None:
    ring, port = ReportRing(), RoundPort(None)
    tries: list[float] = []

    def opener() -> tuple[PlayerPort, OpenPort]:
        tries.append(now_us)
        if len(tries) < 3:
            raise MidiError("nobody there")
        return port, PORT

    outlet = Outlet(opener, ring)
    outlet.send(strokes(1), lambda: 10.0)
    assert outcomes(ring) == [(0, Outcome.DROPPED_PORT)]
    now_us = 0.0
    while not outlet.is_open:
        why = outlet.open_later(now_us)
        assert why in (None, "nobody there")
        now_us += MIN_RETRY_US / 5
    assert tries == [0.0, MIN_RETRY_US, 3 * MIN_RETRY_US]
    assert outlet.port == PORT
    outlet.send(strokes(1), lambda: 10.0)
    assert outcomes(ring) == [(0, Outcome.SENT)]


def test_a_port_that_goes_is_noticed_while_there_is_time_or_at_last_without() -> None:
    port = RoundPort(None)
    port.looks_fault = "it has gone"
    outlet = opened(port, ReportRing())
    outlet.check(LOOK_US + 1, idle_us=0.0)
    for now_us, idle_us in ((LOOK_US + 1, 1e6), (2 * LOOK_US + 1, 0.0)):
        with pytest.raises(MidiError, match="it has gone"):
            opened(port, ReportRing()).check(now_us, idle_us)


def test_a_port_that_is_connected_is_told_at_the_next_look() -> None:
    port = RoundPort(None)
    outlet = opened(port, ReportRing())
    port.connected = Connected(("synth:in",))
    assert outlet.check(LOOK_US / 2, idle_us=1e6) is None, "it is not time to look yet"
    assert outlet.check(LOOK_US + 1, idle_us=1e6) == Connected(("synth:in",))
