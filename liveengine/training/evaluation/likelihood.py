"""Bits per note: how surprised the model is by real playing, token by token, with the context of run time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from liveengine.model.embedding import steps_of
from liveengine.model.network import DrumModel
from liveengine.music.beats import TICKS_PER_STEP
from liveengine.music.drums import VOICE_COUNT
from liveengine.music.pattern import Bar
from liveengine.music.request import Conditioning
from liveengine.tokens import vocabulary
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.corpus import Take

NEW_TOKENS = 1536
"""Tokens scored in one pass, besides those before them that they can see."""
SCORED_VELOCITY_BINS = 8
"""Velocities of the tokens that `bits_per_note` is defined on; finer ones are summed down to these."""

Masks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Bits:
    """Minus log2 of the probability of some notes, in all: of Bar and Position tokens, and of Hit tokens.

    A Hit's bits are split by the chain rule into those of its voice (and that there is a Hit at all), its
    micro-timing given the voice, and its velocity given both, at 8 velocities. `fine` is what velocities
    finer than 8 add; `unmasked` the whole without the grammar's mask.
    """

    place: float = 0.0
    voice: float = 0.0
    micro: float = 0.0
    velocity: float = 0.0
    fine: float = 0.0
    unmasked: float = 0.0
    notes: int = 0

    @property
    def total(self) -> float:
        """Return the bits of all tokens at 14 voices x 8 velocities x 12 micro-timings."""
        return self.place + self.voice + self.micro + self.velocity

    def __add__(self, other: Bits) -> Bits:
        return Bits(
            self.place + other.place,
            self.voice + other.voice,
            self.micro + other.micro,
            self.velocity + other.velocity,
            self.fine + other.fine,
            self.unmasked + other.unmasked,
            self.notes + other.notes,
        )


def bits_of_takes(
    model: DrumModel,
    space: ConditionSpace,
    takes: Sequence[Take],
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> Bits:
    """Return the bits of all notes of `takes`, each scored from its first bar on.

    Bits per note is minus log2 of the probability of every Bar, Position and Hit token, summed over a
    file and divided by its notes. Each token is given all those before it that the sliding window shows
    at run time, the file's style and tempo (an unlearned style is left open), and the meter: as in
    playing, the bar's own Bar token closes it and the grammar forbids what cannot follow (but not one
    voice twice at one tick, which drummers do). Density, energy, fill and phrase are left open. The first
    Bar token is given with the meter; after the last note nothing is scored.
    """
    total = Bits()
    for index, take in enumerate(takes):
        total += take_bits(model, space, take)
        report(index + 1, len(takes))
    return total


def take_bits(model: DrumModel, space: ConditionSpace, take: Take) -> Bits:
    """Return the bits of one take; `bits_of_takes` says what they are."""
    genres = ((take.genre, 1.0),) if take.genre in space.genres else ()
    features = torch.from_numpy(space.features(Conditioning(genres=genres, bpm=take.bpm)))
    device = next(model.parameters()).device
    bars = [vocabulary.bar_to_ids(bar) for bar in take.bars]
    ids = [token for bar in bars for token in bar]
    targets, masks = targets_and_masks(take.bars, bars)
    found = Bits()
    sight = model.config.layers * (model.config.window - 1)
    for start in range(0, len(targets), NEW_TOKENS):
        end = min(start + NEW_TOKENS, len(targets))
        first = max(0, start - sight)
        tokens = torch.tensor(ids[first:end], device=device)[None]
        # A token stands on the step of the last Position before it, which may lie before the pass.
        steps = steps_of(torch.tensor(ids[:end], device=device)[None])[:, first:]
        controls = features.to(device).expand(1, end - first, -1)
        with torch.inference_mode():
            logits = model(tokens, steps, controls)[0, start - first :].float()
        found += _bits(logits.cpu(), torch.tensor(targets[start:end]), masks[start:end])
    return found


def targets_and_masks(bars: Sequence[Bar], ids_of_bars: Sequence[Sequence[int]]) -> tuple[list[int], Masks]:
    """Return what follows each token of some bars, and what the grammar would allow to follow it.

    A bar is closed by its own Bar token, whatever the meter of the next: at run time the next bar's meter
    is asked for, not predicted.
    """
    targets: list[int] = []
    masks: list[Masks] = []
    for bar, ids in zip(bars, ids_of_bars, strict=True):
        grammar = vocabulary.grammar_of(bar.meter, strict=False)
        targets += [*ids[1:], ids[0]]
        masks.append(grammar.masks(ids))
    return targets[:-1], np.concatenate(masks)[:-1]


def _bits(logits: Tensor, targets: Tensor, masks: Masks) -> Bits:
    """Return the bits of `targets` under `logits` (time, vocabulary) with the masks of what may follow."""
    rows = torch.arange(len(targets))
    unmasked = logits.log_softmax(-1)[rows, targets].double().sum()
    chances = logits.masked_fill(~torch.from_numpy(masks), -math.inf).log_softmax(-1).double()
    is_hit = targets >= vocabulary.HIT_BASE
    place = chances[rows, targets][~is_hit].sum()
    finer = vocabulary.VELOCITY_BINS // SCORED_VELOCITY_BINS
    hits = chances[is_hit][:, vocabulary.HIT_BASE :]
    hits = hits.view(-1, VOICE_COUNT, TICKS_PER_STEP, SCORED_VELOCITY_BINS, finer)
    struck = targets[is_hit] - vocabulary.HIT_BASE
    timing, velocity = struck // vocabulary.VELOCITY_BINS, struck % vocabulary.VELOCITY_BINS
    rows = torch.arange(len(struck))
    of_voice = hits[rows, timing // TICKS_PER_STEP]
    of_micro = of_voice[rows, timing % TICKS_PER_STEP]
    of_velocity = of_micro[rows, velocity // finer]
    voice = of_voice.logsumexp((1, 2, 3)).sum()
    voice_micro = of_micro.logsumexp((1, 2)).sum()
    coarse = of_velocity.logsumexp(1).sum()
    exact = of_velocity[rows, velocity % finer].sum()
    to_bits = -1 / math.log(2)
    return Bits(
        place=float(place) * to_bits,
        voice=float(voice) * to_bits,
        micro=float(voice_micro - voice) * to_bits,
        velocity=float(coarse - voice_micro) * to_bits,
        fine=float(exact - coarse) * to_bits,
        unmasked=float(unmasked) * to_bits,
        notes=len(struck),
    )
