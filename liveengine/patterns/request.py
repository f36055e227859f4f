"""What a pattern is asked to be, from the command line, over HTTP and between machines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from liveengine.errors import ContractError
from liveengine.midi.file import TakeNote
from liveengine.music.beats import FOUR_FOUR, Meter, check_bpm, read_meter
from liveengine.music.checks import checked_number, checked_text, checked_whole
from liveengine.music.control import check_level
from liveengine.music.pattern import Bar
from liveengine.patterns.sections import SECTIONS
from liveengine.tokens import vocabulary

MOST_BARS = 64
MOST_SEED = 2**63 - 1
NUMBERS = ("bpm", "density", "energy", "humanize", "swing_percent")
NAMES = {"bpm": "tempo"}
"""What a user calls a field, where that is not its name."""
WHOLE = {"bars": (1, MOST_BARS), "seed": (0, MOST_SEED), "fill_every": (0, MOST_BARS)}


@dataclass(frozen=True, slots=True)
class Given:
    """A beat that a pattern goes on from, or in which bars are made again.

    `bars` are what the model reads of it, `notes` its own notes, to the tick. `unread` notes of it have no
    voice in the kit. `remarks` are sentences on what was read, and what was left out.
    """

    meter: Meter
    bpm: float | None
    bars: tuple[Bar, ...]
    notes: tuple[TakeNote, ...]
    unread: int = 0
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PatternRequest:
    """Drums of some bars. None leaves a thing to the style, or to the section.

    `fill_every` is in bars, 0 for no fills. `humanize` 0 is on the grid. Without a section the bars are
    like those played live. With a `given` beat the pattern goes on from it, or makes the bars `remade` of
    it again (they count from 0).
    """

    style: str
    bars: int = 4
    meter: Meter = FOUR_FOUR
    bpm: float | None = None
    seed: int = 0
    density: float | None = None
    energy: float | None = None
    fill_every: int | None = None
    humanize: float | None = None
    swing_percent: float | None = None
    kit: str = "gm"
    section: str | None = None
    remade: tuple[int, ...] = ()
    given: Given | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse values out of range, and bars to make again that are not there."""
        for name in ("style", "kit"):
            checked_text(name, getattr(self, name))
        for name, (low, high) in WHOLE.items():
            value = getattr(self, name)
            if value is not None or name != "fill_every":
                object.__setattr__(self, name, checked_whole(name, value, low, high))
        vocabulary.bar_id(self.meter)
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None:  # 95 and 95.0 are one tempo, and one file
                object.__setattr__(self, name, checked_number(NAMES.get(name, name), value))
        if self.bpm is not None:
            check_bpm(self.bpm, NAMES["bpm"])
        for name in NUMBERS[1:]:
            value = getattr(self, name)
            if value is not None:
                check_level(name, value)
        if self.section is not None and self.section not in SECTIONS:
            raise ContractError(f"section: expected one of {', '.join(SECTIONS)}; got {self.section!r}")
        self._check_given()

    def _check_given(self) -> None:
        if self.given is None:
            if self.remade:
                raise ContractError("bars to make again: expected a beat that holds them, got none")
            return
        if self.given.meter != self.meter:
            raise ContractError(
                f"time signature: expected {self.given.meter} as in the beat, got {self.meter}"
            )
        there = len(self.given.bars)
        missing = [index + 1 for index in self.remade if not 0 <= index < there]
        if missing:
            raise ContractError(f"bars to make again: expected 1 to {there}, got {missing[0]}")
        if self.remade and self.bars != there:
            raise ContractError(f"bars: expected {there}, as in the beat, got {self.bars}")

    def written(self) -> dict[str, Any]:
        """Return the request as plain values; a given beat is not among them."""
        fields = {name: value for name, value in asdict(self).items() if name != "given"}
        return {**fields, "meter": str(self.meter), "remade": list(self.remade)}


def read_request(written: Mapping[str, Any]) -> PatternRequest:
    """Return the request that `written` gave. Raises ContractError for anything else."""
    try:
        meter, remade = read_meter(str(written["meter"])), tuple(written["remade"])
        return PatternRequest(**{**written, "meter": meter, "remade": remade})
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(f"pattern: expected the fields of a request, got: {error}") from error
