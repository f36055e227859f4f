"""The token layout: Bar, Position and Hit ids, and the grammar that says which may follow which.

A bar is written `Bar_4/4 (Position_p Hit+)*`, positions ascending, hits ascending within a position.
The next Bar token closes it. Ids are arithmetic, so that decoding needs no tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from liveengine.errors import ContractError
from liveengine.music.beats import MAX_STEPS, METERS, TICKS_PER_STEP, Meter
from liveengine.music.drums import VOICE_COUNT, Voice
from liveengine.music.pattern import MICRO_MIN, Bar, Hit

PAD_ID = 0
VELOCITY_BINS = 8
VELOCITY_WIDTH = 128 // VELOCITY_BINS
BAR_BASE = 1
POSITION_BASE = BAR_BASE + len(METERS)
HIT_BASE = POSITION_BASE + MAX_STEPS
HIT_COUNT = VOICE_COUNT * TICKS_PER_STEP * VELOCITY_BINS
VOCABULARY_SIZE = HIT_BASE + HIT_COUNT

Mask = npt.NDArray[np.bool_]


def bar_id(meter: Meter) -> int:
    """Return the id of the Bar token of a meter.

    Raises ContractError where the vocabulary has no such bar.
    """
    try:
        return BAR_BASE + METERS.index(meter)
    except ValueError:
        known = ", ".join(str(known) for known in METERS)
        raise ContractError(f"time signature: expected one of {known}, got {meter}") from None


def position_id(step: int) -> int:
    """Return the id of the Position token of a step."""
    return POSITION_BASE + step


def velocity_bin(velocity: int) -> int:
    """Return the bin 0-7 of a velocity 1-127."""
    return velocity // VELOCITY_WIDTH


def velocity_of_bin(velocity_bin: int) -> int:
    """Return the velocity at the middle of a bin."""
    return velocity_bin * VELOCITY_WIDTH + VELOCITY_WIDTH // 2


def hit_id(voice: int, micro: int, velocity: int) -> int:
    """Return the id of a Hit token."""
    timing = voice * TICKS_PER_STEP + (micro - MICRO_MIN)
    return HIT_BASE + timing * VELOCITY_BINS + velocity_bin(velocity)


def is_bar(token: int) -> bool:
    """Tell whether an id is a Bar token."""
    return BAR_BASE <= token < POSITION_BASE


def is_position(token: int) -> bool:
    """Tell whether an id is a Position token."""
    return POSITION_BASE <= token < HIT_BASE


def is_hit(token: int) -> bool:
    """Tell whether an id is a Hit token."""
    return HIT_BASE <= token < VOCABULARY_SIZE


def meter_of(token: int) -> Meter:
    """Return the meter of a Bar token."""
    return METERS[token - BAR_BASE]


def hit_parts(token: int) -> tuple[Voice, int, int]:
    """Return (voice, micro in ticks, velocity bin) of a Hit token."""
    timing, velocity = divmod(token - HIT_BASE, VELOCITY_BINS)
    voice, micro = divmod(timing, TICKS_PER_STEP)
    return Voice(voice), micro + MICRO_MIN, velocity


def token_names() -> list[str]:
    """Return the names of all ids but padding, in order, in MidiTok's `Type_Value` form."""
    names = [f"Bar_{meter}" for meter in METERS]
    names += [f"Position_{step}" for step in range(MAX_STEPS)]
    for token in range(HIT_BASE, VOCABULARY_SIZE):
        voice, micro, velocity = hit_parts(token)
        names.append(f"Hit_{voice.label}.{micro:+d}.{velocity}")
    return names


def bar_to_ids(bar: Bar) -> list[int]:
    """Return the ids of one bar: its Bar token, then positions and hits."""
    ids = [bar_id(bar.meter)]
    step = -1
    for hit in bar.hits:
        if hit.step != step:
            step = hit.step
            ids.append(position_id(step))
        ids.append(hit_id(hit.voice, hit.micro, hit.velocity))
    return ids


def ids_to_bars(ids: Sequence[int]) -> list[Bar]:
    """Return the bars that ids spell; a velocity is the middle of its bin.

    Raises ContractError at the first id that breaks the grammar, with its place.
    """
    bars: list[Bar] = []
    meter: Meter | None = None
    hits: list[Hit] = []
    step = -1
    for index, token in enumerate(ids):
        if is_bar(token):
            if meter is not None:
                bars.append(Bar(meter, tuple(sorted(hits))))
            meter, hits, step = meter_of(token), [], -1
        elif is_position(token) and meter is not None and token - POSITION_BASE > step:
            step = token - POSITION_BASE
        elif is_hit(token) and step >= 0:
            voice, micro, velocity = hit_parts(token)
            hits.append(Hit(step, voice, micro, velocity_of_bin(velocity)))
        else:
            raise ContractError(
                f"tokens: expected a bar, then positions with hits; got id {token} at place {index}"
            )
    if meter is not None:
        bars.append(Bar(meter, tuple(sorted(hits))))
    return bars


class Grammar:
    """Which ids may follow within a bar of one meter.

    `allowed(previous, step)` returns a boolean mask over the vocabulary, shape (vocabulary,), shared and
    read-only. The Bar token that closes the bar is the bar's own.
    """

    def __init__(self, meter: Meter, *, strict: bool = True) -> None:
        """Prepare the masks.

        `strict`, for playing, forbids striking one voice twice at one tick, and a bar without a hit; real
        takes have both, if rarely.
        """
        self.meter = meter
        self._closing = bar_id(meter)
        self._strict = strict
        self._after_position = np.zeros(VOCABULARY_SIZE, np.bool_)
        self._after_position[HIT_BASE:] = True
        self._after_bar = self._positions_from(0)
        self._after_bar[self._closing] = not strict
        self._later_positions = [self._positions_from(step + 1) for step in range(meter.steps)]
        hits = np.arange(HIT_COUNT)
        self._hit_order = hits // VELOCITY_BINS if strict else hits

    def _positions_from(self, step: int) -> Mask:
        mask = np.zeros(VOCABULARY_SIZE, np.bool_)
        mask[self._closing] = True
        mask[position_id(step) : position_id(self.meter.steps)] = True
        return mask

    def allowed(self, previous: int, step: int) -> Mask:
        """Return the mask of ids that may follow `previous`, where `step` is the bar's current step."""
        if is_bar(previous):
            return self._after_bar
        if is_position(previous):
            return self._after_position
        mask = self._later_positions[step].copy()
        struck = self._hit_order[previous - HIT_BASE]
        mask[HIT_BASE:] = self._hit_order > struck if self._strict else self._hit_order >= struck
        return mask

    def allowed_from(self, step: int) -> Mask:
        """Return the mask of ids that the rest of a bar may begin with at `step`; it may be empty."""
        return self._positions_from(step)

    def masks(self, ids: Iterable[int]) -> npt.NDArray[np.bool_]:
        """Return the masks that apply after each id of one bar, shape (ids, vocabulary)."""
        rows = []
        step = 0
        for token in ids:
            if is_position(token):
                step = token - POSITION_BASE
            rows.append(self.allowed(token, step))
        return np.stack(rows)


@cache
def grammar_of(meter: Meter, *, strict: bool = True) -> Grammar:
    """Return the one grammar of a meter: its masks are made once and shared."""
    return Grammar(meter, strict=strict)
