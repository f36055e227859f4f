"""The generator: bar requests in, bars out, over a decoder whose cache lives from bar to bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from liveengine.errors import CheckpointError, GenerationError
from liveengine.generation.velocities import Velocities
from liveengine.model.arrangement import Floats
from liveengine.model.checkpoint import Checkpoint, load_checkpoint
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.pack import load_pack
from liveengine.model.rows import RowDecoder
from liveengine.model.writing import BarOrder, BarWriter, HostWriter
from liveengine.music.pattern import Bar
from liveengine.music.request import BarReply, BarRequest, Conditioning, Guidance
from liveengine.tokens import vocabulary

ROWS = 3
ASKED, CONTROLS_OPEN, GENRE_OPEN = range(ROWS)
"""Rows of the decoder: the bars as asked, and what guidance leads away from."""
View = Callable[[Conditioning], Conditioning]
"""How a row sees what bars were asked to be."""


class BarGenerator:
    """Writes bars with one model. Used by one thread.

    Each row of the decoder's cache holds the bars it has read and written, by serial. A request whose
    context ends with a bar it holds costs nothing but a rollback; anything else is read again from the
    request's context. A GPU that fails or has no room is left for the CPU; `device` says where it is now.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu", packs: Sequence[Path] = ()) -> None:
        """Load a checkpoint, and packs with styles learned for it.

        Raises CheckpointError where one cannot be used.
        """
        loaded = load_checkpoint(checkpoint)
        self._space = loaded.space
        self._loaded = loaded
        self._open(device)
        self._velocities = Velocities(loaded.velocity_counts)
        self._sparseness = loaded.sparseness
        self._own = _own_genres(packs, loaded)

    def _open(self, device: str) -> None:
        """Make an empty decoder on a device; on the CPU where that has no room for it."""
        config, weights = self._loaded.config, self._loaded.weights
        self._decoder: RowDecoder
        self._writer: BarWriter
        self.device = device
        if device == "cpu":
            self._decoder = decoder = Decoder(config, weights, rows=ROWS)
            self._writer = HostWriter(decoder)
        else:
            from liveengine.model.device_writer import open_on_device

            try:
                self._decoder, self._writer = open_on_device(config, weights, rows=ROWS, device=device)
            except RuntimeError:  # torch.OutOfMemoryError is one
                self._open("cpu")
        self._held: list[list[tuple[int, int]]] = [[] for _ in range(ROWS)]

    def generate(self, request: BarRequest) -> BarReply:
        """Return the bar asked for. Raises GenerationError naming the bar where it cannot be made."""
        began = time.perf_counter()
        try:
            ids = self._written(request)
        except RuntimeError as error:
            lost = self.device
            self._open("cpu")
            if lost == "cpu":
                raise GenerationError(f"bar {request.index}: {error}") from error
            ids = self._written(request)  # a GPU that fails or is full does not stop the music
        bar = self._velocities.dither(_bar_of(ids), np.random.default_rng([request.seed, 1]))
        return BarReply(request.serial, bar, len(ids), (time.perf_counter() - began) * 1e3)

    def _written(self, request: BarRequest) -> list[int]:
        """Return the ids of a bar, and keep it in the rows that wrote it."""
        views = _views(request)
        for row, view in views.items():
            self._hold(row, [(each.serial, each.bar, view(each.conditioning)) for each in request.context])
        ids = self._writer.write(self._order(request, views))
        for row in views:
            self._held[row].append((request.serial, self._decoder.position(row)))
        return ids

    def _hold(self, row: int, context: Sequence[tuple[int, Bar, Conditioning]]) -> None:
        """Make a row end with the context: roll back to the newest bar in common, read the rest."""
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
        for serial, bar, conditioning in context[common:]:
            ids = vocabulary.bar_to_ids(bar)
            controls = np.broadcast_to(self._controls(conditioning), (len(ids), self._decoder.width))
            self._decoder.feed([row] * len(ids), ids, steps_of_ids(ids), controls)
            self._held[row].append((serial, self._decoder.position(row)))

    def _controls(self, conditioning: Conditioning) -> Floats:
        """Return the controls of a bar, (width,): the checkpoint's, plus the shares of own genres.

        Own genres stand beside the checkpoint's controls, whose bytes they leave as they are.
        """
        controls = self._decoder.control_vector(self._space.features(conditioning, self._own))
        for genre, weight in conditioning.genres:
            if genre in self._own:
                controls = controls + np.float32(weight) * self._own[genre]
        return controls

    def _order(self, request: BarRequest, views: Mapping[int, View]) -> BarOrder:
        return BarOrder(
            rows=tuple(views),
            shares=_shares(views, request.guidance),
            controls=np.stack([self._controls(view(request.conditioning)) for view in views.values()]),
            meter=request.meter,
            seed=request.seed,
            temperature=request.temperature,
            sparseness=self._sparseness,
        )


def _views(request: BarRequest) -> dict[int, View]:
    """Return the rows that a bar needs, each with what it sees."""
    views: dict[int, View] = {ASKED: lambda conditioning: conditioning}
    asked, guidance = request.conditioning, request.guidance
    if guidance.controls != 1.0 and _controls_open(asked) != asked:
        views[CONTROLS_OPEN] = _controls_open
    if guidance.style != 1.0 and asked.genres:
        views[GENRE_OPEN] = lambda conditioning: replace(_controls_open(conditioning), genres=())
    return views


def _controls_open(conditioning: Conditioning) -> Conditioning:
    """Leave density and energy open, and a fill that is asked for; none asked for stays none."""
    fill = None if conditioning.fill else conditioning.fill
    return replace(conditioning, density=None, energy=None, fill=fill)


def _shares(views: Mapping[int, View], guidance: Guidance) -> Floats:
    """Return the weights, one per row, that lead the logits from open genre over open controls to asked."""
    steps = [(ASKED, guidance.controls)] if CONTROLS_OPEN in views else []
    if GENRE_OPEN in views:
        steps.append((CONTROLS_OPEN if CONTROLS_OPEN in views else ASKED, guidance.style))
    shares = dict.fromkeys(views, 0.0)
    nearest = list(views)
    shares[nearest[-1]] = 1.0
    for (row, strength), further in zip(steps, nearest[1:], strict=True):
        shares[row] += strength
        shares[further] -= strength
    return np.array([shares[row] for row in views], np.float32)


def _own_genres(packs: Sequence[Path], loaded: Checkpoint) -> dict[str, Floats]:
    """Return the vectors of packs, by genre. Raises CheckpointError where one does not fit the checkpoint."""
    own: dict[str, Floats] = {}
    for path in packs:
        pack = load_pack(path)
        pack.check(loaded.sha256)
        if pack.name in loaded.space.genres or pack.name in own:
            raise CheckpointError(f"{path}: expected a name of its own, got {pack.name}, a genre there is")
        if pack.vector.shape != (loaded.config.width,):
            raise CheckpointError(
                f"{path}: expected a vector of {loaded.config.width} numbers, got {pack.vector.shape[0]}"
            )
        own[pack.name] = pack.vector
    return own


def _bar_of(ids: list[int]) -> Bar:
    """Return the bar that ids spell, velocities in the middles of their bins."""
    return vocabulary.ids_to_bars(ids[:-1] if vocabulary.is_position(ids[-1]) else ids)[0]
