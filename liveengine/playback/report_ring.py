"""The reports' way out of the player: a ring in shared memory that one process writes and one reads.

The writer never waits, never locks and makes no system call. When the reader falls behind by the whole
ring the oldest records are overwritten, and the reader counts them as lost.
"""

from __future__ import annotations

import multiprocessing
import struct
from typing import Any

from liveengine.playback.messages import Outcome, Report

RECORD = struct.Struct("<qqqddddq")
"""Sequence number, then the fields of a report."""
COUNTER = struct.Struct("<q")
RECORDS = 4096


class ReportRing:
    """Shared memory for reports: one writer, one reader, each in its own process.

    A record carries its sequence number, which the writer clears first and sets last, so that the
    reader knows a whole record from one being written.
    """

    def __init__(self) -> None:
        """Reserve the memory; pass the ring to the process that writes."""
        context = multiprocessing.get_context("spawn")
        self._memory: Any = context.RawArray("B", COUNTER.size + RECORD.size * RECORDS)
        self._read = 0
        self.lost = 0

    def write(self, report: Report) -> None:
        """Append a report."""
        (written,) = COUNTER.unpack_from(self._memory, 0)
        place = COUNTER.size + (written % RECORDS) * RECORD.size
        COUNTER.pack_into(self._memory, place, -1)
        RECORD.pack_into(
            self._memory,
            place,
            -1,
            report.outcome,
            report.serial,
            report.due_us,
            report.sent_us,
            report.latency_ms,
            report.level,
            report.velocity,
        )
        COUNTER.pack_into(self._memory, place, written)
        COUNTER.pack_into(self._memory, 0, written + 1)

    def read(self) -> list[Report]:
        """Return the reports since the last call."""
        (written,) = COUNTER.unpack_from(self._memory, 0)
        if written - self._read > RECORDS:
            self.lost += written - RECORDS - self._read
            self._read = written - RECORDS
        reports = []
        while self._read < written:
            place = COUNTER.size + (self._read % RECORDS) * RECORD.size
            sequence, outcome, *fields = RECORD.unpack_from(self._memory, place)
            if sequence != self._read:
                if sequence < self._read:
                    break
                self.lost += 1
            else:
                reports.append(Report(Outcome(outcome), *fields))
            self._read += 1
        return reports
