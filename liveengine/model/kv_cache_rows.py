"""The books of a decoder's rows: where each continuation stands, and how far back it can go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from liveengine.errors import ContractError
from liveengine.model.config import ROLLBACK_TOKENS, ModelConfig
from liveengine.model.fused_weights import Floats


class RowDecoder(ABC):
    """What the decoders of CPU and GPU share: continuations ("rows") over slots of a cache.

    Used by one thread. Positions count from the first token that a row was ever fed; only the last
    `window` are seen. A row fills its slots one after the other; when they are full, what a rollback may
    need moves to the front.
    """

    def __init__(self, rows: int, config: ModelConfig) -> None:
        """Begin with empty rows. `width` is the length of a projected controls vector."""
        self.width = config.width
        self._window = config.window
        self._capacity = 2 * (config.window + ROLLBACK_TOKENS)
        self._positions = [0] * rows
        self._ends = [0] * rows

    @property
    def rows(self) -> int:
        """How many continuations there is room for."""
        return len(self._positions)

    def position(self, row: int = 0) -> int:
        """Return how many tokens a row has been fed and still holds or has slid past."""
        return self._positions[row]

    def end(self, row: int) -> int:
        """Return the slot that a row's next token takes."""
        return self._ends[row]

    def advance(self, row: int, count: int = 1) -> None:
        """Take note of tokens that a row is fed."""
        self._ends[row] += count
        self._positions[row] += count

    def clear(self, row: int = 0) -> None:
        """Forget everything that a row was fed."""
        self._positions[row] = self._ends[row] = 0

    def can_rollback(self, position: int, row: int = 0) -> bool:
        """Return whether `rollback(position)` would leave a full window."""
        oldest = self._positions[row] - self._ends[row]
        return oldest <= max(0, position - self._window) and 0 <= position <= self._positions[row]

    def rollback(self, position: int, row: int = 0) -> None:
        """Forget all tokens of a row from `position` on; takes no time.

        Raises ContractError where the cache no longer reaches.
        """
        if not self.can_rollback(position, row):
            raise ContractError(
                f"rollback: expected a position that the cache of {self._ends[row]} tokens reaches, "
                f"got {position} with {self._positions[row]} fed"
            )
        self._ends[row] -= self._positions[row] - position
        self._positions[row] = position

    def fork(self, source: int, target: int, behind: int = ROLLBACK_TOKENS) -> None:
        """Make row `target` what row `source` is, with room for a rollback by `behind` tokens."""
        end = self._ends[source]
        start = max(0, end - self._window - behind)
        self._copy(source, target, start, end)
        self._ends[target] = end - start
        self._positions[target] = self._positions[source]

    def make_room(self, rows: Iterable[int], count: int) -> None:
        """Slide the slots of rows down where `count` more would not fit: a copy, nothing is computed."""
        for row in set(rows):
            if self._ends[row] + count > self._capacity:
                self.fork(row, row)

    @abstractmethod
    def _copy(self, source: int, target: int, start: int, end: int) -> None:
        """Copy slots [start, end) of one row's keys and values to the front of another's."""

    @abstractmethod
    def control_vector(self, features: Floats) -> Floats:
        """Return controls projected for `feed`: (..., condition_size) to (..., width)."""

    @abstractmethod
    def feed(self, rows: Sequence[int], ids: Sequence[int], steps: Sequence[int], controls: Floats) -> Floats:
        """Append tokens and return the logits after each row's last, shape (distinct rows, vocabulary)."""
