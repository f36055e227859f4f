"""Playing in virtual time: the same session, with a clock that leaps from due moment to due moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from liveengine.clock.virtual import VirtualTimeline
from liveengine.engine.session import Session
from liveengine.interfaces import MidiSink
from liveengine.playback.messages import PlayerMessage, Report
from liveengine.playback.scheduler import Due, PlayerCore

STEP_US = 5000.0
PlayedMessage = tuple[float, Sequence[int]]


class VirtualPlayer:
    """A player that sends exactly on time, when virtual time comes to it."""

    def __init__(self, core: PlayerCore, sink: MidiSink, timeline: VirtualTimeline) -> None:
        """Send to `sink` by the time of `timeline`."""
        self._core = core
        self._sink = sink
        self._timeline = timeline
        self._reports: list[Report] = []

    def tell(self, message: PlayerMessage) -> None:
        """Give an order."""
        self._send(self._core.take(message, self._timeline.now_us(), self._reports))

    def next_due_us(self) -> float | None:
        """Return the moment of the next message."""
        return self._core.next_due_us()

    def play(self) -> None:
        """Send what is due by now."""
        self._send(self._core.pop(self._timeline.now_us(), self._reports))

    def _send(self, dues: list[Due]) -> None:
        for due in dues:
            self._sink.send(due.message)
            report = due.report(self._timeline.now_us())
            if report is not None:
                self._reports.append(report)

    def notices(self) -> list[str]:
        """Nothing goes wrong in virtual time."""
        return []

    def trouble(self) -> str:
        """All is well here."""
        return ""

    def reports(self) -> list[Report]:
        """Return what became of hits since the last call."""
        reports, self._reports = self._reports, []
        return reports

    def close(self) -> None:
        """End every note."""
        self._send(self._core.silence())


def play_virtually(
    session: Session,
    timeline: VirtualTimeline,
    player: VirtualPlayer,
    duration_s: float,
    others: Iterable[PlayedMessage] = (),
) -> None:
    """Run a session for `duration_s` of virtual time from its first downbeat.

    `others` is what other musicians play, in order: beats after the first bar line, and the MIDI message.
    """
    waiting = iter(others)
    coming = next(waiting, None)
    try:
        while True:
            now_us = timeline.now_us()
            while coming is not None and session.conductor.sounding:
                grid = session.conductor.grid
                at_us = grid.beat_map.time_at(grid.start_beat(0) + coming[0])
                if at_us > now_us:
                    break
                session.ears.hear(coming[1], at_us)
                coming = next(waiting, None)
            session.step(now_us)
            first = session.conductor.first_downbeat_us
            if first is not None and now_us >= first + duration_s * 1e6:
                break
            until = now_us + STEP_US
            due = player.next_due_us()
            while due is not None and due < until:
                timeline.advance_to(max(due, timeline.now_us()))
                player.play()
                due = player.next_due_us()
            timeline.advance_to(until)
    finally:
        session.end()
        session.record.reports(player.reports())
        session.record.summary()
        session.record.flush()
