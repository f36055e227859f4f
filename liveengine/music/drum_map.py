"""Drum maps: which voice each MIDI note is, and which map makes sense of a file's notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liveengine.music.drums import PITCH_TO_VOICE, Voice
from liveengine.music.kit import KitMap

EXPLAINED_SHARE = 0.9
"""A map explains notes if it has a voice for so many of them."""
PERCUSSION_FROM = 60
"""From this note on General MIDI has hand drums and small percussion, with which no kit is explained."""
SHIFTS = (-12, 12, -24, 24)
"""Octaves by which instruments number the same kit differently, in semitones."""
KICKS_AND_SNARES = frozenset((Voice.KICK, Voice.SNARE, Voice.SNARE_RIM, Voice.RIM))
SNARES = KICKS_AND_SNARES - {Voice.KICK}
TIMEKEEPERS = frozenset((Voice.CLOSED_HAT, Voice.OPEN_HAT, Voice.PEDAL_HAT, Voice.RIDE, Voice.BELL))
TOLD_NOTES = 8
"""So many unknown notes are named in one message."""

Counts = Mapping[int, int]
"""How often each note is struck."""


@dataclass(frozen=True, slots=True)
class DrumMap:
    """Which voice each MIDI note is; None for notes that are to be left out knowingly."""

    title: str
    voices: Mapping[int, Voice | None]

    def share(self, counts: Counts) -> float:
        """Return how much of `counts` the map explains."""
        explained = sum(times for note, times in counts.items() if note in self.voices)
        return explained / max(1, sum(counts.values()))

    def reached(self, counts: Counts) -> set[Voice]:
        """Return the voices that these notes are."""
        found = (self.voices.get(note) for note in counts)
        return {voice for voice in found if voice is not None}

    def is_kit(self, counts: Counts) -> bool:
        """Return whether the notes have a kick, a snare and hats or a ride under this map."""
        voices = self.reached(counts)
        return Voice.KICK in voices and bool(voices & SNARES) and bool(voices & TIMEKEEPERS)

    def completed(self) -> DrumMap:
        """Return the map with General MIDI's voices for the notes that it does not use itself."""
        return DrumMap(self.title, {**PITCH_TO_VOICE, **self.voices})

    def shifted(self, semitones: int) -> DrumMap:
        """Return the map of a kit that is numbered by whole octaves higher or lower."""
        octaves = f"{abs(semitones) // 12} octave{'s' if abs(semitones) > 12 else ''}"
        title = f"{self.title}, {octaves} {'higher' if semitones > 0 else 'lower'}"
        return DrumMap(title, {note + semitones: voice for note, voice in self.voices.items()})


GENERAL_MIDI = DrumMap("General MIDI", PITCH_TO_VOICE)
TOONTRACK = DrumMap(
    "Superior Drummer and EZdrummer",
    {
        **PITCH_TO_VOICE,
        21: Voice.PEDAL_HAT,
        22: Voice.CLOSED_HAT,
        23: Voice.PEDAL_HAT,
        24: Voice.OPEN_HAT,
        25: Voice.OPEN_HAT,
        26: Voice.OPEN_HAT,
        60: Voice.OPEN_HAT,
        61: Voice.CLOSED_HAT,
        62: Voice.CLOSED_HAT,
        63: Voice.CLOSED_HAT,
        64: Voice.CLOSED_HAT,
        65: Voice.CLOSED_HAT,
    },
)
"""Toontrack's layout: General MIDI, and hi-hats from tight (62) to open (60) beside it."""
ADDICTIVE_DRUMS = DrumMap(
    "Addictive Drums",
    {
        36: Voice.KICK,
        37: Voice.SNARE_RIM,
        38: Voice.SNARE,
        42: Voice.RIM,
        44: Voice.RIM,
        48: Voice.PEDAL_HAT,
        **dict.fromkeys((49, 50, 51, 52, 53), Voice.CLOSED_HAT),
        **dict.fromkeys((54, 55, 56, 57, 58), Voice.OPEN_HAT),
        59: Voice.PEDAL_HAT,
        60: Voice.RIDE,
        61: Voice.BELL,
        62: Voice.RIDE,
        65: Voice.LOW_TOM,
        67: Voice.LOW_TOM,
        69: Voice.MID_TOM,
        71: Voice.HIGH_TOM,
        77: Voice.CRASH,
        79: Voice.CRASH_2,
        81: Voice.CRASH_2,
    },
)
"""XLN Audio's own layout, in which General MIDI's cymbals are hi-hats."""
KNOWN_MAPS = (GENERAL_MIDI, TOONTRACK, ADDICTIVE_DRUMS)


def map_of_kit(kit: KitMap) -> DrumMap:
    """Return which voice a kit's notes are: of articulations on one note the first; else as General MIDI."""
    return DrumMap(kit.name, kit.voices()).completed()


def find_map(counts: Counts, maps: Sequence[DrumMap] = KNOWN_MAPS, *, octaves: bool = True) -> DrumMap:
    """Return the map under which notes make most sense.

    That is the first of `maps` wherever it explains them. Else it is the one under which they are a kit, that
    explains most, and has most strokes on hats and ride; of equals the first. Where they are a kit under the
    first, only whole octaves higher or lower can be meant instead; these explain nearly all.
    """
    first = maps[0]
    if len(maps) == 1 or _explains(first, counts):
        return first
    shifted = [first.shifted(shift) for shift in SHIFTS] if octaves else []
    kits = [each for each in shifted if each.is_kit(counts) and each.share(counts) >= EXPLAINED_SHARE]

    def sense(candidate: DrumMap) -> tuple[bool, float, int]:
        is_kit = candidate.is_kit(counts)
        kept_time = sum(times for note, times in counts.items() if candidate.voices.get(note) in TIMEKEEPERS)
        return is_kit, round(candidate.share(counts), 2), kept_time if is_kit else 0

    return max((first, *(() if first.is_kit(counts) else maps[1:]), *kits), key=sense)


def _explains(first: DrumMap, counts: Counts) -> bool:
    """Return whether a map has voices for nearly all, by pieces of a kit, and one is a kick or a snare."""
    hand_drums = {note for note in PITCH_TO_VOICE if note >= PERCUSSION_FROM}
    pieces = sum(times for note, times in counts.items() if note in first.voices.keys() - hand_drums)
    explained = pieces >= EXPLAINED_SHARE * sum(counts.values())
    return explained and bool(first.reached(counts) & KICKS_AND_SNARES)


def told_notes(unknown: Sequence[tuple[int, int]]) -> str:
    """Return "61 (12 times), 62 (3 times)" and how many more there are."""
    shown = ", ".join(f"{note} ({times} times)" for note, times in unknown[:TOLD_NOTES])
    more = len(unknown) - TOLD_NOTES
    return f"{shown} and {more} more" if more > 0 else shown
