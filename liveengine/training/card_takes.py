"""Takes made from genre cards: one idea, held, varied at the ends of phrases, with its dice from a seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from liveengine.music.beats import FOUR_FOUR, TICKS_PER_BEAT, TICKS_PER_STEP
from liveengine.music.card import Card, Family, Fill, Row, step_and_micro
from liveengine.music.drums import Voice
from liveengine.music.pattern import MICRO_MAX, MICRO_MIN, Bar, Hit
from liveengine.training.corpus import Take

VELOCITIES: Mapping[str, int] = {"X": 114, "x": 96, "s": 68, "g": 30, "odds": 82}
"""Velocities of a row's symbols where the card says nothing; "odds" is that of strokes written as digits."""
SPREAD = {True: 3, False: 7}
"""Standard deviation of velocities, of machine genres and of human ones."""
GHOST_VELOCITIES = (20, 40)
LENGTHS = (8, 16, 16, 16, 24, 32)
"""Bars of a take."""
MOVES_ON = 0.35
"""How often a take's fullness changes with a phrase."""
DRIFT_MS, OWN_MS, VOICE_MS = 6.0, 4.0, 4.0
"""Human looseness: of the kit, of each stroke, and of a drummer's limbs against each other; not learned."""
Loose = dict[Voice, float]


@dataclass(frozen=True, slots=True)
class _Stroke:
    """A stroke that a take's idea may have: there where its chance at the take's fullness exceeds its die."""

    tick: int
    velocity: int
    odds: float
    die: float

    def there(self, fullness: float) -> bool:
        return self.odds >= 1 or self.die < 1 - (1 - self.odds) ** (2 * fullness)


_Idea = dict[Voice, list[list[_Stroke]]]
"""Strokes of each drum, bar by bar."""


def card_takes(cards: Sequence[Card], bars_each: int, seed: int, split: str = "train") -> list[Take]:
    """Return takes of all cards, at least `bars_each` bars of each genre; the same for the same seed."""
    return [take for card in cards for take in _takes(card, bars_each, seed, split)]


def _takes(card: Card, bars_each: int, seed: int, split: str) -> Iterator[Take]:
    rng = random.Random(f"{seed}/{split}/{card.genre}")
    made = number = 0
    while made < bars_each:
        take = card_take(card, rng, f"cards/{card.genre}/{split}-{seed}-{number}", split)
        made += len(take.bars)
        number += 1
        yield take


def card_take(card: Card, rng: random.Random, name: str, split: str = "train") -> Take:
    """Return one take: a family, a tempo, an idea, and phrases made of it."""
    family = rng.choices(card.families, [each.weight for each in card.families])[0]
    low, high = family.tempo_bpm or card.tempo_bpm
    bpm = float(round(rng.uniform(low, high)))
    levels = {**VELOCITIES, **card.velocities}
    spread = levels.pop("spread", SPREAD[card.machine])
    player = _Player(card, family, rng, levels=levels, spread=spread, bpm=bpm)
    return Take(
        name=name,
        drummer="cards",
        genre=card.genre,
        style=f"{card.genre}/{family.name}",
        bpm=bpm,
        is_fill=False,
        split=split,
        bars=tuple(player.bars(rng.choice(LENGTHS))),
        grid_bound=not card.machine,
        authored=True,
    )


class _Player:
    """Plays one take."""

    def __init__(
        self,
        card: Card,
        family: Family,
        rng: random.Random,
        *,
        levels: Mapping[str, int],
        spread: float,
        bpm: float,
    ) -> None:
        self._card, self._family, self._levels, self._spread, self._rng = card, family, levels, spread, rng
        self._gain = rng.triangular(0.65, 1.12, 1.0)
        self._ms_per_tick = 60_000 / bpm / TICKS_PER_BEAT
        self._idea = self._ideas(family.rows, ghosts=False)
        for voice, bars in self._ideas(family.ghosts, ghosts=True).items():
            self._idea[voice] = _joined(self._idea.get(voice), bars)
        self._turn = self._turned(self._idea)
        self._fills = rng.sample(card.fills, min(2, len(card.fills)))
        self._rolls = [roll for roll in family.rolls if rng.random() < 0.85]
        self._loose: Loose = {voice: rng.gauss(0, VOICE_MS) for voice in Voice}
        self._drift = 0.0

    def _ideas(self, rows: Mapping[Voice, tuple[Row, ...]], *, ghosts: bool) -> _Idea:
        return {
            voice: [self._strokes(bar, ghosts) for bar in self._rng.choice(choices)]
            for voice, choices in rows.items()
        }

    def _strokes(self, cells: Sequence[object], ghosts: bool) -> list[_Stroke]:
        strokes = []
        for cell in cells:
            symbol, tick = cell.symbol, cell.tick  # type: ignore[attr-defined]
            odds = int(symbol) / 10 if symbol.isdigit() else 1.0
            level = self._levels["odds" if symbol.isdigit() else symbol]
            if symbol.isdigit() and tick % (2 * TICKS_PER_STEP):
                level = round(level * 0.85)
            if ghosts:
                level = self._rng.randint(*GHOST_VELOCITIES)
            strokes.append(_Stroke(tick, level, odds, self._rng.random()))
        return strokes

    def _turned(self, idea: _Idea) -> _Idea:
        """Return the idea's turn: the same with new dice for some of its likely strokes."""
        turned = {voice: [list(bar) for bar in bars] for voice, bars in idea.items()}
        likely = [
            (voice, bar, place)
            for voice, bars in turned.items()
            for bar, strokes in enumerate(bars)
            for place, stroke in enumerate(strokes)
            if stroke.odds < 1
        ]
        for voice, bar, place in self._rng.sample(likely, min(len(likely), self._rng.randint(1, 4))):
            stroke = turned[voice][bar][place]
            turned[voice][bar][place] = replace(stroke, die=(stroke.die + 0.5) % 1)
        return turned

    def bars(self, count: int) -> Iterator[Bar]:
        """Yield the bars of the take."""
        fullness = self._rng.random()
        form = self._rng.choice(self._card.forms)
        landing = False
        for index in range(count):
            if index and index % 8 == 0:
                form = self._rng.choice(self._card.forms)
                if self._rng.random() < MOVES_ON:
                    fullness = self._rng.random()
            letter = form[index % 8]
            fills = self._fills and self._family.meter == FOUR_FOUR
            strokes = self._groove(self._turn if letter == "B" else self._idea, index, fullness)
            if letter == "F" and fills:
                strokes = self._filled(strokes, self._rng.choice(self._fills))
            if landing:
                strokes = self._landed(strokes)
            landing = bool(letter == "F" and fills)
            yield self._bar(strokes)

    def _groove(self, idea: _Idea, index: int, fullness: float) -> dict[tuple[Voice, int], int]:
        found: dict[tuple[Voice, int], int] = {}
        for voice, bars in idea.items():
            for stroke in bars[index % len(bars)]:
                there = stroke.there(fullness)
                if stroke.odds < 1 and self._rng.random() < self._card.vary:
                    there = self._rng.random() < stroke.odds and not there
                if there:
                    found[voice, stroke.tick] = max(stroke.velocity, found.get((voice, stroke.tick), 0))
        for roll in self._rolls:
            if self._rng.random() < roll.odds * min(1.0, 0.5 + fullness):
                start, length = self._rng.choice(roll.at) * TICKS_PER_STEP, round(roll.beats * TICKS_PER_BEAT)
                for key in [
                    key for key in found if key[0] is roll.voice and start <= key[1] < start + length
                ]:
                    del found[key]
                strokes = self._rng.choice(roll.strokes)
                level = self._levels["odds"]
                for each in range(strokes):
                    rise = 0.75 + 0.3 * each / max(1, strokes - 1)
                    found[roll.voice, start + round(each * length / strokes)] = round(level * rise)
        for _, tick in [key for key in found if key[0] is Voice.OPEN_HAT]:  # one hat is open or shut
            found.pop((Voice.CLOSED_HAT, tick), None)
            found.pop((Voice.PEDAL_HAT, tick), None)
        return found

    def _filled(self, groove: dict[tuple[Voice, int], int], fill: Fill) -> dict[tuple[Voice, int], int]:
        begin = fill.begin * TICKS_PER_STEP
        found = {key: each for key, each in groove.items() if key[1] < begin or key[0] in fill.keep}
        for voice, row in fill.rows.items():
            for stroke in self._strokes(row[0], ghosts=False):
                if stroke.tick >= begin and stroke.die < stroke.odds:
                    found[voice, stroke.tick] = stroke.velocity
        return found

    def _landed(self, groove: dict[tuple[Voice, int], int]) -> dict[tuple[Voice, int], int]:
        landed = dict(groove)
        for voice in self._card.landing:
            landed[voice, 0] = self._levels["X"]
        if any(voice in (Voice.CRASH, Voice.CRASH_2) for voice in self._card.landing):
            for voice in (Voice.CLOSED_HAT, Voice.OPEN_HAT, Voice.RIDE):
                landed.pop((voice, 0), None)
        return landed

    def _bar(self, strokes: Mapping[tuple[Voice, int], int]) -> Bar:
        meter = self._family.meter
        hits: dict[tuple[int, Voice, int], Hit] = {}
        last = -1
        for (voice, tick), level in sorted(strokes.items(), key=lambda each: (each[0][1], each[0][0])):
            step, micro = step_and_micro(tick)
            if not self._card.machine:
                if tick != last:
                    self._drift = 0.4 * self._drift + self._rng.gauss(0, DRIFT_MS)
                    last = tick
                offset_ms = self._drift + self._loose[voice] + self._rng.gauss(0, OWN_MS)
                micro += round(offset_ms / self._ms_per_tick)
                micro = max(MICRO_MIN, min(MICRO_MAX, micro))
            velocity = round(level * self._gain + self._rng.gauss(0, self._spread))
            if step < meter.steps:
                hits[step, voice, micro] = Hit(step, voice, micro, max(1, min(127, velocity)))
        return Bar(meter, tuple(sorted(hits.values())))


def _joined(one: list[list[_Stroke]] | None, other: list[list[_Stroke]]) -> list[list[_Stroke]]:
    """Return two drums' bars as one, as long as the longer of them."""
    if one is None:
        return other
    return [one[index % len(one)] + other[index % len(other)] for index in range(max(len(one), len(other)))]
