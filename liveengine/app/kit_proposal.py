"""What `liveengine kit-from` proposes: which kit was played in a MIDI file, and what its other notes are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import mido

from liveengine.config.kits import kit_names, kit_text, load_kit
from liveengine.config.user_files import free_path, save_text
from liveengine.errors import MidiError
from liveengine.music.drums import GENERAL_MIDI_NOTES, PITCH_TO_VOICE, Voice
from liveengine.music.kit import GENERAL_MIDI_KIT, Articulation, HatPedal, KitMap, voice_of

DRUM_CHANNEL = 10
PEDAL_LEAST_MOVES = 4
"""A controller that moves less often than this is no hi-hat's pedal."""
PEDAL_CONTROLLERS = (4, 1, 2, 16, 17, 18, 19)
"""Foot controller, and what drum modules may send the pedal as instead; the first that moves is it."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a take has: how often each note was struck, at which channel most, and where controllers stood.

    `positions` are, by controller, the values in force at the strokes of each note.
    """

    channel: int
    notes: Mapping[int, int]
    velocities: Mapping[int, tuple[int, int]]
    positions: Mapping[int, Mapping[int, Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A kit that fits a take: like which one, with what in its own words; the notes that nothing explains."""

    kit: KitMap
    like: KitMap
    unexplained: tuple[int, ...]
    comments: tuple[str, ...]

    @property
    def text(self) -> str:
        """The kit's file."""
        return kit_text(self.kit, self.like, self.comments)


def propose(path: Path, title: str) -> Proposal:
    """Return a kit that fits the take of a MIDI file.

    Raises MidiError where that is no MIDI file, or has no drums.
    """
    played = read_played(path)
    like = _best_fit(played.notes)
    known = {note for _, note in like.table()}
    unexplained = tuple(sorted(note for note in played.notes if note not in known))
    pedal = _pedal(played, like)
    kit = replace(like, name=path.stem, channel=played.channel, title=title, source="", pedal=pedal)
    return Proposal(kit, like, unexplained, tuple(_comments(path, played, like, unexplained)))


def write_proposal(proposal: Proposal, out: Path) -> Path:
    """Write the kit's file beside those that there are; raises ConfigError where it cannot be written."""
    return save_text(free_path(out), proposal.text)


def read_played(path: Path) -> Played:
    """Return what a take has. Raises MidiError where it is no MIDI file, or nothing is struck in it."""
    try:
        file = mido.MidiFile(path)
    except (OSError, ValueError, EOFError, KeyError) as error:
        raise MidiError(f"{path}: expected a MIDI file, got: {error}") from error
    struck: Counter[tuple[int, int]] = Counter()
    velocities: dict[int, tuple[int, int]] = {}
    positions: dict[int, dict[int, list[int]]] = {}
    at: dict[int, int] = {}
    messages = [message for message in mido.merge_tracks(file.tracks) if not message.is_meta]
    drums = any(message.type == "note_on" and message.channel == DRUM_CHANNEL - 1 for message in messages)
    for message in messages:
        if drums and getattr(message, "channel", None) != DRUM_CHANNEL - 1:
            continue
        if message.type == "control_change":
            at[message.control] = message.value
        elif message.type == "note_on" and message.velocity:
            struck[message.channel + 1, message.note] += 1
            low, high = velocities.get(message.note, (127, 1))
            velocities[message.note] = (min(low, message.velocity), max(high, message.velocity))
            for controller, value in at.items():
                positions.setdefault(controller, {}).setdefault(message.note, []).append(value)
    if not struck:
        raise MidiError(f"{path}: expected a take with drums, found no note")
    by_channel: Counter[int] = Counter()
    notes: Counter[int] = Counter()
    for (channel, note), times in struck.items():
        by_channel[channel] += times
        notes[note] += times
    return Played(by_channel.most_common(1)[0][0], dict(notes), velocities, positions)


def _best_fit(notes: Mapping[int, int]) -> KitMap:
    """Return the kit that explains most strokes, as most voices; of equals General MIDI or the plainest."""

    def fit(kit: KitMap) -> tuple[float, int, int, bool, int]:
        table = {note: articulation for (_, note), articulation in kit.table().items()}
        explained = sum(times for note, times in notes.items() if note in table)
        reached = {voice_of(table[note]) for note in notes if note in table}
        plain = sum(table.get(note) == like for note, like in _PLAIN.items() if note in notes)
        share = round(explained / sum(notes.values()), 2)
        return share, plain, len(reached), kit.name == GENERAL_MIDI_KIT.name, -len(kit.sounds)

    return max((load_kit(name) for name in kit_names()), key=fit)


_PLAIN = {note: Articulation(voice.label) for voice, note in GENERAL_MIDI_NOTES.items()}
"""What most instruments mean by these notes: of kits that explain a take alike, the nearest is meant."""


def _pedal(played: Played, kit: KitMap) -> HatPedal | None:
    """Return the hat's pedal as it was played: where it stood at shut and at open strokes."""
    table = {note: articulation for (_, note), articulation in kit.table().items()}
    for controller in PEDAL_CONTROLLERS:
        positions = played.positions.get(controller, {})
        values = [value for struck in positions.values() for value in struck]
        if len(set(values)) < 2 or len(values) < PEDAL_LEAST_MOVES:
            continue
        shut = [v for note, struck in positions.items() if _is(table, note, "closed_hat") for v in struck]
        wide = [v for note, struck in positions.items() if _is(table, note, "open_hat") for v in struck]
        if shut and wide and median(shut) != median(wide):
            up = median(wide) > median(shut)
            return HatPedal(controller, round(median(shut)), max(wide) if up else min(wide))
    return None


def _is(table: Mapping[int, Articulation], note: int, label: str) -> bool:
    return note in table and table[note].startswith(label)


def _comments(path: Path, played: Played, like: KitMap, unexplained: Sequence[int]) -> Iterator[str]:
    table = {note: articulation for (_, note), articulation in like.table().items()}
    strokes = sum(played.notes.values())
    explained = sum(times for note, times in played.notes.items() if note in table)
    struck = f"{strokes} strokes on {len(played.notes)} notes"
    yield f"Proposed from {path.name}: {struck}, channel {played.channel}."
    yield f"Of these {explained} are {like.title or like.name}'s:"
    for note, times in sorted(played.notes.items()):
        if note in table:
            yield f"  {note}: {table[note]}, {_how(played, note, times)}"
    if unexplained:
        yield "What these are no kit says; give each the articulation that you struck:"
    for note in unexplained:
        guess = PITCH_TO_VOICE.get(note)
        near = f", in General MIDI near {Voice(guess).label}" if guess is not None else ""
        yield f"  {note}: {_how(played, note, played.notes[note])}{near}"


def _how(played: Played, note: int, times: int) -> str:
    low, high = played.velocities[note]
    loud = f"velocity {low}" if low == high else f"velocity {low}-{high}"
    return f"{times} time{'s' if times != 1 else ''}, {loud}"
