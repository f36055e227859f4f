"""The player's way out: sends, reports what the MIDI system has taken, and waits for a port to come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from liveengine.errors import LiveEngineError
from liveengine.interfaces import MidiSink
from liveengine.midi.jack_patch import Connected
from liveengine.midi.ports import OpenPort
from liveengine.playback.messages import Outcome, Report
from liveengine.playback.report_ring import ReportRing
from liveengine.playback.scheduler import Due

TAKEN_ROUNDS = 2
"""What is sent in one round of a MIDI system is taken along by the next, which has ended at the second."""
LOOK_US = 250_000.0
"""How often another program's port is looked for."""
SPARE_US = 10_000.0
"""To look takes part of a millisecond: it is done while nothing is due for so long."""
MIN_RETRY_US, MAX_RETRY_US = 250_000.0, 1_000_000.0
"""How long after one another it is tried to open a port: the pause doubles."""


class PlayerPort(MidiSink, Protocol):
    """A MIDI sink that knows what becomes of what it sends."""

    def round(self) -> int | None:
        """Return how often the MIDI system has gone round; None where it takes a message as it is sent.

        Raises MidiError where the system has gone.
        """
        ...

    def look(self) -> Connected | None:
        """Return whom the port is connected to, where that has changed.

        Raises MidiError where the port has gone.
        """
        ...


Opener = Callable[[], tuple[PlayerPort, OpenPort | None]]
"""Opens the port; raises LiveEngineError where that cannot be."""


class Outlet:
    """One port, which may have to be waited for. Used by the player's loop.

    A stroke is reported as sent once the MIDI system has taken it, and as dropped (`DROPPED_PORT`) where
    there is no port or the system ended before.
    """

    def __init__(self, opener: Opener, ring: ReportRing) -> None:
        """Open nothing yet."""
        self._opener, self._ring = opener, ring
        self._sink: PlayerPort | None = None
        self._unsure: deque[tuple[int, Report]] = deque()
        self._look_us = self._retry_us = 0.0
        self._pause_us = MIN_RETRY_US
        self.port: OpenPort | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a port."""
        return self._sink is not None

    @property
    def waits(self) -> bool:
        """Whether there are strokes of which it is not known yet whether they have left."""
        return bool(self._unsure)

    def open(self) -> None:
        """Open the port. Raises LiveEngineError where that cannot be."""
        self._sink, self.port = self._opener()

    def open_later(self, now_us: float) -> str | None:
        """Try to open the port where its time has come, less and less often.

        Return why it cannot be opened, None where it is open or was not tried.
        """
        if now_us < self._retry_us:
            return None
        try:
            self.open()
        except LiveEngineError as error:
            self._retry_us = now_us + self._pause_us
            self._pause_us = min(MAX_RETRY_US, 2 * self._pause_us)
            return str(error)
        return None

    def send(self, dues: Sequence[Due], now_us: Callable[[], float]) -> None:
        """Send, and report strokes. Raises MidiError where the port has gone."""
        if self._sink is None:
            for due in dues:
                self._drop(due, now_us())
            return
        reports: list[Report] = []
        sent = 0
        try:
            for due in dues:
                self._sink.send(due.message)
                sent += 1
                if (report := due.report(now_us())) is not None:
                    reports.append(report)
            rounds = self._sink.round() if reports else None
        except LiveEngineError:
            self._unsure.extend((0, report) for report in reports)
            for due in dues[sent:]:
                self._drop(due, now_us())
            raise
        for report in reports:
            if rounds is None:
                self._ring.write(report)
            else:
                self._unsure.append((rounds + TAKEN_ROUNDS, report))

    def _drop(self, due: Due, at_us: float) -> None:
        report = due.report(at_us)
        if report is not None:
            self._ring.write(_dropped(report))

    def check(self, now_us: float, idle_us: float) -> Connected | None:
        """See what has left, and, where there are some milliseconds, whether the port is still there.

        Return whom it is connected to, where that has changed. Raises MidiError where it has gone.
        """
        if self._sink is None:
            return None
        rounds = self._sink.round()
        while self._unsure and rounds is not None and self._unsure[0][0] <= rounds:
            self._ring.write(self._unsure.popleft()[1])
        overdue_us = now_us - self._look_us
        if overdue_us > LOOK_US and (idle_us > SPARE_US or overdue_us > 2 * LOOK_US):
            self._look_us = now_us
            return self._sink.look()
        return None

    def lose(self) -> None:
        """Report what nobody has taken."""
        while self._unsure:
            self._ring.write(_dropped(self._unsure.popleft()[1]))

    def close(self) -> None:
        """Report the rest as sent, and close the port."""
        while self._unsure:
            self._ring.write(self._unsure.popleft()[1])
        if self._sink is not None:
            self._sink.close()


def _dropped(report: Report) -> Report:
    return Report(Outcome.DROPPED_PORT, report.serial, report.due_us, report.sent_us, report.latency_ms)
