"""The workshop: one thread that owns the generator and decodes in one pass whatever waits together."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from liveengine.generation.generator import SPARES
from liveengine.music.request import BarReply, BarRequest
from liveengine.patterns.batch_decoder import LANES, Lockstep
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer

log = logging.getLogger(__name__)

PASS_LIMIT_S = 120.0
"""A pass makes one bar of all that is decoded together, in seconds at worst: one that takes longer hangs."""
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
        """Load the model and start the thread. Raises CheckpointError where there is none to load."""
        studio.lanes = LANES + PERFORMANCES
        self._generator = studio.generator
        self._pass_began_s: float | None = None
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

    def fault(self) -> str:
        """Return why nothing will be made any more, or nothing: what waits for it need not."""
        if not self._thread.is_alive():
            return "the thread that decodes has ended"
        began_s = self._pass_began_s
        if began_s is not None and time.monotonic() - began_s > PASS_LIMIT_S:
            return f"a pass takes longer than {PASS_LIMIT_S:g} s"
        return ""

    def close(self) -> None:
        """Make nothing more."""
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        lockstep = Lockstep(self._generator, LANES)
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
        """Make a bar of everything; where that fails, of each by itself, so that only the cause fails."""
        placed = self._placed(bars)
        patterns = list(self._patterns)
        if self._made(lockstep, placed, patterns):
            return
        for pattern in patterns:
            self._made(lockstep, [], [pattern])
        for each in placed:
            self._made(lockstep, [each], [])

    def _made(
        self, lockstep: Lockstep, placed: Sequence[tuple[int, BarJob]], patterns: Sequence[Pattern]
    ) -> bool:
        """Make a bar of some in one pass; a failure of one alone is reported to it, else return False."""
        self._pass_began_s = time.monotonic()
        try:
            whole, replies = lockstep.step([(lane, job.request) for lane, job in placed], patterns)
        except Exception as error:  # whatever it is, nobody may wait for ever
            if len(placed) + len(patterns) > 1:
                log.warning(
                    "a pass of %d failed, each is tried alone: %s", len(placed) + len(patterns), error
                )
                return False
            for pattern in patterns:
                lockstep.drop(pattern)
                self._patterns.pop(pattern).made.set_exception(error)
            for _, job in placed:
                job.made.set_exception(error)
            return True
        finally:
            self._pass_began_s = None
        for (_, job), reply in zip(placed, replies, strict=True):
            job.made.set_result(reply)
        for pattern in whole:
            self._patterns.pop(pattern).made.set_result(pattern)
        return True

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
            self._generator.forget(lane)
            self._lanes[performance] = lane
        self._lanes.move_to_end(performance)
        return lane
