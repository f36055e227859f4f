"""Whether a drummer plays its genre and holds it: the cards' facts, and what becomes of bars played alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from liveengine.music.card import Card
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar

DISTANCES = (1, 2, 4, 8)
"""Bars back to which a bar is compared."""
EARLY, LATE, LAST = slice(0, 8), slice(24, 32), slice(56, 64)
"""Bars from a cold start, of the fourth phrase alone, and of the eighth."""
KICK_AND_SNARE = frozenset((Voice.KICK, Voice.SNARE, Voice.SNARE_RIM))
BROKEN, FULL = 0.75, 0.9
"""Of the verse's notes a break has at most the one share, a chorus at least the other."""


@dataclass(frozen=True, slots=True)
class FactShown:
    """How often a fact of a genre was shown, and how often it is expected."""

    genre: str
    text: str
    share: float
    expected: float

    @property
    def holds(self) -> bool:
        """Whether it was shown as often as expected."""
        return self.share >= self.expected


def facts_shown(card: Card, bars: Sequence[Bar]) -> list[FactShown]:
    """Return how often each fact of a card is shown in bars that are no fills."""
    count = max(1, len(bars))
    return [
        FactShown(card.genre, fact.text, sum(fact.shown.holds(bar) for bar in bars) / count, fact.share)
        for fact in card.facts
    ]


def genre_facts(runs: Mapping[str, Sequence[Sequence[Bar]]], cards: Mapping[str, Card]) -> dict[str, float]:
    """Return the share of the cards' facts that hold, bars 1-8 and bars 25-32 of runs by genre."""
    found: dict[str, float] = {}
    for name, part in (("start", EARLY), ("alone", LATE)):
        shown = [
            fact
            for genre, genre_runs in runs.items()
            for fact in facts_shown(cards[genre], [bar for run in genre_runs for bar in run[part]])
        ]
        found[f"genre_facts_{name}"] = float(np.mean([fact.holds for fact in shown])) if shown else 0.0
    return found


def repetition(runs: Sequence[Sequence[Bar]]) -> dict[str, float]:
    """Return how takes of one drummer alone repeat themselves; each run is one take's consecutive bars.

    `onset_f1_N` is the mean F1 of a bar's onsets (voice and sixteenth) with those N bars before,
    `share_same_as_last` the share of bars with just the onsets of the last one, `share_distinct` that of
    distinct bars in a run, and `growth` the notes per bar of bars 25 to 32 against bars 1 to 8, less 1.
    """
    found: dict[str, float] = {}
    onsets = [[_onsets(bar) for bar in run] for run in runs]
    for distance in DISTANCES:
        scores = [
            _f1(run[place], run[place - distance]) for run in onsets for place in range(distance, len(run))
        ]
        found[f"onset_f1_{distance}"] = float(np.mean(scores)) if scores else 0.0
    same = [run[place] == run[place - 1] for run in onsets for place in range(1, len(run))]
    found["share_same_as_last"] = float(np.mean(same)) if same else 0.0
    found["share_distinct"] = float(np.mean([len(set(run)) / len(run) for run in onsets])) if onsets else 0.0
    long_runs = [run for run in runs if len(run) >= LATE.stop]
    early, late = (sum(len(bar.hits) for run in long_runs for bar in run[part]) for part in (EARLY, LATE))
    found["growth"] = late / early - 1 if early else 0.0
    return found


def drift(runs: Sequence[Sequence[Bar]]) -> dict[str, float]:
    """Return what has become of drummers after 64 bars alone, bars 57 to 64 against bars 1 to 8.

    `drift_notes` is the notes per bar, less 1; `drift_kick_snare` by how much the share of strokes that are
    kick or snare rose; `held_groove` the mean onset F1 of a bar with that of the first phrase's same place.
    Shorter runs do not count.
    """
    long_runs = [run for run in runs if len(run) >= LAST.stop]
    if not long_runs:
        return {}
    strokes = [
        [hit.voice for run in long_runs for bar in run[part] for hit in bar.hits] for part in (EARLY, LAST)
    ]
    early, late = (sum(voice in KICK_AND_SNARE for voice in each) / max(1, len(each)) for each in strokes)
    held = [
        _f1(_onsets(now), _onsets(then))
        for run in long_runs
        for now, then in zip(run[LAST], run[EARLY], strict=True)
    ]
    return {
        "drift_notes": len(strokes[1]) / max(1, len(strokes[0])) - 1,
        "drift_kick_snare": late - early,
        "held_groove": float(np.mean(held)),
    }


def section_facts(songs: Sequence[Mapping[str, Sequence[Bar]]]) -> dict[str, float]:
    """Return whether sections do what they are for: the share of songs in which each does.

    A song has the bars, fills left out, of its "verse", "chorus" and "break". `chorus_lifts` where the chorus
    is louder than the verse with at least nine tenths of its notes a bar; `break_breaks` where the break has
    at most three quarters of them.
    """

    def notes(bars: Sequence[Bar]) -> float:
        return sum(len(bar.hits) for bar in bars) / max(1, len(bars))

    def loudness(bars: Sequence[Bar]) -> float:
        struck = [hit.velocity for bar in bars for hit in bar.hits]
        return sum(struck) / max(1, len(struck))

    lifts = [
        loudness(song["chorus"]) > loudness(song["verse"])
        and notes(song["chorus"]) >= FULL * notes(song["verse"])
        for song in songs
    ]
    breaks = [notes(song["break"]) <= BROKEN * notes(song["verse"]) for song in songs]
    return {
        "chorus_lifts": float(np.mean(lifts)) if songs else 0.0,
        "break_breaks": float(np.mean(breaks)) if songs else 0.0,
    }


def _onsets(bar: Bar) -> frozenset[tuple[int, int]]:
    return frozenset((int(hit.voice), hit.step) for hit in bar.hits)


def _f1(one: frozenset[tuple[int, int]], other: frozenset[tuple[int, int]]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 1.0
