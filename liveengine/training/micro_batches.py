"""Batches in parts: as many as the device's memory asks for, with gradients added up over them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from liveengine.errors import LiveEngineError
from liveengine.tokens import vocabulary
from liveengine.training.windows import Batch

Say = Callable[[str], None]


class MicroBatches:
    """Takes batches through the model part by part, and in more parts once the device runs out of memory.

    Used by one thread. `parts` is how many a batch is cut into; it doubles when memory runs out and stays
    there. Gradients of the parts add up to those of the whole, so the result is the same but for rounding.
    """

    def __init__(self, device: torch.device, say: Say, advice: str) -> None:
        """Begin with whole batches; `advice` says what to do where not even one window fits."""
        self.parts = 1
        self._device = device
        self._say = say
        self._advice = advice

    def total(
        self, batch: Batch, work: Callable[[Batch], float], undo: Callable[[], None] = lambda: None
    ) -> float:
        """Return the sum of `work` over the batch's parts, each on the device.

        `undo` is called before the batch is begun again in smaller parts. Raises LiveEngineError where a
        part of one window does not fit.
        """
        while True:
            try:
                return sum(work(self._moved(part)) for part in split(batch, self.parts))
            except torch.cuda.OutOfMemoryError as error:
                reason = str(error).splitlines()[0] if str(error) else "no memory left"
            # Outside `except`: the exception holds the tensors of the failed pass until it is gone.
            undo()
            self._smaller(batch, reason)

    def _smaller(self, batch: Batch, reason: str) -> None:
        windows, tokens = batch.ids.shape
        if self.parts >= windows:
            raise LiveEngineError(
                f"out of memory on {self._device}: not even one window of {tokens} tokens fits; "
                f"take {self._advice} ({reason})"
            )
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        self.parts *= 2
        self._say(
            f"out of memory on {self._device}: batches go through in {self.parts} parts from here on, with "
            "the same result, more slowly"
        )

    def _moved(self, part: Batch) -> Batch:
        return Batch(
            part.ids.to(self._device),
            part.controls.to(self._device),
            part.notes,
            part.grid_bound.to(self._device),
        )


def split(batch: Batch, parts: int) -> Iterator[Batch]:
    """Yield a batch in `parts` of like size, or window by window where it has fewer windows."""
    if parts == 1:
        yield batch
        return
    windows = -(-batch.ids.shape[0] // parts)
    for start in range(0, batch.ids.shape[0], windows):
        chosen = slice(start, start + windows)
        ids = batch.ids[chosen]
        notes = int((ids >= vocabulary.HIT_BASE).sum())
        yield Batch(ids, batch.controls[chosen], notes, batch.grid_bound[chosen])
