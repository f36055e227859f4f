"""Teaching a checkpoint to listen: an adapter that hears a groove and leads the frozen model to answer it.

No pairs of a player and a drummer are needed. The groove to answer is derived from the bar itself: the
loudest accent and the mean offset of each sixteenth over a random choice of its drums, thinned out and made
uneven, as GrooVAE's "tapping" does (Gillick et al. 2019, "Learning to Groove with Inverse Sequence
Transformations").
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from liveengine.model.embedding import steps_of
from liveengine.model.network import DrumModel
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import GROUP_OF, Voice
from liveengine.music.heard import OFFSET_MOST, HeardGroove
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.tokens.groove_features import FEATURES, ROWS, groove_features
from liveengine.training.loss import nats_of_logits, scored_tokens
from liveengine.training.windows import Batch, ControlDropout, TokenSequence, batches

HEARD_SHARES: Mapping[str, float] = {
    "kick": 0.8,
    "snare": 0.4,
    "rim": 0.4,
    "toms": 0.5,
    "crash": 0.6,
    "open_hat": 0.2,
    "ride": 0.12,
    "hat": 0.12,
}
"""How often a drum is in what is heard: a player's accents are above all what a kick would answer."""
LEFT_OUT = 0.15
"""Share of the accents that are not heard though the bar has them."""
ADDED = 0.03
"""Share of the sixteenths on which an accent is heard that the bar does not answer."""
UNHEARD_BARS = 0.15
"""Share of the bars of a window in which nothing is heard."""
UNEVEN = 0.12
"""Standard deviation of an accent's strength."""


@dataclass(frozen=True, slots=True)
class ListeningConfig:
    """How to train an adapter: as `TrainingConfig`, for a network of `hidden` units."""

    epochs: int = 3
    hidden: int = 128
    max_tokens: int = 512
    tokens_per_batch: int = 4096
    learning_rate: float = 3e-3
    final_learning_rate: float = 1e-4
    warmup_steps: int = 100
    weight_decay: float = 0.01
    authored_share: float = 0.15
    seed: int = 1
    control_dropout: ControlDropout = field(
        default_factory=lambda: ControlDropout(density=0.6, energy=0.6, fill=0.1, steadiness=0.3)
    )


class ListeningAdapter(nn.Module):
    """The trained form of `GrooveAdapter`; it adds nothing at first."""

    def __init__(self, width: int, hidden: int) -> None:
        """Create an adapter for a model of a width."""
        super().__init__()
        self.into = nn.Linear(FEATURES, hidden, bias=False)
        self.place = nn.Embedding(ROWS, hidden)
        self.out = nn.Linear(hidden, width, bias=False)
        nn.init.normal_(self.place.weight, std=0.3)
        nn.init.zeros_(self.out.weight)

    def forward(self, features: Tensor, steps: Tensor, heard: Tensor) -> Tensor:
        """Return what is added to the inputs (batch, time, width).

        `features` are (batch, time, FEATURES), `steps` and `heard` (batch, time): where a token stands, and
        whether anything is heard in its bar.
        """
        hidden: Tensor = self.into(features) + self.place(steps)
        added: Tensor = self.out(hidden.relu())
        return added * heard[..., None]

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the weights by the names of `GrooveAdapter`."""
        weights = {"into": self.into.weight, "place": self.place.weight, "out": self.out.weight}
        return {name: weight.detach().numpy().copy() for name, weight in weights.items()}


def derived_groove(
    hits: Sequence[tuple[int, int, int, float]], steps: int, groups: frozenset[str], rng: random.Random
) -> HeardGroove | None:
    """Return the groove that a player might have played to these hits: (step, voice, micro, loudness 0-1).

    Only drums of `groups` are in it. None where none of it is left.
    """
    accents, offsets = [0.0] * steps, [0.0] * steps
    for step in range(steps):
        here = [hit for hit in hits if hit[0] == step and GROUP_OF[Voice(hit[1])] in groups]
        if here and rng.random() >= LEFT_OUT:
            loudest = max(loudness for *_, loudness in here)
            accents[step] = min(1.0, max(0.05, loudest + rng.gauss(0, UNEVEN)))
            offset = sum(micro for _, _, micro, _ in here) / len(here) / TICKS_PER_STEP
            offsets[step] = min(OFFSET_MOST, max(-OFFSET_MOST, offset))
        elif not here and rng.random() < ADDED:
            accents[step] = rng.uniform(0.2, 1.0)
    return HeardGroove(tuple(accents), tuple(offsets)) if any(accents) else None


def drawn_groups(rng: random.Random) -> frozenset[str]:
    """Return the drums whose accents are heard in a window, at least one."""
    chosen = frozenset(drum for drum, share in HEARD_SHARES.items() if rng.random() < share)
    return chosen or frozenset({"kick"})


def heard_features(batch: Batch, rng: random.Random) -> tuple[Tensor, Tensor]:
    """Return what the tokens of a batch hear: (batch, time, FEATURES), and whether anything is heard."""
    ids = batch.ids.numpy()
    features = np.zeros((*ids.shape, FEATURES), np.float32)
    heard = np.zeros(ids.shape, np.float32)
    places = steps_of(batch.ids).numpy()
    for row in range(len(ids)):
        groups = drawn_groups(rng)
        timeless = bool(batch.grid_bound[row])
        for begin, end in _bars(ids[row]):
            if rng.random() < UNHEARD_BARS:
                continue
            hits = list(_hits(ids[row, begin:end], places[row, begin:end], timeless))
            groove = derived_groove(hits, vocabulary.meter_of(int(ids[row, begin])).steps, groups, rng)
            if groove is not None:
                features[row, begin:end] = groove_features(groove)[places[row, begin:end]]
                heard[row, begin:end] = 1.0
    return torch.from_numpy(features), torch.from_numpy(heard)


def _bars(ids: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield where the bars of a window begin and end."""
    is_bar = (ids >= vocabulary.BAR_BASE) & (ids < vocabulary.POSITION_BASE)
    begins = [*np.flatnonzero(is_bar).tolist(), int((ids != vocabulary.PAD_ID).sum())]
    yield from itertools.pairwise(begins)


def _hits(
    ids: npt.NDArray[np.int64], places: npt.NDArray[np.int64], timeless: bool
) -> Iterator[tuple[int, int, int, float]]:
    for token, step in zip(ids.tolist(), places.tolist(), strict=True):
        if vocabulary.is_hit(token):
            voice, micro, velocity = vocabulary.hit_parts(token)
            yield step, voice, 0 if timeless else micro, (velocity + 0.5) / vocabulary.VELOCITY_BINS


@dataclass(frozen=True, slots=True)
class ListeningProgress:
    """An epoch is done: bits per note of training, and of validation with and without what is heard."""

    epoch: int
    training_bits: float
    heard_bits: float
    deaf_bits: float


class ListeningTrainer:
    """Trains an adapter for a frozen model. Used by one thread."""

    def __init__(self, model: DrumModel, space: ConditionSpace, config: ListeningConfig) -> None:
        """Freeze the model."""
        torch.manual_seed(config.seed)
        self.model = model.eval().requires_grad_(requires_grad=False)
        self.adapter = ListeningAdapter(model.config.width, config.hidden)
        self._space, self._config = space, config
        self._rng = random.Random(config.seed)
        self._optimiser = torch.optim.AdamW(
            self.adapter.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self._step = 0

    def loss(self, batch: Batch, rng: random.Random, *, deaf: bool = False) -> Tensor:
        """Return the summed loss of a batch in nats."""
        steps = steps_of(batch.ids)
        added = None
        if not deaf:
            features, heard = heard_features(batch, rng)
            added = self.adapter(features, steps, heard)
        logits: Tensor = self.model(batch.ids, steps, batch.controls, added)[:, :-1]
        return nats_of_logits(logits, batch)

    def train(
        self,
        training: Sequence[TokenSequence],
        validation: Sequence[TokenSequence],
        report: Callable[[ListeningProgress], None],
        on_batch: Callable[[int, int, float], None] = lambda _step, _total, _bits: None,
    ) -> None:
        """Train; `report` is called after each epoch, `on_batch` with (step, of all, bits per note)."""
        total = self._config.epochs * len(list(self._batches(self._drawn(training))))
        for epoch in range(self._config.epochs):
            nats = notes = 0.0
            for batch in self._batches(self._drawn(training)):
                loss = self.loss(batch, self._rng)
                self._learn(loss / scored_tokens(batch), total)
                nats, notes = nats + loss.item(), notes + batch.notes
                on_batch(self._step, total, nats / math.log(2) / max(1, notes))
            heard, deaf = self.validate(validation)
            report(ListeningProgress(epoch, nats / math.log(2) / max(1, notes), heard, deaf))

    def _drawn(self, training: Sequence[TokenSequence]) -> list[TokenSequence]:
        played = [each for each in training if not each.authored]
        authored = [each for each in training if each.authored]
        return played + self._rng.sample(authored, round(len(authored) * self._config.authored_share))

    def _batches(self, sequences: Sequence[TokenSequence]) -> Iterator[Batch]:
        return batches(
            sequences,
            self._space,
            max_tokens=self._config.max_tokens,
            tokens_per_batch=self._config.tokens_per_batch,
            dropout=self._config.control_dropout,
            rng=self._rng,
        )

    def _learn(self, loss: Tensor, total: int) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._rate(total)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.adapter.parameters(), 1.0)
        self._optimiser.step()
        self._step += 1

    def _rate(self, total: int) -> float:
        most, least, warm = (
            self._config.learning_rate,
            self._config.final_learning_rate,
            self._config.warmup_steps,
        )
        if self._step < warm:
            return most * (self._step + 1) / warm
        progress = min(1.0, (self._step - warm) / max(1, total - warm))
        return least + (most - least) * (1 + math.cos(math.pi * progress)) / 2

    def validate(self, sequences: Sequence[TokenSequence]) -> tuple[float, float]:
        """Return bits per note of held-out takes with what is heard, and without."""
        found: dict[str, Any] = {"heard": 0.0, "deaf": 0.0}
        notes = 0
        rng = random.Random(0)
        held_out = batches(
            sequences,
            self._space,
            max_tokens=self._config.max_tokens,
            tokens_per_batch=self._config.tokens_per_batch,
            dropout=None,
            rng=rng,
        )
        with torch.inference_mode():
            for batch in held_out:
                found["heard"] += self.loss(batch, rng).item()
                found["deaf"] += self.loss(batch, rng, deaf=True).item()
                notes += batch.notes
        per_note = math.log(2) * max(1, notes)
        return found["heard"] / per_note, found["deaf"] / per_note
