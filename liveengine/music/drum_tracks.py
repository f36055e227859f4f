"""Which tracks of a MIDI file are drums: by name, program, channel, notes and lengths together."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from liveengine.errors import MidiError
from liveengine.music.drum_map import (
    EXPLAINED_SHARE,
    KNOWN_MAPS,
    SNARES,
    TIMEKEEPERS,
    DrumMap,
    find_map,
)
from liveengine.music.drums import Voice
from liveengine.music.midi_file import MidiNote, MidiTrack

DRUM_CHANNEL = 10
DRUM_NAMES = re.compile(
    r"\b(?:(?:ez)?drum(?:s|mer|kit|set|line)?|perc(?:ussion)?|kit|kicks?|snares?|hi[- ]?hats?|hats?|toms?"
    r"|cymbals?|crash|ride|overheads|claps?|tambourine|shaker|cowbell|congas?|bongos?|schlagzeug|perkussion"
    r"|batter[ií]a|bater[ií]a|batterie|percusi[oó]n|percussioni|ударные|барабаны|ドラムス?)\b",
    re.IGNORECASE,
)
"""Whole words: Beatles and Heartbeat are no beats."""
OTHER_NAMES = re.compile(
    r"\b(?:(?<!drum )bass(?! drum)|e?piano|guitars?|gtr|lead|synth|strings|violins?|viola|cello|flute|oboe"
    r"|clarinet|sax(?:ophone)?|trumpet|trombone|horns?|brass|organ|keys|keyboards?|rhodes|harp|vocals?|vox|voice"
    r"|choir|melody|marimba|vibraphone|xylophone|glockenspiel|celesta|kalimba|harmonica|accordion|banjo"
    r"|mandolin|ukulele)\b",
    re.IGNORECASE,
)
NEVER_DRUMS = re.compile(r"\b(?:steel ?(?:drum|pan)s?|melodic)\b", re.IGNORECASE)
"""Instruments that play tunes, though one of their words says drums."""
CLICK_NAMES = re.compile(r"\b(?:clicks?|click ?track|metr[oó]nomo|metronome?|count[- ]?in)\b", re.IGNORECASE)
CLICK_NOTES = frozenset((31, 32, 33, 34, 37, 56, 75, 76, 77))
"""What metronomes are: sticks, clicks and bell of GM 2, side stick, cowbell, claves, wood blocks."""
CLICK_SLACK_BEATS = 1 / 16
MAX_CLICKS = 2
"""A metronome has one sound for the first beat and one for the others."""
PITCHED_PROGRAMS = frozenset((*range(1, 112), 113, 114))
"""Programs that play tunes; 0 is also what a track without any has, and from 112 on many are percussion."""
KIT_SHARE = 0.5
"""Of a track named drums whose notes are a kit, so many of them are enough: the others are hand drums."""
MAX_STRAY_NOTES = 3
MAX_TUNE_TOGETHER = 0.05
"""A melody or bass has two notes at once no more often; a kit that plays has them far more often."""
MIN_TUNE_NOTES, MIN_TUNE_PITCHES = 8, 4
HELD_SHARE = 0.75
"""Notes of a tune last so much of the way to the next one."""
BACKBONE_SHARE = 0.6
"""So many strokes of a kit are kick, snare, hats and ride; tunes reach all its numbers alike."""


@dataclass(frozen=True, slots=True)
class DrumTracks:
    """The tracks that are drums, and the others, each with the reason why it was left out."""

    tracks: tuple[MidiTrack, ...]
    left_out: tuple[tuple[MidiTrack, str], ...]


def find_drums(
    tracks: Sequence[MidiTrack], maps: Sequence[DrumMap] = KNOWN_MAPS, wanted: Sequence[str] = ()
) -> DrumTracks:
    """Return the drums among tracks with notes; those that are `wanted`, by number or name, where any is.

    Raises MidiError where there are none, with what each track is, and for a wanted one that is not there.
    """
    if not tracks:
        raise MidiError("expected notes, got none")
    if wanted:
        chosen = {track.number for each in wanted for track in _named(tracks, each)}
        left_out = [(track, "another was asked for") for track in tracks if track.number not in chosen]
        return DrumTracks(tuple(track for track in tracks if track.number in chosen), tuple(left_out))
    against = {track.number: _reason_against(track, maps) for track in tracks}
    possible = [track for track in tracks if not against[track.number]]
    claimed = [track for track in possible if _is_claimed(track)]
    kits = [track for track in possible if not _is_claimed(track)]
    strays = _strays(claimed, kits)
    against |= {track.number: "stray notes beside a whole kit" for track in strays}
    if _are_kit([track for track in claimed if track not in strays], maps):
        against |= {track.number: "a kit by its notes, but others are by channel or name" for track in kits}
    found = tuple(track for track in tracks if not against[track.number])
    if not found:
        reasons = "; ".join(f"{track}: {against[track.number]}" for track in tracks)
        raise MidiError(f"no drums found; {reasons}; say which are drums with --track NUMBER or NAME")
    return DrumTracks(
        found, tuple((track, against[track.number]) for track in tracks if against[track.number])
    )


def _named(tracks: Sequence[MidiTrack], wanted: str) -> list[MidiTrack]:
    """Return the tracks of that name, else of that number, else the one with that in its name; any case."""
    asked = wanted.strip().casefold()
    exact = [track for track in tracks if track.name.casefold() == asked]
    if exact:
        return exact
    numbered = [track for track in tracks if str(track.number) == asked]
    if numbered:
        return numbered
    parts = [track for track in tracks if asked and asked in track.name.casefold()]
    if len(parts) == 1:
        return parts
    known = "; ".join(str(track) for track in parts or tracks)
    raise MidiError(f"--track: expected the number or name of one track, got {wanted!r}; there are {known}")


def _has(track: MidiTrack, words: re.Pattern[str]) -> bool:
    """Return whether a track's name has one of these words; MyDrums_2 is three words."""
    name = re.sub(r"[_\d]+|(?<=[^\W\d_A-Z])(?=[A-Z])", " ", track.name)
    return words.search(name) is not None


def _is_rhythm_channel(track: MidiTrack) -> bool:
    return track.channel == DRUM_CHANNEL or track.drum_bank


def _is_claimed(track: MidiTrack) -> bool:
    """Return whether channel, bank or name say that it is drums."""
    return _is_rhythm_channel(track) or _has(track, DRUM_NAMES)


def _reason_against(track: MidiTrack, maps: Sequence[DrumMap]) -> str:
    """Return why a track is no drums; nothing where it may well be."""
    named = _has(track, DRUM_NAMES)
    if _has(track, CLICK_NAMES) or (_is_metronome(track.notes) and not named):
        return "a metronome"
    called_else = _has(track, NEVER_DRUMS) or (_has(track, OTHER_NAMES) and not named)
    if _is_rhythm_channel(track):
        return "named after another instrument" if called_else and not _is_kit(track.notes, maps) else ""
    if called_else:
        return "named after another instrument"
    pitched = track.program is not None and track.program in PITCHED_PROGRAMS
    if pitched and not (named and _is_kit(track.notes, maps)):
        return f"program {(track.program or 0) + 1} plays another instrument"
    return _notes_against(track, maps, named=named)


def _notes_against(track: MidiTrack, maps: Sequence[DrumMap], *, named: bool) -> str:
    """Return why the notes of a track off the drum channel are no drums; nothing where they may be."""
    if _is_kit(track.notes, maps):
        return ""
    if is_tune(track.notes):
        return "a tune: one note at a time, held to the next"
    if not named:
        return "not on channel 10, not named drums, and its notes are no kit"
    counts = _counts([track])
    known = maps[0].share(counts) >= EXPLAINED_SHARE and not _are_held(track.notes)
    few = len(counts) < MIN_TUNE_PITCHES
    if few or known or _is_kit(track.notes, maps, octaves=True, least_share=KIT_SHARE):
        return ""
    return "named drums, but its notes are no kit"


def _counts(tracks: Sequence[MidiTrack]) -> Counter[int]:
    return Counter(note.note for track in tracks for note in track.notes)


def _is_metronome(notes: Sequence[MidiNote]) -> bool:
    """Return whether one or two clicks strike every beat and nothing else."""
    pitches = {note.note for note in notes}
    beats = [round(note.beat) for note in notes]
    return (
        pitches <= CLICK_NOTES
        and len(pitches) <= MAX_CLICKS
        and len(beats) > MAX_STRAY_NOTES
        and all(abs(note.beat - round(note.beat)) <= CLICK_SLACK_BEATS for note in notes)
        and all(later - beat == 1 for beat, later in pairwise(beats))
    )


def is_tune(notes: Sequence[MidiNote]) -> bool:
    """Return whether notes are a melody or bass line: some pitches, one at a time, held to the next."""
    if len(notes) < MIN_TUNE_NOTES or len({note.note for note in notes}) < MIN_TUNE_PITCHES:
        return False
    return _together(notes) <= MAX_TUNE_TOGETHER and _are_held(notes)


def _are_held(notes: Sequence[MidiNote]) -> bool:
    """Return whether notes last about as long as it is to the next one."""
    onsets = sorted({note.beat for note in notes})
    gap = {beat: later - beat for beat, later in pairwise(onsets)}
    held = [note.length_beats / gap[note.beat] for note in notes if note.beat in gap]
    return bool(held) and statistics.median(held) >= HELD_SHARE


def _together(notes: Sequence[MidiNote]) -> float:
    """Return the share of onsets, rounded to 1/16 beat, at which several notes are struck."""
    at = Counter(round(note.beat * 16) for note in notes)
    return sum(count > 1 for count in at.values()) / max(1, len(at))


def _is_kit(
    notes: Sequence[MidiNote],
    maps: Sequence[DrumMap],
    *,
    octaves: bool = False,
    least_share: float = EXPLAINED_SHARE,
) -> bool:
    """Return whether notes say that they are a kit; in some octave any tune has a kick and a snare."""
    counts = Counter(note.note for note in notes)
    found = find_map(counts, maps, octaves=octaves)
    backbone = {Voice.KICK} | SNARES | TIMEKEEPERS
    strokes = sum(times for note, times in counts.items() if found.voices.get(note) in backbone)
    share = found.share(counts)
    return (
        found.is_kit(counts)
        and share >= least_share
        and strokes >= BACKBONE_SHARE * share * counts.total()
        and _together(notes) > MAX_TUNE_TOGETHER
        and not is_tune(notes)
    )


def _are_kit(tracks: Sequence[MidiTrack], maps: Sequence[DrumMap]) -> bool:
    """Return whether tracks together, each perhaps one drum, have a kick and a snare or a timekeeper."""
    counts = _counts(tracks)
    voices = find_map(counts, maps).reached(counts)
    return Voice.KICK in voices and bool(voices & (SNARES | TIMEKEEPERS))


def _strays(claimed: Sequence[MidiTrack], kits: Sequence[MidiTrack]) -> list[MidiTrack]:
    """Return the tracks on the drum channel where they are a few unnamed notes, and a kit is elsewhere."""
    on_channel = [track for track in claimed if _is_rhythm_channel(track)]
    few = sum(len(track.notes) for track in on_channel) <= MAX_STRAY_NOTES
    unnamed = not any(_has(track, DRUM_NAMES) for track in on_channel)
    elsewhere = bool(kits) or len(on_channel) < len(claimed)
    return on_channel if few and unnamed and elsewhere else []
