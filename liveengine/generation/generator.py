"""The generator: bar requests in, bars out, over a decoder whose cache lives from bar to bar."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from liveengine.errors import CheckpointError, GenerationError
from liveengine.model.checkpoint import Checkpoint, load_checkpoint
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.pack import load_pack
from liveengine.model.parts import BAR_STEP
from liveengine.model.sampling import Sampling, sample
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest, Conditioning, ContextBar
from liveengine.tokens import vocabulary

MAX_BAR_TOKENS = 160
"""A bar is closed here at the latest; the busiest of the Groove MIDI Dataset takes about 120."""


THREADS = 1
"""One token's products are too small to share out, and the other cores belong to the player."""


class BarGenerator:
    """Writes bars with one model. Used by one thread.

    The cache holds the bars it has read and written, by serial. A request whose context ends with a bar
    it holds costs nothing but a rollback; anything else is read again from the request's context.
    """

    def __init__(self, checkpoint: Path, device: str = "cpu", packs: Sequence[Path] = ()) -> None:
        """Load a checkpoint, and packs with styles learned for it.

        Raises CheckpointError where one cannot be used.
        """
        torch.set_num_threads(THREADS)
        loaded = load_checkpoint(checkpoint)
        self._space = loaded.space
        self._decoder = Decoder(loaded.config, loaded.weights, torch.device(device))
        self._own = {name: vector.to(device) for name, vector in _own_genres(packs, loaded).items()}
        self._held: list[tuple[int, int]] = []
        self._grammars: dict[object, vocabulary.Grammar] = {}

    def generate(self, request: BarRequest) -> BarReply:
        """Return the bar asked for. Raises GenerationError naming the bar where it cannot be made."""
        began = time.perf_counter()
        try:
            self._hold(request.context)
            ids = self._write(request)
        except RuntimeError as error:
            self._held.clear()
            self._decoder.reset()
            raise GenerationError(f"bar {request.index}: {error}") from error
        self._held.append((request.serial, self._decoder.position))
        bar = _bar_of(ids, np.random.default_rng([request.seed, 1]))
        return BarReply(request.serial, bar, len(ids), (time.perf_counter() - began) * 1e3)

    def _hold(self, context: tuple[ContextBar, ...]) -> None:
        """Make the cache end with the context: roll back to the newest bar in common, read the rest."""
        held = dict(self._held)
        common = len(context)
        while common > 0:
            position = held.get(context[common - 1].serial)
            if position is not None and self._decoder.can_rollback(position):
                break
            common -= 1
        if common:
            position = held[context[common - 1].serial]
            self._decoder.rollback(position)
            self._held = [(serial, end) for serial, end in self._held if end <= position]
        else:
            self._decoder.reset()
            self._held.clear()
        for each in context[common:]:
            ids = vocabulary.bar_to_ids(each.bar)
            controls = self._controls(each.conditioning)
            self._decoder.feed(ids, steps_of_ids(ids), controls)
            self._held.append((each.serial, self._decoder.position))

    def _controls(self, conditioning: Conditioning) -> torch.Tensor:
        """Return the controls of a bar, (width,): the checkpoint's, plus the shares of own genres.

        Own genres stand beside the checkpoint's controls, whose bytes they leave as they are.
        """
        features = torch.from_numpy(self._space.features(conditioning, self._own))
        controls = self._decoder.control_vector(features)
        for genre, weight in conditioning.genres:
            if genre in self._own:
                controls = controls + weight * self._own[genre]
        return controls

    def _write(self, request: BarRequest) -> list[int]:
        """Decode one bar and return its ids; its closing Bar token is sampled but left to the next bar."""
        grammar = self._grammars.get(request.meter)
        if grammar is None:
            grammar = self._grammars[request.meter] = vocabulary.Grammar(request.meter)
        rng = np.random.default_rng([request.seed, 0])
        sampling = Sampling(temperature=request.temperature)
        controls = self._controls(request.conditioning)
        token, step = vocabulary.bar_id(request.meter), BAR_STEP
        ids = [token]
        while True:
            logits = self._decoder.feed([token], [step], controls)
            if len(ids) >= MAX_BAR_TOKENS:
                return ids
            token = sample(logits.cpu().numpy(), grammar.allowed(token, step), sampling, rng)
            if vocabulary.is_bar(token):
                return ids
            if vocabulary.is_position(token):
                step = token - vocabulary.POSITION_BASE
            ids.append(token)


def _own_genres(packs: Sequence[Path], loaded: Checkpoint) -> dict[str, torch.Tensor]:
    """Return the vectors of packs, by genre. Raises CheckpointError where one does not fit the checkpoint."""
    own: dict[str, torch.Tensor] = {}
    for path in packs:
        pack = load_pack(path)
        pack.check(loaded.sha256)
        if pack.name in loaded.space.genres or pack.name in own:
            raise CheckpointError(f"{path}: expected a name of its own, got {pack.name}, a genre there is")
        if pack.vector.shape != (loaded.config.width,):
            raise CheckpointError(
                f"{path}: expected a vector of {loaded.config.width} numbers, got {pack.vector.shape[0]}"
            )
        own[pack.name] = torch.from_numpy(pack.vector)
    return own


def _bar_of(ids: list[int], rng: np.random.Generator) -> Bar:
    """Return the bar that ids spell, each velocity drawn from within its bin.

    Eight bins played at their middles are heard as steps; a classifier tells them from playing with .57.
    """
    if vocabulary.is_position(ids[-1]):
        ids = ids[:-1]
    bar = vocabulary.ids_to_bars(ids)[0]
    half = vocabulary.VELOCITY_WIDTH // 2
    hits = [
        Hit(
            hit.step,
            hit.voice,
            hit.micro,
            int(np.clip(hit.velocity + rng.integers(-half, half), 1, 127)),
        )
        for hit in bar.hits
    ]
    return Bar(bar.meter, tuple(sorted(hits)))
