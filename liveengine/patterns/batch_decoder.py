"""Decoding many patterns together: each in a lane of the generator, one bar of each in a pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from liveengine.generation.generator import BarGenerator
from liveengine.music.request import BarReply, BarRequest
from liveengine.patterns.pattern import Pattern

LANES = 16
"""Patterns that are decoded together, at most."""


class Lockstep:
    """The patterns on their way through one generator's first lanes. Used by one thread."""

    def __init__(self, generator: BarGenerator, lanes: int) -> None:
        """Begin with none."""
        self._generator = generator
        self._free = list(range(lanes))
        self._running: dict[int, Pattern] = {}

    @property
    def has_room(self) -> bool:
        """Whether another pattern can be started."""
        return bool(self._free)

    @property
    def is_busy(self) -> bool:
        """Whether any pattern is on its way."""
        return bool(self._running)

    def start(self, pattern: Pattern) -> None:
        """Give a pattern a lane."""
        lane = self._free.pop()
        self._generator.forget(lane)
        self._running[lane] = pattern

    def drop(self, pattern: Pattern) -> None:
        """Give up a pattern."""
        for lane in [lane for lane, each in self._running.items() if each is pattern]:
            del self._running[lane]
            self._free.append(lane)

    def step(
        self, bars: Sequence[tuple[int, BarRequest]] = (), only: Collection[Pattern] | None = None
    ) -> tuple[list[Pattern], list[BarReply]]:
        """Make the next bar of every pattern or `only` some, and `bars` in lanes of their own, in one pass.

        Returns the patterns that are whole by now, and the answers to `bars`. Raises GenerationError where it
        cannot be; then none has got its bar.
        """
        running = {lane: each for lane, each in self._running.items() if only is None or each in only}
        asked = [
            (lane, request)
            for lane, pattern in running.items()
            if (request := pattern.next_request()) is not None
        ]
        together = [*asked, *bars]
        replies = self._generator.generate_together(together) if together else []
        for (lane, _), reply in zip(asked, replies, strict=False):
            self._running[lane].accept(reply)
        whole = [pattern for pattern in running.values() if pattern.next_request() is None]
        for pattern in whole:
            self.drop(pattern)
        return whole, replies[len(asked) :]


def decode_together(generator: BarGenerator, patterns: Iterable[Pattern]) -> Iterator[Pattern]:
    """Yield each pattern when all its bars are there; as one ends, the next takes its lane.

    Raises GenerationError where a bar cannot be made.
    """
    lockstep = Lockstep(generator, generator.lanes)
    waiting = iter(patterns)
    more = True
    while more or lockstep.is_busy:
        while more and lockstep.has_room:
            pattern = next(waiting, None)
            more = pattern is not None
            if pattern is not None:
                lockstep.start(pattern)
        yield from lockstep.step()[0]
