"""Teaching a checkpoint to listen: what a groove that is heard says about a drummer's bar.

No pairs of a player and a drummer are needed. The groove is derived from the bar itself: the loudest stroke
of each sixteenth over a random choice of its drums, thinned out and made uneven, in the way of GrooVAE's
"tapping" (Gillick et al. 2019, "Learning to Groove with Inverse Sequence Transformations").
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
from liveengine.model.groove_evidence import ROWS, SHAPES, knots_of
from liveengine.model.network import DrumModel
from liveengine.music.beats import MAX_STEPS, STEPS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.drums import GROUP_OF, Voice
from liveengine.music.heard import HeardGroove
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.loss import nats_of_logits, scored_tokens
from liveengine.training.options import cosine
from liveengine.training.windows import Batch, ControlDropout, TokenSequence, batches, drawn

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
    """How to learn the evidence: as `TrainingConfig`."""

    epochs: int = 2
    max_tokens: int = 512
    tokens_per_batch: int = 4096
    learning_rate: float = 3e-2
    final_learning_rate: float = 1e-3
    authored_share: float = 0.15
    seed: int = 1
    control_dropout: ControlDropout = field(
        default_factory=lambda: ControlDropout(density=0.6, energy=0.6, fill=0.1, steadiness=0.3)
    )


class EvidenceTables(nn.Module):
    """The trained form of `GrooveEvidence`; it says nothing at first."""

    def __init__(self) -> None:
        """Create tables of zeros."""
        super().__init__()
        self.tables = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(shape)) for name, shape in SHAPES.items()}
        )

    def forward(self, accents: Tensor, bar_ids: Tensor, lengths: Tensor) -> Tensor:
        """Return what grooves add to the logits, (bars, ROWS, vocabulary), as `GrooveEvidence.logits` does.

        `accents` (bars, MAX_STEPS, ACCENT_KNOTS) are spread over their knots and zero beyond the bar;
        `bar_ids` and `lengths` (bars,) are the Bar tokens and how many sixteenths the bars have.
        """
        bars, steps = accents.shape[:2]
        place = torch.arange(steps) % STEPS_PER_BEAT
        inside = (torch.arange(steps) < lengths[:, None]).float()
        struck = (accents * self.tables["struck"][place]).sum(-1)
        skipped = (accents * self.tables["skipped"][place]).sum(-1) * inside
        passed = torch.cat([torch.zeros(bars, 1), skipped.cumsum(-1)], 1)  # before each place, and in all
        rows = torch.tensor([*range(1, steps + 1), 0])  # the first sixteenth that each row may go on to
        onward = passed[:, None, :] - passed[:, rows, None]
        later = torch.arange(steps) >= rows[:, None]
        added = torch.zeros(bars, ROWS, vocabulary.VOCABULARY_SIZE)
        first, end = vocabulary.POSITION_BASE, vocabulary.POSITION_BASE + steps
        added[:, :, first:end] = (struck[:, None] + onward[:, :, :steps]) * later
        closing = nn.functional.one_hot(bar_ids, vocabulary.VOCABULARY_SIZE).float()
        added = added + onward[:, :, steps, None] * closing[:, None]
        voice = torch.einsum("bsk,skv->bsv", accents, self.tables["voice"][place])
        velocity = torch.einsum("bsk,kvl->bsvl", accents, self.tables["velocity"])
        hits = (voice[..., None] + velocity)[:, :, :, None].expand(-1, -1, -1, TICKS_PER_STEP, -1)
        hits = hits.reshape(bars, steps, -1)
        rest = torch.zeros(bars, ROWS, vocabulary.HIT_BASE)
        return added + torch.cat([rest, nn.functional.pad(hits, (0, 0, 0, 1))], 2)

    def arrays(self) -> dict[str, npt.NDArray[np.float32]]:
        """Return the tables by their names."""
        return {name: table.detach().numpy().copy() for name, table in self.tables.items()}


def derived_groove(
    hits: Sequence[tuple[int, int, float]], steps: int, groups: frozenset[str], rng: random.Random
) -> HeardGroove | None:
    """Return the groove that a player might have played to these hits: (step, voice, loudness 0-1).

    Only drums of `groups` are in it. None where none of it is left.
    """
    accents = [0.0] * steps
    for step in range(steps):
        here = [hit for hit in hits if hit[0] == step and GROUP_OF[Voice(hit[1])] in groups]
        if here and rng.random() >= LEFT_OUT:
            loudest = max(loudness for *_, loudness in here)
            accents[step] = min(1.0, max(0.05, loudest + rng.gauss(0, UNEVEN)))
        elif not here and rng.random() < ADDED:
            accents[step] = rng.uniform(0.2, 1.0)
    return HeardGroove(tuple(accents)) if any(accents) else None


def drawn_groups(rng: random.Random) -> frozenset[str]:
    """Return the drums whose accents are heard in a window, at least one."""
    chosen = frozenset(drum for drum, share in HEARD_SHARES.items() if rng.random() < share)
    return chosen or frozenset({"kick"})


def evidence_of(tables: EvidenceTables, batch: Batch, rng: random.Random) -> Tensor:
    """Return what grooves derived from a batch add to its logits, (batch, time, vocabulary)."""
    ids = batch.ids.numpy()
    places = steps_of(batch.ids).numpy()
    accents, bar_ids, lengths = [], [], []
    bar_of = np.zeros(ids.shape, np.int64)  # bar 0 is nothing heard
    for row in range(len(ids)):
        groups = drawn_groups(rng)
        for begin, end in _bars(ids[row]):
            if rng.random() < UNHEARD_BARS:
                continue
            hits = list(_hits(ids[row, begin:end], places[row, begin:end]))
            meter = vocabulary.meter_of(int(ids[row, begin]))
            groove = derived_groove(hits, meter.steps, groups, rng)
            if groove is None:
                continue
            beyond = ((0, MAX_STEPS - meter.steps), (0, 0))
            accents.append(np.pad(knots_of(groove, meter.steps), beyond))
            bar_ids.append(int(ids[row, begin]))
            lengths.append(meter.steps)
            bar_of[row, begin:end] = len(accents)
    if not accents:
        return torch.zeros(())
    added = tables(
        torch.from_numpy(np.stack(accents)),
        torch.tensor(bar_ids),
        torch.tensor(lengths),
    )
    added = torch.cat([torch.zeros(1, *added.shape[1:]), added])
    rows: Tensor = added[torch.from_numpy(bar_of), torch.from_numpy(places)]
    return rows


def _bars(ids: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield where the bars of a window begin and end."""
    is_bar = (ids >= vocabulary.BAR_BASE) & (ids < vocabulary.POSITION_BASE)
    begins = [*np.flatnonzero(is_bar).tolist(), int((ids != vocabulary.PAD_ID).sum())]
    yield from itertools.pairwise(begins)


def _hits(ids: npt.NDArray[np.int64], places: npt.NDArray[np.int64]) -> Iterator[tuple[int, int, float]]:
    for token, step in zip(ids.tolist(), places.tolist(), strict=True):
        if vocabulary.is_hit(token):
            voice, _, velocity = vocabulary.hit_parts(token)
            yield step, voice, (velocity + 0.5) / vocabulary.VELOCITY_BINS


@dataclass(frozen=True, slots=True)
class ListeningProgress:
    """An epoch is done: bits per note of training, and of validation with and without what is heard."""

    epoch: int
    training_bits: float
    heard_bits: float
    deaf_bits: float


class ListeningTrainer:
    """Learns evidence for a model that stays as it is. Used by one thread."""

    def __init__(self, model: DrumModel, space: ConditionSpace, config: ListeningConfig) -> None:
        """Freeze the model."""
        self.model = model.eval().requires_grad_(requires_grad=False)
        self.tables = EvidenceTables()
        self._space, self._config = space, config
        self._rng = random.Random(config.seed)
        self._optimiser = torch.optim.Adam(self.tables.parameters(), lr=config.learning_rate)
        self._step = 0

    def loss(self, batch: Batch, rng: random.Random, *, deaf: bool = False) -> Tensor:
        """Return the summed loss of a batch in nats."""
        with torch.no_grad():
            logits: Tensor = self.model(batch.ids, steps_of(batch.ids), batch.controls)
        if not deaf:
            logits = logits + evidence_of(self.tables, batch, rng)
        return nats_of_logits(logits[:, :-1], batch)

    def train(
        self,
        training: Sequence[TokenSequence],
        validation: Sequence[TokenSequence],
        report: Callable[[ListeningProgress], None],
        on_batch: Callable[[int, int, float], None] = lambda _step, _total, _bits: None,
    ) -> None:
        """Train; `report` is called after each epoch, `on_batch` with (step, of all, bits per note)."""
        share = self._config.authored_share
        total = self._config.epochs * len(list(self._batches(drawn(training, share, self._rng))))
        for epoch in range(self._config.epochs):
            nats = notes = 0.0
            for batch in self._batches(drawn(training, share, self._rng)):
                loss = self.loss(batch, self._rng)
                self._learn(loss / scored_tokens(batch), total)
                nats, notes = nats + loss.item(), notes + batch.notes
                on_batch(self._step, total, nats / math.log(2) / max(1, notes))
            heard, deaf = self.validate(validation)
            report(ListeningProgress(epoch, nats / math.log(2) / max(1, notes), heard, deaf))

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
            group["lr"] = cosine(
                self._step / max(1, total), self._config.learning_rate, self._config.final_learning_rate
            )
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._optimiser.step()
        self._step += 1

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
