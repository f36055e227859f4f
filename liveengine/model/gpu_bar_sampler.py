"""Writing bars on a GPU: one step is a CUDA graph, dice and grammar are on the device, one wait per bar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from liveengine.model.bar_sampler import FURTHEST, LONG_AGO, MAX_BAR_TOKENS, IsCancelled, SamplingJob, never
from liveengine.model.config import BAR_STEP, ModelConfig
from liveengine.model.decoder import steps_of_ids
from liveengine.model.torch_decoder import TorchDecoder
from liveengine.music.beats import FOUR_FOUR, MAX_STEPS, TICKS_PER_STEP
from liveengine.music.drums import VOICE_COUNT
from liveengine.music.pattern import MICRO_MIN
from liveengine.tokens import vocabulary

STEPS_PER_WAIT = 48
"""Steps sent off before the host looks whether the bar is done: the 95th percentile of bars."""
WARM_UP_STEPS = 3
"""Runs of a step before it is captured, as torch.cuda.graph asks for."""
FORBIDDEN = float("-inf")


def open_on_device(
    config: ModelConfig, weights: Mapping[str, npt.NDArray[np.floating]], *, rows: int, device: str
) -> tuple[TorchDecoder, DeviceWriter]:
    """Return a decoder and its writer. Raises torch.OutOfMemoryError where the device has no room."""
    decoder = TorchDecoder(config, weights, rows=rows, device=device)
    return decoder, DeviceWriter(decoder)


class DeviceWriter:
    """Writes bars with a `TorchDecoder`. Used by one thread.

    The state of a bar (its last token, the step, how many tokens, whether it is closed) lives on the
    device. A step that comes after the close changes nothing, so the host sends off as many as a bar
    may take and waits once. Off CUDA the same steps run without a graph.
    """

    def __init__(self, decoder: TorchDecoder) -> None:
        """Write through `decoder`."""
        self._decoder = decoder
        device = decoder.device
        size = vocabulary.VOCABULARY_SIZE
        ids = torch.arange(size, device=device)
        self._is_hit = ids >= vocabulary.HIT_BASE
        self._is_position = (ids >= vocabulary.POSITION_BASE) & ~self._is_hit
        self._is_bar = (ids >= vocabulary.BAR_BASE) & (ids < vocabulary.POSITION_BASE)
        self._step_of = torch.where(self._is_position, ids - vocabulary.POSITION_BASE, -1)
        hit = torch.where(self._is_hit, ids - vocabulary.HIT_BASE, 0)
        self._order_of = hit // vocabulary.VELOCITY_BINS
        self._voice_of = self._order_of // TICKS_PER_STEP
        self._micro_of = self._order_of % TICKS_PER_STEP + MICRO_MIN
        self._gaps = torch.zeros(VOICE_COUNT, dtype=torch.long, device=device)
        self._last_ticks = torch.full_like(self._gaps, LONG_AGO)
        self._evidence = torch.zeros(MAX_STEPS + 1, vocabulary.VOCABULARY_SIZE, device=device)
        self._hears = False
        self._noise = torch.empty(MAX_BAR_TOKENS, size, device=device)
        self._written = torch.zeros(MAX_BAR_TOKENS + 1, dtype=torch.long, device=device)
        self._token, self._step, self._count = (
            torch.zeros(1, dtype=torch.long, device=device) for _ in range(3)
        )
        self._done = torch.zeros(1, dtype=torch.bool, device=device)
        self._meter_steps, self._closing, self._from_step = (
            torch.zeros(1, dtype=torch.long, device=device) for _ in range(3)
        )
        self._temperature, self._sparseness = (torch.zeros(1, device=device) for _ in range(2))
        self._rows: dict[tuple[int, ...], _Rows] = {}

    @torch.inference_mode()
    def write(self, order: SamplingJob) -> list[int]:
        """Return the ids of a bar, which the rows of the decoder then hold."""
        self._read_beginning(order)
        self._begin(order)
        rows = self._rows_of(order)
        sent = 0
        while True:
            for _ in range(min(STEPS_PER_WAIT, MAX_BAR_TOKENS - sent)):
                rows.run()
                sent += 1
            state: list[int] = torch.cat(
                [self._done.long(), self._count, self._written]
            ).tolist()  # the one wait
            done, count, *written = state
            if done or sent >= MAX_BAR_TOKENS:
                break
        ids = written[: count + 1]
        for row in order.rows:
            self._decoder.advance(row, len(ids))
        return [*order.begins[:-1], *ids]

    def write_together(
        self, orders: Sequence[SamplingJob], is_cancelled: IsCancelled = never
    ) -> list[list[int]] | None:
        """Return the ids of bars that share no row; None if given up. Here one is written after the other."""
        written = []
        for order in orders:
            if is_cancelled():
                return None
            written.append(self.write(order))
        return written

    def _read_beginning(self, order: SamplingJob) -> None:
        """Feed what a bar begins with, but its last token, which the first step feeds."""
        before = order.begins[:-1]
        if before:
            rows = [row for row in order.rows for _ in before]
            steps = steps_of_ids(before) * len(order.rows)
            controls = np.repeat(order.controls, len(before), axis=0)
            self._decoder.feed(rows, list(before) * len(order.rows), steps, controls)

    def _begin(self, order: SamplingJob) -> None:
        """Write what an order says to where the steps read it."""
        generator = torch.Generator(self._decoder.device).manual_seed(order.seed % 2**63)
        self._noise.uniform_(generator=generator)
        last = order.begins[-1]
        self._token.fill_(last)
        self._written[0] = last
        self._step.fill_(steps_of_ids(order.begins)[-1])
        self._from_step.fill_(order.from_step)
        self._count.zero_()
        self._done.zero_()
        self._meter_steps.fill_(order.meter.steps)
        self._closing.fill_(vocabulary.bar_id(order.meter))
        self._temperature.fill_(order.temperature)
        self._sparseness.fill_(order.sparseness)
        last_ticks = [LONG_AGO] * VOICE_COUNT
        for token, step in zip(order.begins, steps_of_ids(order.begins), strict=True):
            if vocabulary.is_hit(token):
                voice, micro, _ = vocabulary.hit_parts(token)
                last_ticks[voice] = step * TICKS_PER_STEP + micro
        self._last_ticks.copy_(torch.tensor(last_ticks))
        self._gaps.copy_(torch.tensor(order.gaps or (0,) * VOICE_COUNT))
        if order.evidence is not None:
            self._evidence.copy_(torch.from_numpy(order.evidence))
        elif self._hears:
            self._evidence.zero_()
        self._hears = order.evidence is not None

    def _rows_of(self, order: SamplingJob) -> _Rows:
        """Return the step for a set of rows, captured at its first use, with the order's numbers in it."""
        self._decoder.make_room(order.rows, MAX_BAR_TOKENS)
        rows = self._rows.get(order.rows)
        if rows is None:
            rows = self._rows[order.rows] = _Rows(self, order.rows)
        rows.take(order)
        if rows.graph is None and self._decoder.device.type == "cuda":
            rows.capture()
            self._begin(order)
            rows.take(order)
        return rows

    def advance(self, logits: Tensor) -> Tensor:
        """Draw the next token from `logits` (vocabulary,) and note it; return 1 where the bar goes on."""
        scores = self._ended(logits.float() + self._evidence[self._step].squeeze(0))
        scores = self._thinned(scores)
        scores = scores.masked_fill(~self._allowed(), FORBIDDEN)
        # Gumbel's trick: the largest of score plus this noise is drawn by the scores' softmax.
        gumbel = -(-(self._noise[self._count].squeeze(0).clamp(1e-10, 1 - 1e-7)).log()).log()
        cold = scores.argmax(keepdim=True)
        warm = (scores / self._temperature.clamp(min=1e-6) + gumbel).argmax(keepdim=True)
        drawn = torch.where(self._temperature > 0, warm, cold)
        goes_on = ~self._done & ~self._is_bar[drawn]
        self._done |= ~goes_on
        full = self._count + 1 >= MAX_BAR_TOKENS
        self._count += (goes_on & ~full).long()
        self._written[self._count] = torch.where(goes_on & ~full, drawn, self._written[self._count])
        self._token.copy_(torch.where(goes_on, drawn, self._token))
        self._step.copy_(torch.where(goes_on & self._is_position[drawn], self._step_of[drawn], self._step))
        strikes = goes_on & self._is_hit[drawn]
        tick = self._step * TICKS_PER_STEP + self._micro_of[drawn]
        voice = self._voice_of[drawn]
        self._last_ticks[voice] = torch.where(strikes, tick, self._last_ticks[voice])
        return goes_on.long()

    def inputs(self) -> tuple[Tensor, Tensor]:
        """Return the token to feed and the step it stands on, each (1,)."""
        return self._token, self._step

    def _ended(self, logits: Tensor) -> Tensor:
        """Let a bar shorter than 4/4 end where the model would go on beyond it, as `end_short` does."""
        closing = torch.zeros_like(self._is_bar).index_fill_(0, self._closing, True)
        beyond = self._is_position & (self._step_of >= self._meter_steps)
        ends = logits.masked_fill(~(beyond | closing), -torch.inf).logsumexp(0)
        short = closing & (self._meter_steps < FOUR_FOUR.steps)
        return torch.where(short, ends, logits)

    def _thinned(self, logits: Tensor) -> Tensor:
        begin = torch.where(self._step == BAR_STEP, 0, self._step + 1)
        begin = torch.maximum(begin, self._from_step)
        further = torch.where(self._is_position, self._step_of - begin, 0)
        further = torch.where(self._is_bar, self._meter_steps - begin, further)
        return logits + self._sparseness * further.clamp(max=FURTHEST)

    def _allowed(self) -> Tensor:
        """Return what may follow the last token, (vocabulary,), as `vocabulary.Grammar` says."""
        places = self._is_position & (self._step_of < self._meter_steps)
        closing = torch.zeros_like(self._is_bar).index_fill_(0, self._closing, True)
        places = places & (self._step_of >= self._from_step)
        in_beginning = (self._step < self._from_step) | (self._is_bar[self._token] & (self._from_step > 0))
        later = (places & (self._step_of > self._step)) | closing
        later = torch.where(in_beginning, places | closing, later)
        more_hits = self._is_hit & (self._order_of > self._order_of[self._token]) & ~in_beginning
        allowed = torch.where(self._is_bar[self._token] & ~in_beginning, places, later | more_hits)
        allowed = torch.where(self._is_position[self._token], self._is_hit, allowed)
        since = self._step * TICKS_PER_STEP + self._micro_of - self._last_ticks[self._voice_of]
        return allowed & ~(self._is_hit & (since < self._gaps[self._voice_of]))


class _Rows:
    """One step of some rows, and its CUDA graph once captured."""

    def __init__(self, writer: DeviceWriter, rows: tuple[int, ...]) -> None:
        self._writer, self._decoder = writer, writer._decoder
        device = self._decoder.device
        self._rows = torch.tensor(rows, device=device)
        self._slots = torch.zeros(len(rows), dtype=torch.long, device=device)
        self._positions = torch.zeros_like(self._slots)
        self._controls = torch.zeros(len(rows), self._decoder.width, device=device, dtype=self._decoder.dtype)
        self._shares = torch.zeros(len(rows), device=device)
        self.graph: torch.cuda.CUDAGraph | None = None

    def take(self, order: SamplingJob) -> None:
        """Write an order's numbers to where the step reads them."""
        ends = [self._decoder.end(row) for row in order.rows]
        self._slots.copy_(torch.tensor(ends))
        self._positions.copy_(torch.tensor([self._decoder.position(row) for row in order.rows]))
        self._controls.copy_(torch.from_numpy(np.ascontiguousarray(order.controls)))
        self._shares.copy_(torch.from_numpy(order.shares))

    def run(self) -> None:
        """Do one step."""
        if self.graph is None:
            self._step()
        else:
            self.graph.replay()

    def capture(self) -> None:
        """Record the step as a CUDA graph, after a few runs of it on another stream."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self._step()

    def _step(self) -> None:
        token, step = self._writer.inputs()
        count = len(self._rows)
        logits = self._decoder.logits_of(
            self._decoder.embedded(token.expand(count), step.expand(count), self._controls),
            self._rows,
            self._slots,
            self._positions,
        )
        goes_on = self._writer.advance(self._shares @ logits.float())
        self._slots += goes_on
        self._positions += goes_on
