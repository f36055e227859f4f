"""Genre cards as values: which drum strikes where and how often, how a phrase is shaped, what must hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR, STEPS_PER_BEAT, TICKS_PER_STEP, Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import MICRO_MIN
from liveengine.music.requirement import Requirement

STEP_NAMES = ("", "e", "&", "a")
"""How the sixteenths of a beat are counted: 2, 2e, 2&, 2a."""
ALWAYS = "Xxsg"
"""Symbols of strokes that are always there: accent, stroke, soft stroke, ghost. Digits are odds in tenths."""
EMPTY = ".-"
SILENT = "."


def step_named(name: str) -> int:
    """Return the step of a place as drummers count it: "1" is 0, "2&" is 6, "4a" is 15.

    Raises ContractError for anything else.
    """
    match = re.fullmatch(r"([1-8])([e&a]?)", name.strip())
    if not match:
        raise ContractError(f"expected a place such as 1, 2e, 3& or 4a, got {name!r}")
    return (int(match[1]) - 1) * STEPS_PER_BEAT + STEP_NAMES.index(match[2])


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that defines a genre: bars show it in a `share` (0-1) of those that are no fills.

    `must` makes a bar that lacks it be written again before it is played.
    """

    text: str
    shown: Requirement
    source: str
    share: float = 0.9
    must: bool = False

    def __post_init__(self) -> None:
        """Refuse shares outside 0-1."""
        if not 0 < self.share <= 1:
            raise ContractError(
                f"fact {self.text!r}: expected a share above 0, at most 1, got {self.share:g}"
            )


@dataclass(frozen=True, slots=True)
class Cell:
    """A stroke that a row may have: its place in ticks (1/48 beat) from the bar line, its symbol."""

    tick: int
    symbol: str


Row = tuple[tuple[Cell, ...], ...]
"""The cells of one drum, bar by bar."""


def row_of(text: str, meter: Meter) -> Row:
    """Return the row that a line such as `X...x..2|X...x...` spells; bars are parted by `|`.

    A bar's number of characters is its grid: 16 for sixteenths, 8 for eighths, 12 for triplets of eighths, 24
    and 32 for finer ones. Spaces are for the eye. Raises ContractError where a grid does not fit the meter or
    a character is unknown.
    """
    bars = []
    ticks = meter.steps * TICKS_PER_STEP
    for part in text.replace(" ", "").split("|"):
        if not part or ticks % len(part):
            raise ContractError(
                f"row {text!r}: expected a grid that divides {ticks} ticks, got {len(part)} cells"
            )
        unknown = sorted({each for each in part if each not in ALWAYS + EMPTY and each not in "123456789"})
        if unknown:
            raise ContractError(f"row {text!r}: expected {ALWAYS}, 1-9 or '.', got {''.join(unknown)}")
        width = ticks // len(part)
        bars.append(tuple(Cell(place * width, each) for place, each in enumerate(part) if each not in EMPTY))
    return tuple(bars)


def step_and_micro(tick: int) -> tuple[int, int]:
    """Return (step, micro-timing in ticks) of a place in ticks from the bar line."""
    step, micro = divmod(tick - MICRO_MIN, TICKS_PER_STEP)
    return step, micro + MICRO_MIN


@dataclass(frozen=True, slots=True)
class Roll:
    """A burst of strokes in place of a row's own: at one of `at` (steps), `beats` long, in `strokes` parts.

    `odds` is how often a bar has one.
    """

    voice: Voice
    odds: float
    at: tuple[int, ...]
    beats: float
    strokes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Fill:
    """A fill: `rows` take over from a step on; the `keep` drums go on with the groove beneath."""

    begin: int
    rows: Mapping[Voice, Row]
    keep: frozenset[Voice] = frozenset()


@dataclass(frozen=True, slots=True)
class Family:
    """One way of playing a genre. Each drum has alternative rows, of which a take holds one.

    `ghosts` are rows of soft strokes. `weight` is its share among the families.
    """

    name: str
    rows: Mapping[Voice, tuple[Row, ...]]
    weight: float = 1.0
    meter: Meter = FOUR_FOUR
    tempo_bpm: tuple[float, float] | None = None
    ghosts: Mapping[Voice, tuple[Row, ...]] = field(default_factory=dict)
    rolls: tuple[Roll, ...] = ()


NEARLY_EVERY = 0.8
"""Share of a genre's bars from which on a fact belongs to a first bar."""
FORMS = ("AAABAAAF", "AABAAAAF", "AAAAAAAF", "AAABAAAB", "AABAAABF", "AAAFAAAF")
"""Phrases of eight bars: A the idea, B its turn, F a fill."""


@dataclass(frozen=True, slots=True)
class Card:
    """What makes a genre.

    `machine` genres sit on the grid and say so; the timing of others is left to human playing. `vary` is how
    often, 0-1, each of a take's likely strokes is otherwise than its idea in a bar. `landing` are the drums
    that answer a fill on the next one. `kin` are the genres that it resembles, with weights that sum to 1: of
    them it has its human timing where no takes of its own exist.
    """

    genre: str
    title: str
    tempo_bpm: tuple[float, float]
    facts: tuple[Fact, ...]
    families: tuple[Family, ...]
    fills: tuple[Fill, ...]
    machine: bool = False
    vary: float = 0.08
    landing: tuple[Voice, ...] = (Voice.KICK, Voice.CRASH)
    forms: tuple[str, ...] = FORMS
    velocities: Mapping[str, int] = field(default_factory=dict)
    kin: Mapping[str, float] = field(default_factory=dict)

    @property
    def musts(self) -> tuple[Requirement, ...]:
        """What no bar may lack."""
        return tuple(fact.shown for fact in self.facts if fact.must)

    @property
    def opening(self) -> tuple[Requirement, ...]:
        """What a first bar must show: all that nearly every bar of the genre does."""
        return tuple(fact.shown for fact in self.facts if fact.must or fact.share >= NEARLY_EVERY)
