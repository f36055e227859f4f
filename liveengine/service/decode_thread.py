"""The workshop: one thread that owns the generator and decodes in one pass whatever waits together."""

from __future__ import annotations

import queue
import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field

from liveengine.generation.generator import SPARES
from liveengine.music.request import BarReply, BarRequest
from liveengine.patterns.batch_decoder import LANES, Lockstep
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer

PERFORMANCES = 8
"""Live performances whose contexts are held; more are served too, and read theirs again."""


@dataclass(eq=False)
class PatternJob:
    """A pattern to be made; `made` is called once it is whole."""

    pattern: Pattern
    made: Future[Pattern] = field(default_factory=Future)


@dataclass(eq=False)
class BarJob:
    """A bar of a live performance; `performance` names it, so that its serials are its own."""

    performance: str
    request: BarRequest
    made: Future[BarReply] = field(default_factory=Future)


class Workshop:
    """Takes jobs from any thread."""

    def __init__(self, studio: PatternRenderer) -> None:
        """Start the thread; the model is loaded on it."""
        studio.lanes = LANES + PERFORMANCES
        self._studio = studio
        self._waiting: queue.SimpleQueue[PatternJob | BarJob | None] = queue.SimpleQueue()
        self._patterns: dict[Pattern, PatternJob] = {}
        self._later: list[PatternJob] = []
        self._lanes: OrderedDict[str, int] = OrderedDict()
        self._thread = threading.Thread(target=self._run, name="liveengine-workshop", daemon=True)
        self._thread.start()

    def make(self, pattern: Pattern) -> Future[Pattern]:
        """Have a pattern made; its `progress` may be read meanwhile."""
        job = PatternJob(pattern)
        self._waiting.put(job)
        return job.made

    def bar(self, performance: str, request: BarRequest) -> Future[BarReply]:
        """Have a bar of a live performance made."""
        job = BarJob(performance, request)
        self._waiting.put(job)
        return job.made

    def close(self) -> None:
        """Make nothing more."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        generator = self._studio.generator
        lockstep = Lockstep(generator, LANES)
        while True:
            jobs = self._taken(wait=not lockstep.is_busy and not self._later)
            if jobs is None:
                return
            self._later += [job for job in jobs if isinstance(job, PatternJob)]
            while self._later and lockstep.has_room:
                job = self._later.pop(0)
                if job.made.set_running_or_notify_cancel():
                    self._patterns[job.pattern] = job
                    lockstep.start(job.pattern)
            self._step(lockstep, [job for job in jobs if isinstance(job, BarJob)])

    def _taken(self, *, wait: bool) -> list[PatternJob | BarJob] | None:
        """Return the jobs that wait, all of them; None at the end."""
        jobs: list[PatternJob | BarJob] = []
        while wait or not self._waiting.empty():
            job = self._waiting.get()
            if job is None:
                return None
            jobs.append(job)
            wait = False
        return jobs

    def _step(self, lockstep: Lockstep, bars: list[BarJob]) -> None:
        """Make a bar of everything; a failure is reported to all that were in it."""
        placed = self._placed(bars)
        try:
            whole, replies = lockstep.step([(lane, job.request) for lane, job in placed])
        except Exception as error:  # whatever it is, nobody may wait for ever
            for pattern_job in self._patterns.values():
                pattern_job.made.set_exception(error)
            for _, bar_job in placed:
                bar_job.made.set_exception(error)
            for pattern in list(self._patterns):
                lockstep.drop(pattern)
            self._patterns.clear()
            return
        for (_, job), reply in zip(placed, replies, strict=True):
            job.made.set_result(reply)
        for pattern in whole:
            self._patterns.pop(pattern).made.set_result(pattern)

    def _placed(self, bars: list[BarJob]) -> list[tuple[int, BarJob]]:
        """Return bars with lanes; those for which there is none in this pass go back to wait."""
        placed: dict[int, BarJob] = {}
        borrowing = 0
        for job in bars:
            lane = self._lane_of(job.performance, set(placed))
            borrows = job.request.borrowing is not None
            if lane is None or lane in placed or borrowing + borrows > SPARES:
                self._waiting.put(job)
                continue
            borrowing += borrows
            placed[lane] = job
        return list(placed.items())

    def _lane_of(self, performance: str, taken: set[int]) -> int | None:
        """Return the lane that holds a performance, or that of one not heard of longest."""
        lane = self._lanes.get(performance)
        if lane is None:
            if len(self._lanes) < PERFORMANCES:
                lane = LANES + len(self._lanes)
            else:
                oldest = next((name for name, each in self._lanes.items() if each not in taken), None)
                if oldest is None:
                    return None
                lane = self._lanes.pop(oldest)
            self._studio.generator.forget(lane)
            self._lanes[performance] = lane
        self._lanes.move_to_end(performance)
        return lane
