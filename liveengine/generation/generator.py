"""The generator: bar requests in, bars out, over a decoder whose cache lives from bar to bar."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from liveengine.errors import GenerationError
from liveengine.generation.attempts import Attempt, bar_of_ids, least_gaps, max_tries, parts_of, reseeded
from liveengine.generation.guidance import (
    ALL_VIEWS,
    CONDITIONED,
    VIEWS,
    View,
    context_seen,
    effective_guidance,
    guidance_weights,
    views_of,
)
from liveengine.generation.hat_openness import HatOpenness
from liveengine.generation.velocity_dither import Velocities
from liveengine.model.bar_sampler import BarWriter, HostSampler, IsCancelled, SamplingJob, never
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.fused_weights import Floats
from liveengine.model.kv_cache_rows import RowDecoder
from liveengine.model.style_pack import load_packs
from liveengine.music.drums import GROUP_OF
from liveengine.music.pattern import Bar
from liveengine.music.request import BarReply, BarRequest, Conditioning, ContextBar
from liveengine.music.requirement import lacking
from liveengine.tokens import vocabulary

LANES = 2
"""Rows for two contexts: a bar may be written anew while the next phrase has begun its own."""
EVIDENCE_STRENGTH = np.float32(3.0)
"""How much further than Bayes' rule has it a bar is led to what is heard, at an amount of 1."""
SPARES = 3
"""Rows for bars that are written beside the music: of borrowed drums, or rehearsed."""


class BarGenerator:
    """Writes bars with one model. Used by one thread.

    Each row of the decoder's cache holds the bars it has read and written, by serial. A request costs
    nothing but a rollback where a row holds its context, from the first bar on; what a row lacks is read
    from the request. So the cache is an economy, and the request alone decides the bar. A GPU that fails or
    has no room is left for the CPU; `device` says where it is now.
    """

    def __init__(
        self, checkpoint: Path, device: str = "cpu", packs: Sequence[Path] = (), *, lanes: int = LANES
    ) -> None:
        """Load a checkpoint, and packs with styles learned for it; hold the contexts of `lanes` performances.

        Raises CheckpointError where one cannot be used.
        """
        loaded = load_checkpoint(checkpoint)
        self.lanes = lanes
        self._spare_row = VIEWS * lanes
        self._space = loaded.space
        self._loaded = loaded
        self._open(device)
        self._velocities = Velocities(loaded.velocity_counts)
        self._sparseness = loaded.sparseness
        own = load_packs(packs, loaded)
        self._own = {genre: pack.vector for genre, pack in own.items()}
        self._hats = HatOpenness(loaded.hats, {genre: pack.hats for genre, pack in own.items() if pack.hats})

    def _open(self, device: str) -> None:
        """Make an empty decoder on a device; on the CPU where that has no room for it."""
        config, weights = self._loaded.config, self._loaded.weights
        self._decoder: RowDecoder
        self._writer: BarWriter
        self.device = device
        rows = self._spare_row + VIEWS * SPARES
        if device == "cpu":
            self._decoder = decoder = Decoder(config, weights, rows=rows)
            self._writer = HostSampler(decoder)
        else:
            from liveengine.model.gpu_bar_sampler import open_on_device

            try:
                self._decoder, self._writer = open_on_device(config, weights, rows=rows, device=device)
            except RuntimeError:  # torch.OutOfMemoryError is one
                self._open("cpu")
        self._held: list[list[tuple[int, int]]] = [[] for _ in range(self._spare_row)]
        self._last_lane = 0
        self._unread: tuple[BarRequest, Bar] | None = None

    def generate(self, request: BarRequest) -> BarReply:
        """Return the bar asked for. Raises GenerationError naming the bar where it cannot be made."""
        reply = self.generate_cancellable(request, never)
        assert reply is not None
        return reply

    def generate_cancellable(self, request: BarRequest, is_cancelled: IsCancelled) -> BarReply | None:
        """Return the bar asked for, or None where it is given up; raises as `generate` does."""
        self._last_lane = self._lane_of(request.context)
        replies = self._replies([(self._last_lane, request)], is_cancelled)
        if not replies:
            return None
        self._unread = (request, replies[0].bar)
        return replies[0]

    def generate_together(self, asked: Sequence[tuple[int, BarRequest]]) -> list[BarReply]:
        """Return bars of different performances, each in a lane of its own: (lane, request), in their order.

        Each bar is what `generate` writes for its request; one pass extends all of them. A lane is given to
        another performance by `forget`. At most `SPARES` of the requests borrow drums. Raises GenerationError
        where they cannot be made.
        """
        return self._replies(asked, never)

    def forget(self, lane: int) -> None:
        """Leave a lane to another performance, whose serials may be the same."""
        for row in range(lane * VIEWS, lane * VIEWS + VIEWS):
            self._held[row] = []

    def _replies(self, asked: Sequence[tuple[int, BarRequest]], is_cancelled: IsCancelled) -> list[BarReply]:
        """Return the answers to requests by lanes; none where they are given up."""
        began = time.perf_counter()
        try:
            made = self._bars(asked, is_cancelled)
        except RuntimeError as error:
            if not self._leave_gpu():
                bars = ", ".join(str(request.index) for _, request in asked)
                raise GenerationError(f"bar {bars}: {error}") from error
            made = self._bars(asked, is_cancelled)  # a GPU that fails or is full does not stop the music
        if made is None:
            return []
        generated_ms = (time.perf_counter() - began) * 1e3
        return [
            BarReply(request.serial, best.bar, best.tokens, generated_ms, tries=best.tries)
            for (_, request), best in zip(asked, made, strict=True)
        ]

    def _bars(
        self, asked: Sequence[tuple[int, BarRequest]], is_cancelled: IsCancelled
    ) -> list[Attempt] | None:
        """Return the bars of requests; those that lack what they must are written again with other seeds.

        Of a bar that never has it all the one that lacks least is taken.
        """
        best: dict[int, Attempt] = {}
        again = list(range(len(asked)))
        attempt = 0
        while again:
            tried = [(asked[place][0], reseeded(asked[place][1], attempt)) for place in again]
            written = self._written(tried, is_cancelled)
            if written is None:
                return None
            for place, (lane, request), ids in zip(list(again), tried, written, strict=True):
                bar = self._bar(request, ids)
                lacks = lacking(request.musts, bar, request.from_step)
                if place not in best or lacks < best[place].lacks:
                    best[place] = Attempt(bar, sum(map(len, ids)), lacks, attempt)
                best[place].tries = attempt + 1
                if not lacks or best[place].tries == max_tries(request):
                    again.remove(place)
                    if best[place].attempt != attempt:  # the rows hold the last one, which is not played
                        self._forget_last(lane, request)
            attempt += 1
        return [best[place] for place in range(len(asked))]

    def _forget_last(self, lane: int, request: BarRequest) -> None:
        for row in range(lane * VIEWS, lane * VIEWS + VIEWS):
            self._held[row] = [each for each in self._held[row] if each[0] != request.serial]

    def rehearse(self, requests: Sequence[BarRequest], is_cancelled: IsCancelled = never) -> list[BarReply]:
        """Return bars that may be wanted, each as `generate` would write it; none where it was given up.

        For idle time: they are written together in rows of their own, and the music's stay as they are. All
        follow one context. What there are no rows for is left out, and what would have to be read first. A
        GPU that fails at it is left for the CPU. Raises RuntimeError where that fails.
        """
        try:
            return self._rehearsed(requests, is_cancelled)
        except RuntimeError:
            if not self._leave_gpu():
                raise
            return []

    def _leave_gpu(self) -> bool:
        """Begin anew on the CPU after an error; tell whether it was a GPU's, and the CPU may do better."""
        failed = self.device
        self._open("cpu")
        return failed != "cpu"

    def _rehearsed(self, requests: Sequence[BarRequest], is_cancelled: IsCancelled) -> list[BarReply]:
        began = time.perf_counter()
        orders: list[SamplingJob] = []
        rehearsed: list[tuple[BarRequest, int]] = []
        for request in requests:
            parts = parts_of(request)
            if len(orders) + len(parts) <= SPARES and all(self._is_held(part) for part in parts):
                if is_cancelled():
                    return []
                lane = self._lane_of(request.context)
                orders += [
                    self._spare_order(part, lane, len(orders) + each) for each, part in enumerate(parts)
                ]
                rehearsed.append((request, len(parts)))
        written = iter((self._writer.write_together(orders, is_cancelled) if orders else None) or ())
        generated_ms = (time.perf_counter() - began) * 1e3 / max(1, len(rehearsed))
        replies = []
        for request, count in rehearsed:
            ids = list(itertools.islice(written, count))
            if ids:
                bar = self._bar(request, ids)
                if lacking(request.musts, bar, request.from_step):
                    continue  # `generate` would write it again
                replies.append(BarReply(request.serial, bar, sum(map(len, ids)), generated_ms))
        return replies

    def _bar(self, request: BarRequest, ids: Sequence[list[int]]) -> Bar:
        """Return the bar that ids spell, those of borrowed drums, if any, after the bar's own."""
        dice = np.random.default_rng([request.seed, 1])
        rest = list(self._velocities.dither(bar_of_ids(ids[0]), dice).hits)
        if request.borrowing is not None:
            drums = request.borrowing.drums
            others = self._velocities.dither(bar_of_ids(ids[1]), dice).hits
            rest = [hit for hit in rest if GROUP_OF[hit.voice] not in drums]
            rest = sorted([*rest, *(hit for hit in others if GROUP_OF[hit.voice] in drums)])
        hits = (*request.prefix, *(hit for hit in rest if hit.step >= request.from_step))
        return self._hats.opened(Bar(request.meter, hits), request)

    def read_ahead(self) -> bool:
        """Let a row that the last bar did without read one bar of it; tell whether there may be more to read.

        For idle time: the first turn of a control then finds its row ready. Fails as `rehearse` does.
        """
        if self._unread is None:
            return False
        try:
            return self._read_one_ahead(*self._unread)
        except RuntimeError:
            if not self._leave_gpu():
                raise
            return False

    def _read_one_ahead(self, request: BarRequest, bar: Bar) -> bool:
        base = self._lane_of(request.context) * VIEWS
        for view_row, view in ALL_VIEWS.items():
            context = context_seen(request.context, view)
            context.append((request.serial, bar, view(request.conditioning)))
            if self._hold(base + view_row, context, most=1):
                return True
        self._unread = None
        return False

    def _written(
        self, asked: Sequence[tuple[int, BarRequest]], is_cancelled: IsCancelled
    ) -> list[list[list[int]]] | None:
        """Return the ids of bars, each followed by those of its borrowed drums, and keep them in their rows.

        None where they are given up; the rows are rolled back when they are next needed.
        """
        orders: list[SamplingJob] = []
        borrowed: list[list[SamplingJob]] = []
        spare = itertools.count()
        for lane, request in asked:
            views = views_of(request)
            for row, view in views.items():
                self._hold(lane * VIEWS + row, context_seen(request.context, view))
            orders.append(self._order(request, views, lane * VIEWS))
            borrowed.append([self._spare_order(part, lane, next(spare)) for part in parts_of(request)[1:]])
        flat = [order for others in borrowed for order in others]
        ids = self._writer.write_together([*orders, *flat], is_cancelled)
        if ids is None:
            return None
        rest = iter(ids[len(orders) :])
        written = []
        for (_, request), order, own, others in zip(asked, orders, ids, borrowed, strict=False):
            written.append([own, *itertools.islice(rest, len(others))])
            for row in () if others else order.rows:  # with others, the bar is not what either wrote
                self._held[row].append((request.serial, self._decoder.position(row)))
        return written

    def _spare_order(self, request: BarRequest, lane: int, spare: int) -> SamplingJob:
        """Return the order of a bar in spare rows, made what the music's rows are after its context."""
        views = views_of(request)
        base, spare_base = lane * VIEWS, self._spare_row + spare * VIEWS
        for row, view in views.items():
            position = self._position_after(base + row, request.context)
            if position is None:
                self._hold(base + row, context_seen(request.context, view))
                position = self._decoder.position(base + row)
            beyond = self._decoder.position(base + row) - position
            self._decoder.fork(base + row, spare_base + row, behind=beyond)
            self._decoder.rollback(position, spare_base + row)
        return self._order(request, views, spare_base)

    def _is_held(self, request: BarRequest) -> bool:
        """Tell whether all rows that a bar needs hold its context already."""
        base = self._lane_of(request.context) * VIEWS
        return all(self._position_after(base + row, request.context) is not None for row in views_of(request))

    def _position_after(self, row: int, context: Sequence[ContextBar]) -> int | None:
        """Return where a row stood after a context; None where it cannot go back there."""
        position = dict(self._held[row]).get(context[-1].serial) if context else 0
        return position if position is not None and self._decoder.can_rollback(position, row) else None

    def _lane_of(self, context: Sequence[ContextBar]) -> int:
        """Return the lane whose bars begin as a context does; else the one not used last."""
        for lane in range(self.lanes):
            held = self._held[lane * VIEWS + CONDITIONED]
            if held and context and held[0][0] == context[0].serial:
                return lane
        return (self._last_lane + 1) % self.lanes

    def _hold(
        self, row: int, context: Sequence[tuple[int, Bar, Conditioning]], most: int | None = None
    ) -> bool:
        """Make a row end with the context: roll back to the newest bar in common, read the rest.

        Reads `most` bars, all without; tells whether it read any.
        """
        if self._held[row] and context and self._held[row][0][0] != context[0][0]:
            self._held[row] = []
        held = dict(self._held[row])
        common = len(context)
        while common > 0:
            position = held.get(context[common - 1][0])
            if position is not None and self._decoder.can_rollback(position, row):
                break
            common -= 1
        position = held[context[common - 1][0]] if common else 0
        if common:
            self._decoder.rollback(position, row)
        else:
            self._decoder.clear(row)
        self._held[row] = [(serial, end) for serial, end in self._held[row] if end <= position]
        missing = context[common:][:most]
        for serial, bar, conditioning in missing:
            ids = vocabulary.bar_to_ids(bar)
            controls = np.broadcast_to(self._controls(conditioning), (len(ids), self._decoder.width))
            self._decoder.feed([row] * len(ids), ids, steps_of_ids(ids), controls)
            self._held[row].append((serial, self._decoder.position(row)))
        return bool(missing)

    def _controls(self, conditioning: Conditioning) -> Floats:
        """Return the controls of a bar, (width,): the checkpoint's, plus the shares of own genres.

        Own genres stand beside the checkpoint's controls, whose bytes they leave as they are.
        """
        controls = self._decoder.control_vector(
            self._space.features(self._space.within_genre(conditioning), self._own)
        )
        for genre, weight in conditioning.genres:
            if genre in self._own:
                controls = controls + np.float32(weight) * self._own[genre]
        return controls

    def _evidence(self, request: BarRequest) -> Floats | None:
        """Return what the groove that is heard adds to a bar's logits; None without, or where it is deaf."""
        learned, groove = self._loaded.evidence, request.conditioning.groove
        if learned is None or groove is None or groove.amount == 0:
            return None
        return EVIDENCE_STRENGTH * learned.logits(groove, request.meter)

    def _order(self, request: BarRequest, views: Mapping[int, View], base: int) -> SamplingJob:
        beginning = vocabulary.bar_to_ids(Bar(request.meter, request.prefix))
        return SamplingJob(
            rows=tuple(base + row for row in views),
            shares=guidance_weights(views, effective_guidance(request)),
            controls=np.stack([self._controls(view(request.conditioning)) for view in views.values()]),
            meter=request.meter,
            seed=request.seed,
            temperature=request.temperature,
            # A steady drummer does not fill up: what thins out a free one would take strokes from the groove.
            sparseness=self._sparseness if request.conditioning.steadiness is None else 0.0,
            prefix=tuple(beginning),
            from_step=request.from_step,
            gaps=least_gaps(request.conditioning.bpm),
            evidence=self._evidence(request),
        )
