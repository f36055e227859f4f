"""Learning a player's style: one vector in the place of a genre's, the rest of the network as it is."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from liveengine.errors import ContractError, CorpusError
from liveengine.model.checkpoint import Checkpoint
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.corpus import Take
from liveengine.training.loss import negative_log_likelihood
from liveengine.training.windows import Batch, ControlDropout, batches, sequence_of

FILES_TO_HOLD_OUT = 5
"""From so many files on, whole files are held out; of fewer, the last bars of each."""
HELD_OUT_SHARE = 0.2
LEAST_HELD_OUT_BARS = 2
MOST_HELD_OUT_BARS = 120
"""More would only cost time: every look at them stops the learning."""
SCREENING_TOKENS = 1500
"""Tokens on which all genres are compared; the best few are compared on all that is held out."""
FINALISTS = 4
STEPS_PER_LOOK = 8
"""The held-out bars are looked at after an epoch, at least so many steps after the last look."""
OPEN_CONTROLS = ControlDropout(genre=0.0, tempo=0.0)
"""Style and tempo are always given; the others are left open as in training."""

OnProgress = Callable[[float, str], None]
"""Called with the share 0-1 of the work that is done, and what is being done."""
Now = Callable[[], float]


@dataclass(frozen=True, slots=True)
class LearnConfig:
    """How to learn a style. It ends after `minutes`, or `patience` looks at held-out bars without gain.

    `smoothing` is the share of the old vector in the running mean that is kept.
    """

    minutes: float = 6.0
    seed: int = 1
    learning_rate: float = 0.01
    smoothing: float = 0.9
    patience: int = 10
    max_tokens: int = 512
    tokens_per_batch: int = 1024
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse a time that is none."""
        if not 0 < self.minutes <= 600:
            raise ContractError(f"minutes: expected more than 0, at most 600, got {self.minutes:g}")


@dataclass(frozen=True, slots=True)
class Learned:
    """A learned style: its vector (width,), and how well it fits bars that it was not learned from.

    Bits per note are of the held-out bars, with style and tempo given and all else left open: `before`
    with the best existing genre, `after` with the learned vector. `nearest` are genres and their bits,
    best first. The held-out bars also said when to stop.
    """

    vector: npt.NDArray[np.float32]
    bits_before: float
    bits_after: float
    nearest: tuple[tuple[str, float], ...]
    training: tuple[Take, ...]
    held_out: tuple[Take, ...]
    whole_files_held_out: bool
    epochs: int
    steps: int
    seconds: float


class StyleModel:
    """A frozen network with one genre more, `name`, whose vector alone learns. Used by one thread."""

    def __init__(self, checkpoint: Checkpoint, name: str) -> None:
        """Build the network. Raises ContractError where the checkpoint knows a genre of that name."""
        if name in checkpoint.space.genres:
            raise ContractError(f"name: expected one of its own, got {name}, a learned genre")
        self.known = checkpoint.space.genres
        self.space: ConditionSpace = replace(checkpoint.space, genres=(*self.known, name))
        self.network = checkpoint.build().requires_grad_(False)
        self._controls = _ControlsWithStyle(self.network.controls.weight, len(self.known))
        self.network.controls = self._controls  # type: ignore[assignment]

    @property
    def vector(self) -> nn.Parameter:
        """The vector of the new genre, (width,)."""
        return self._controls.style

    def start_from(self, genre: str) -> None:
        """Set the vector to that of a known genre."""
        with torch.no_grad():
            self.vector.copy_(self._controls.weight[:, self.known.index(genre)])

    def batches(self, takes: Sequence[Take], config: LearnConfig, rng: random.Random | None) -> list[Batch]:
        """Return one epoch of batches of takes; without `rng` in order, with all but style and tempo open."""
        return list(
            batches(
                [sequence_of(take, self.space) for take in takes],
                self.space,
                max_tokens=config.max_tokens,
                tokens_per_batch=config.tokens_per_batch,
                dropout=OPEN_CONTROLS if rng else None,
                rng=rng or random.Random(0),
            )
        )

    def bits(self, held_out: Sequence[Batch], genre: str | None = None) -> float:
        """Return bits per note of batches under the new genre, or under a known one."""
        nats, notes = 0.0, 0
        with torch.inference_mode():
            for batch in held_out:
                asked = batch if genre is None else self._under(batch, genre)
                nats += float(negative_log_likelihood(self.network, asked))
                notes += batch.notes
        return nats / math.log(2) / max(1, notes)

    def _under(self, batch: Batch, genre: str) -> Batch:
        controls = batch.controls.clone()
        controls[..., : len(self.space.genres)] = 0.0
        controls[..., self.known.index(genre)] = 1.0
        return replace(batch, controls=controls)


class _ControlsWithStyle(nn.Module):
    """The projection of the controls with one column more, which alone learns.

    Takes the place of `DrumModel.controls`; `weight` is its own, (width, condition_size).
    """

    weight: Tensor

    def __init__(self, weight: Tensor, genres: int) -> None:
        super().__init__()
        self.register_buffer("weight", weight.detach().clone())
        self.style = nn.Parameter(torch.zeros(weight.shape[0]))
        self._genres = genres

    def forward(self, controls: Tensor) -> Tensor:
        """Return (batch, time, width) of features (batch, time, condition_size + 1)."""
        known = torch.cat([controls[..., : self._genres], controls[..., self._genres + 1 :]], dim=-1)
        return known @ self.weight.T + controls[..., self._genres, None] * self.style


def learn_style(
    checkpoint: Checkpoint,
    takes: Sequence[Take],
    name: str,
    config: LearnConfig,
    *,
    on_progress: OnProgress = lambda _share, _doing: None,
    now: Now = time.monotonic,
) -> Learned:
    """Learn the style of takes as the genre `name`, starting from the genre that fits them best.

    Raises CorpusError where too few bars are left to hold out, ContractError for the name of a known genre.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    rng = random.Random(config.seed)
    began = now()

    def share_of_time() -> float:
        return min(1.0, (now() - began) / (config.minutes * 60))

    own = [replace(take, genre=name) for take in takes]
    training, held_out, whole_files = split(own, rng)
    held_out = _shortened(held_out, MOST_HELD_OUT_BARS, rng)
    model = StyleModel(checkpoint, name)
    judged = model.batches(held_out, config, None)
    on_progress(0.0, "comparing with the genres it knows")
    nearest = _nearest(model, held_out, judged, config)
    best_genre, before = nearest[0]
    model.start_from(best_genre)
    fitted = _fit(
        model,
        _Bars(training, judged, before),
        config,
        rng,
        lambda bits: on_progress(share_of_time(), f"{bits:.3f} bits a note, {before:.3f} before"),
        share_of_time,
    )
    return Learned(
        vector=fitted.vector.numpy(),
        bits_before=before,
        bits_after=fitted.bits,
        nearest=tuple(nearest),
        training=tuple(training),
        held_out=tuple(held_out),
        whole_files_held_out=whole_files,
        epochs=fitted.epochs,
        steps=fitted.steps,
        seconds=now() - began,
    )


def split(takes: Sequence[Take], rng: random.Random) -> tuple[list[Take], list[Take], bool]:
    """Return takes to learn from, takes held out, and whether whole files were held out.

    Raises CorpusError where nothing could be held out.
    """
    names = list(dict.fromkeys(take.name for take in takes))
    bars_of = {name: sum(len(take.bars) for take in takes if take.name == name) for name in names}
    wanted = max(LEAST_HELD_OUT_BARS, HELD_OUT_SHARE * sum(bars_of.values()))
    if len(names) >= FILES_TO_HOLD_OUT:
        chosen: set[str] = set()
        held = 0
        for name in rng.sample(names, len(names)):
            if held < wanted and held + bars_of[name] <= 2 * wanted:
                chosen.add(name)
                held += bars_of[name]
        if held >= LEAST_HELD_OUT_BARS:
            return (
                [take for take in takes if take.name not in chosen],
                [take for take in takes if take.name in chosen],
                True,
            )
    training, held_out = [], []
    for take in takes:
        last = round(len(take.bars) * HELD_OUT_SHARE)
        last = max(1, last) if len(take.bars) >= 4 else 0
        training.append(replace(take, bars=take.bars[: len(take.bars) - last]))
        if last:
            held_out.append(replace(take, bars=take.bars[-last:]))
    if not held_out:
        longest = max(len(take.bars) for take in takes)
        raise CorpusError(
            f"held-out bars: expected {FILES_TO_HOLD_OUT} files, or one of 4 bars or more, got {len(names)} "
            f"of at most {longest} bars"
        )
    return training, held_out, False


def _shortened(takes: Sequence[Take], most_bars: int, rng: random.Random) -> list[Take]:
    """Return takes with at most so many bars in all (at least one each), from a place drawn at random."""
    share = most_bars / max(1, sum(len(take.bars) for take in takes))
    if share >= 1:
        return list(takes)
    short = []
    for take in takes:
        length = max(1, int(len(take.bars) * share))
        first = rng.randrange(len(take.bars) - length + 1)
        short.append(replace(take, bars=take.bars[first : first + length]))
    return short


def _nearest(
    model: StyleModel, held_out: Sequence[Take], judged: Sequence[Batch], config: LearnConfig
) -> list[tuple[str, float]]:
    """Return the genres that fit the held-out bars best, and their bits per note on all of `judged`."""
    tokens = sum(int((batch.ids != vocabulary.PAD_ID).sum()) for batch in judged)
    bars = sum(len(take.bars) for take in held_out)
    few = max(1, round(bars * SCREENING_TOKENS / max(1, tokens)))
    some = model.batches(_shortened(held_out, few, random.Random(config.seed)), config, None)
    ranked = sorted(model.known, key=lambda genre: model.bits(some, genre))
    finals = [(genre, model.bits(judged, genre)) for genre in ranked[:FINALISTS]]
    return sorted(finals, key=lambda each: each[1])


@dataclass(frozen=True, slots=True)
class _Bars:
    """What is learned from, what is looked at, and its bits per note before."""

    training: Sequence[Take]
    judged: Sequence[Batch]
    bits_before: float


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The best vector so far."""

    vector: Tensor
    bits: float
    epochs: int = 0
    steps: int = 0


def _fit(  # noqa: PLR0917
    model: StyleModel,
    bars: _Bars,
    config: LearnConfig,
    rng: random.Random,
    looked_at: Callable[[float], None],
    share_of_time: Callable[[], float],
) -> _Fitted:
    """Return the running mean of the vector that fits the held-out bars best; `looked_at` gets its bits."""
    optimiser = torch.optim.Adam([model.vector], lr=config.learning_rate)
    mean = model.vector.detach().clone()
    best = _Fitted(mean.clone(), bars.bits_before)
    epochs, steps, last_look, since_best = 0, 0, 0, 0
    while since_best < config.patience and share_of_time() < 1:
        for batch in model.batches(bars.training, config, rng):
            if share_of_time() >= 1:
                break
            loss = negative_log_likelihood(model.network, batch)
            optimiser.zero_grad()
            torch.autograd.backward(loss / (batch.ids[:, 1:] != vocabulary.PAD_ID).sum())
            optimiser.step()
            steps += 1
            # The first steps count fully: a mean that starts at the genre would drag behind.
            keep = min(config.smoothing, steps / (steps + 10))
            mean = keep * mean + (1 - keep) * model.vector.detach()
        epochs += 1
        if steps - last_look >= STEPS_PER_LOOK or share_of_time() >= 1:
            last_look = steps
            since_best += 1
            bits = _bits_of_mean(model, mean, bars.judged)
            if bits < best.bits:
                best, since_best = _Fitted(mean.clone(), bits, epochs, steps), 0
            looked_at(best.bits)
    return best


def _bits_of_mean(model: StyleModel, mean: Tensor, judged: Sequence[Batch]) -> float:
    """Return the bits per note under the mean vector; the model's own is put back."""
    current = model.vector.detach().clone()
    with torch.no_grad():
        model.vector.copy_(mean)
        bits = model.bits(judged)
        model.vector.copy_(current)
    return bits
