"""Reports through shared memory: in order, and counted where they were overwritten."""

from __future__ import annotations

from liveengine.playback.messages import Outcome, Report
from liveengine.playback.report_ring import RECORDS, ReportRing


def report(serial: int) -> Report:
    return Report(Outcome.SENT, serial, serial * 10.0, serial * 10.0 + 1, -3.5, 0.4, 90)


def test_reports_come_out_as_they_went_in() -> None:
    ring = ReportRing()
    assert ring.read() == []
    for serial in range(5):
        ring.write(report(serial))
    assert ring.read() == [report(serial) for serial in range(5)]
    ring.write(report(9))
    assert ring.read() == [report(9)]


def test_a_reader_that_slept_too_long_counts_what_it_lost() -> None:
    ring = ReportRing()
    for serial in range(RECORDS + 7):
        ring.write(report(serial))
    read = ring.read()
    assert ring.lost == 7
    assert [each.serial for each in read] == list(range(7, RECORDS + 7))
