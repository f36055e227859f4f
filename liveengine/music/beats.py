"""Musical time: meters, the beat map between beats and microseconds, and bar arithmetic.

A *beat* is a quarter note, as in Ableton Link. A *step* is a sixteenth note. A *tick* is 1/48 beat,
the resolution of the model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from liveengine.errors import ContractError

STEPS_PER_BEAT = 4
TICKS_PER_STEP = 12
TICKS_PER_BEAT = STEPS_PER_BEAT * TICKS_PER_STEP
US_PER_MINUTE = 60_000_000.0
TEMPO_MIN_BPM = 20.0
"""Ableton Link clamps tempo to 20-999 bpm (Link TEST-PLAN.md, TEMPO)."""
TEMPO_MAX_BPM = 999.0
MAX_STEPS = 32
"""Longest bar that the tokens can address, in sixteenths (8/4)."""


def check_bpm(bpm: float, where: str) -> float:
    """Return `bpm` if it lies in Link's range of 20 to 999.

    Raises ContractError naming `where` otherwise.
    """
    if not (TEMPO_MIN_BPM <= bpm <= TEMPO_MAX_BPM):  # also refuses NaN
        raise ContractError(
            f"{where}: expected a tempo from {TEMPO_MIN_BPM:g} to {TEMPO_MAX_BPM:g} bpm, got {bpm:g}"
        )
    return bpm


def nearest_bpm(bpm: float) -> float:
    """Return the tempo in Link's range that is nearest."""
    return max(TEMPO_MIN_BPM, min(TEMPO_MAX_BPM, bpm))


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature; 7/8 is Meter(7, 8)."""

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        """Refuse denominators other than 2, 4, 8, 16 and bars longer than 32 sixteenths."""
        if self.denominator not in (2, 4, 8, 16):
            raise ContractError(f"time signature {self}: expected a denominator of 2, 4, 8 or 16")
        if not 1 <= self.numerator * 16 // self.denominator <= MAX_STEPS:
            raise ContractError(f"time signature {self}: expected a bar of 1 to {MAX_STEPS} sixteenths")

    @property
    def steps(self) -> int:
        """Sixteenths in a bar."""
        return self.numerator * 16 // self.denominator

    @property
    def beats(self) -> float:
        """Quarter notes in a bar (2.5 for 5/8)."""
        return self.numerator * 4 / self.denominator

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


FOUR_FOUR = Meter(4, 4)
METERS: tuple[Meter, ...] = tuple(
    Meter(numerator, denominator)
    for denominator, numerators in ((4, (2, 3, 4, 5, 6, 7)), (8, (3, 5, 6, 7, 9, 11, 12)))
    for numerator in numerators
)
"""All meters that drums are made in: those of the Groove MIDI Dataset and their neighbours."""


def read_meter(written: str) -> Meter:
    """Return the time signature written such as 7/8. Raises ContractError for anything else."""
    numerator, _, denominator = written.partition("/")
    if not (numerator.strip().isdecimal() and denominator.strip().isdecimal()):
        raise ContractError(f"time signature: expected one such as 4/4 or 7/8, got {written!r}")
    return Meter(int(numerator), int(denominator))


def meter_for_quantum(quantum_beats: float) -> Meter:
    """Return the bar that fits a Link quantum: 3 -> 3/4, 5 -> 5/4, 2.5 -> 5/8; 1, 2, 4, 8, 16 -> 4/4.

    Halves of beats end at 11/8, the longest odd bar of eighths that the tokens know.

    Raises ContractError when no whole bar fits the quantum.
    """
    if quantum_beats in (1, 2) or (quantum_beats >= 4 and quantum_beats % 4 == 0):
        return FOUR_FOUR
    if 2 < quantum_beats <= 8 and quantum_beats == int(quantum_beats):
        return Meter(int(quantum_beats), 4)
    if 2 < quantum_beats < 6 and quantum_beats * 2 == int(quantum_beats * 2):
        return Meter(int(quantum_beats * 2), 8)
    if quantum_beats > 8 and quantum_beats % 3 == 0:
        return Meter(3, 4)
    raise ContractError(
        "quantum: expected 1 to 7 beats, 2.5, 3.5, 4.5, 5.5, or a multiple of 3 or 4 beats, "
        f"got {quantum_beats:g}"
    )


@dataclass(frozen=True, slots=True)
class BeatMap:
    """A straight line between session beats and Link microseconds: `beat` at `time_us`, moving at `bpm`."""

    time_us: float
    beat: float
    bpm: float

    @property
    def us_per_beat(self) -> float:
        """Microseconds a beat lasts."""
        return US_PER_MINUTE / self.bpm

    def beat_at(self, time_us: float) -> float:
        """Return the beat at a moment."""
        return self.beat + (time_us - self.time_us) / self.us_per_beat

    def time_at(self, beat: float) -> float:
        """Return the moment of a beat, in microseconds."""
        return self.time_us + (beat - self.beat) * self.us_per_beat

    def with_tempo(self, bpm: float, at_us: float) -> BeatMap:
        """Return the map that continues this one with another tempo from `at_us` on; no beat is skipped."""
        return BeatMap(at_us, self.beat_at(at_us), bpm)


def next_multiple(beat: float, quantum_beats: float, tolerance_beats: float = 1e-6) -> float:
    """Return the first multiple of the quantum at or after `beat`."""
    return math.ceil((beat - tolerance_beats) / quantum_beats) * quantum_beats


def last_multiple(beat: float, quantum_beats: float, tolerance_beats: float = 1e-6) -> float:
    """Return the last multiple of the quantum at or before `beat`."""
    return math.floor((beat + tolerance_beats) / quantum_beats) * quantum_beats
