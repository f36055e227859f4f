"""Feel: from a bar on the grid to timed hits with swing, micro-timing, push and pull, jitter, ghosts."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from liveengine.music.beats import STEPS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.drums import GROUP_OF, GROUP_PLACE, Voice
from liveengine.music.heard import Pocket
from liveengine.music.pattern import Bar, Hit, TimedHit
from liveengine.music.style import Feel

JITTER_LIMIT_MS = 15.0
"""The humanizer's timing range in the customer's brief."""
DRIFT_CORRELATION = 0.37
"""Lag-one correlation of a drummer's drift from onset to onset (Groove MIDI Dataset, rock)."""
SHARED_VARIANCE = 0.6
"""Share of the jitter that all voices have in common: drummers' hands agree with r 0.5-0.78."""
VELOCITY_CENTRE = 80.0
BACKBEAT_STEP = 4


@dataclass(frozen=True, slots=True)
class Grooving:
    """All that gives a bar its feel, and gives the same again: `dice` alone decide the chances.

    `borrowed` drums have the feel of `borrowed_feel`. `pushes_ms` are those of the drums in `GROUPS`, in its
    order; `swing_percent` and `humanize` replace the style's own. What is `drawn` by hand comes on top: it
    changes nothing of the bar, and each stroke has chances of its own. `pocket` is how far
    other players' timing moves it.
    """

    bar: Bar
    feel: Feel
    dice: int
    swing_percent: float | None
    humanize: float | None
    pushes_ms: tuple[float, ...]
    borrowed_feel: Feel | None = None
    borrowed: frozenset[str] = frozenset()
    drawn: tuple[Hit, ...] = ()
    pocket: Pocket | None = None

    def hits(self) -> tuple[tuple[int, TimedHit], ...]:
        """Return (step, timed hit) for every hit of the bar, by step, and then for each that is drawn."""
        own = tuple(hit for hit in self.bar.hits if GROUP_OF[hit.voice] not in self.borrowed)
        timed = self._with_feel(own, self.feel, self.dice)
        if self.borrowed_feel is not None and self.borrowed:
            rest = tuple(hit for hit in self.bar.hits if GROUP_OF[hit.voice] in self.borrowed)
            others = self._with_feel(rest, self.borrowed_feel, self.dice + 1)
            timed = tuple(sorted((*timed, *others), key=lambda each: each[0]))
        timed = (*timed, *(each for hit in self.drawn for each in self._stroke(hit)))
        return tuple(
            (step, replace(hit, offset_ms=hit.offset_ms + self._moved_ms(step, hit.voice)))
            for step, hit in timed
        )

    def _moved_ms(self, step: int, voice: Voice) -> float:
        """Return how much later a drum is than the style has it, by hand and by those who are heard."""
        place = GROUP_PLACE[GROUP_OF[voice]]
        heard_ms = self.pocket.offset_ms(step, place) if self.pocket else 0.0
        return self.pushes_ms[place] + heard_ms

    def _stroke(self, hit: Hit) -> tuple[tuple[int, TimedHit], ...]:
        """Return a hit that was drawn, with the feel of its drum."""
        feel = self.feel
        if self.borrowed_feel is not None and GROUP_OF[hit.voice] in self.borrowed:
            feel = self.borrowed_feel
        dice = f"{self.dice}/{hit.step}/{hit.voice.label}"
        return self._with_feel((hit,), replace(feel, ghosts_per_bar=0.0), dice)

    def _with_feel(
        self, hits: tuple[Hit, ...], feel: Feel, dice: int | str
    ) -> tuple[tuple[int, TimedHit], ...]:
        return groove(
            Bar(self.bar.meter, hits),
            feel,
            random.Random(dice),
            swing_percent=self.swing_percent,
            humanize=self.humanize,
        )


def swung_steps(place_steps: float, swing_percent: float, unit_steps: int) -> float:
    """Return a place in steps after swing.

    Each pair of units is bent so that its second half begins at `swing_percent` of the pair (Linn):
    50 is straight, 66.7 a triplet. Its delay is (s/100 - 0.5) * 30000 / bpm ms for sixteenths.
    """
    pair = 2 * unit_steps
    index, phase = divmod(place_steps, pair)
    phase /= pair
    turn = swing_percent / 100
    bent = phase * 2 * turn if phase < 0.5 else turn + (phase - 0.5) * 2 * (1 - turn)
    return (index + bent) * pair


class _Jitter:
    """Correlated timing noise of one bar: a drift that all voices share, and a small part of each hit."""

    def __init__(self, deviation_ms: float, rng: random.Random) -> None:
        self._shared_ms = deviation_ms * math.sqrt(SHARED_VARIANCE)
        self._own_ms = deviation_ms * math.sqrt(1 - SHARED_VARIANCE)
        self._rng = rng
        self._drift = rng.gauss(0, 1)
        self._step = -1

    def at(self, step: int) -> float:
        """Return the jitter of a hit in ms; hits come in order of steps."""
        if step != self._step:
            self._step = step
            innovation = math.sqrt(1 - DRIFT_CORRELATION**2)
            self._drift = DRIFT_CORRELATION * self._drift + innovation * self._rng.gauss(0, 1)
        jitter = self._shared_ms * self._drift + self._own_ms * self._rng.gauss(0, 1)
        return max(-JITTER_LIMIT_MS, min(JITTER_LIMIT_MS, jitter))


def groove(
    bar: Bar,
    feel: Feel,
    rng: random.Random,
    *,
    swing_percent: float | None = None,
    humanize: float | None = None,
) -> tuple[tuple[int, TimedHit], ...]:
    """Return (step, timed hit) for every hit of a bar, by step.

    `swing_percent` and `humanize` replace the style's own; an explicit swing holds for every voice. At
    humanize 0 every hit sits on the swung sixteenth grid, one per voice and step. Steps tell which part
    of the bar a hit belongs to, wherever swing moves it.
    """
    amount = feel.humanize if humanize is None else humanize
    voice_swing = dict(feel.voice_swing) if swing_percent is None else {}
    swing = feel.swing_percent if swing_percent is None else swing_percent
    jitter = _Jitter(feel.jitter_ms * amount, rng)
    timed = []
    for hit in _struck(bar, feel, amount, rng):
        place = _place_steps(hit, feel, voice_swing.get(hit.voice, swing), amount)
        offset_ms = amount * feel.push_ms[hit.voice] + jitter.at(hit.step)
        timed.append(
            (
                hit.step,
                TimedHit(
                    beat=place / STEPS_PER_BEAT,
                    offset_ms=offset_ms,
                    voice=hit.voice,
                    velocity=hit.velocity,
                    openness=hit.openness,
                ),
            )
        )
    return tuple(timed)


def _place_steps(hit: Hit, feel: Feel, swing: float, amount: float) -> float:
    """Return the hit's place in steps: the swung grid, plus the human part as far as `amount` lets it.

    The human part is the micro-timing less the swing that the model has learned. At the style's own
    amount all of it sounds, even where that is small: a drum machine's rolls are micro-timing too.
    """
    unit = feel.swing_unit_steps
    learned = swung_steps(hit.step, feel.learned_swing_percent, unit) - hit.step
    human = hit.micro / TICKS_PER_STEP - learned
    share = max(amount, min(1.0, amount / feel.humanize)) if feel.humanize else amount
    return swung_steps(hit.step, swing, unit) + share * human


def _struck(bar: Bar, feel: Feel, amount: float, rng: random.Random) -> list[Hit]:
    """Return the bar's hits with their sounding velocities, and its ghosts.

    At amount 0 there are no ghosts, and only the loudest hit per voice and step.
    """
    hits = [replace(hit, velocity=_velocity(hit.velocity, feel, amount, rng)) for hit in bar.hits]
    if amount == 0:
        loudest: dict[tuple[int, Voice], Hit] = {}
        for hit in hits:
            key = (hit.step, hit.voice)
            if key not in loudest or hit.velocity > loudest[key].velocity:
                loudest[key] = hit
        return sorted(loudest.values())
    return sorted(hits + _ghosts(bar, feel, amount, rng))


def _ghosts(bar: Bar, feel: Feel, amount: float, rng: random.Random) -> list[Hit]:
    """Return soft snares on off-beat steps where no snare is near, as many as the style asks for."""
    taken = {hit.step for hit in bar.hits if hit.voice in (Voice.SNARE, Voice.SNARE_RIM)}
    free = [
        step
        for step in range(bar.meter.steps)
        if step % BACKBEAT_STEP != 0 and not taken & {step - 1, step, step + 1}
    ]
    if not free or feel.ghosts_per_bar == 0:
        return []
    chance = min(0.8, feel.ghosts_per_bar * min(1.0, amount) / len(free))
    return [
        Hit(step, Voice.SNARE, 0, rng.randint(*feel.ghost_velocity)) for step in free if rng.random() < chance
    ]


def _velocity(velocity: int, feel: Feel, amount: float, rng: random.Random) -> int:
    shaped = VELOCITY_CENTRE + (velocity - VELOCITY_CENTRE) * feel.velocity_contrast
    varied = shaped * feel.velocity_scale * (1 + amount * feel.velocity_jitter * rng.uniform(-1, 1))
    return max(1, min(127, round(varied)))
