"""Kits: which note strikes each articulation, how a hi-hat's openness is played, what chokes what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from liveengine.errors import ContractError
from liveengine.music.drums import GENERAL_MIDI_NOTES, VOICE_COUNT, Voice

HALF_OPEN_MAX = 0.75
"""An open hat less open than this is half open. Of the open strokes of the Groove MIDI Dataset (CC 4: 90
shut, 0 open) a quarter lie at 0, half at up to 26, which is .71, and three quarters at up to 60."""
LEAD_MIN_MS, LEAD_MAX_MS, LEAD_MS = 2.0, 20.0, 6.0
"""How long before its stroke a hat's openness is sent: late enough to be of this one, early enough for it."""
LENGTH_MIN_MS, LENGTH_MAX_MS = 1.0, 10_000.0
CURVE_MIN, CURVE_MAX = 0.2, 5.0
CHOICES_OF_NOTES = ("turn", "velocity", "openness")
"""By what one of several notes is chosen: by the sixteenth, right hand and left; by how hard; by how open."""


class Articulation(StrEnum):
    """What a kit may have a note for: the voices by their labels, and what else drum software knows.

    Today's model makes the voices; an open hat with an openness makes the half-open one too.
    """

    KICK = "kick"
    SNARE = "snare"
    SNARE_RIM = "snare_rim"
    RIM = "rim"
    CLOSED_HAT = "closed_hat"
    PEDAL_HAT = "pedal_hat"
    OPEN_HAT = "open_hat"
    HIGH_TOM = "high_tom"
    MID_TOM = "mid_tom"
    LOW_TOM = "low_tom"
    CRASH = "crash"
    CRASH_2 = "crash_2"
    RIDE = "ride"
    BELL = "bell"
    HALF_OPEN_HAT = "half_open_hat"
    CLOSED_HAT_EDGE = "closed_hat_edge"
    HALF_OPEN_HAT_EDGE = "half_open_hat_edge"
    OPEN_HAT_EDGE = "open_hat_edge"
    HAT_SPLASH = "hat_splash"
    RIDE_EDGE = "ride_edge"
    CRASH_EDGE = "crash_edge"
    CRASH_2_EDGE = "crash_2_edge"
    HIGH_TOM_RIM = "high_tom_rim"
    MID_TOM_RIM = "mid_tom_rim"
    LOW_TOM_RIM = "low_tom_rim"
    STICKS = "sticks"


NEAREST: Mapping[Articulation, Articulation] = {
    Articulation.SNARE_RIM: Articulation.SNARE,
    Articulation.RIM: Articulation.SNARE_RIM,
    Articulation.PEDAL_HAT: Articulation.CLOSED_HAT,
    Articulation.OPEN_HAT: Articulation.CLOSED_HAT,
    Articulation.HIGH_TOM: Articulation.MID_TOM,
    Articulation.MID_TOM: Articulation.LOW_TOM,
    Articulation.CRASH_2: Articulation.CRASH,
    Articulation.RIDE: Articulation.CRASH,
    Articulation.BELL: Articulation.RIDE,
    Articulation.HALF_OPEN_HAT: Articulation.OPEN_HAT,
    Articulation.CLOSED_HAT_EDGE: Articulation.CLOSED_HAT,
    Articulation.HALF_OPEN_HAT_EDGE: Articulation.HALF_OPEN_HAT,
    Articulation.OPEN_HAT_EDGE: Articulation.OPEN_HAT,
    Articulation.HAT_SPLASH: Articulation.PEDAL_HAT,
    Articulation.RIDE_EDGE: Articulation.RIDE,
    Articulation.CRASH_EDGE: Articulation.CRASH,
    Articulation.CRASH_2_EDGE: Articulation.CRASH_2,
    Articulation.HIGH_TOM_RIM: Articulation.HIGH_TOM,
    Articulation.MID_TOM_RIM: Articulation.MID_TOM,
    Articulation.LOW_TOM_RIM: Articulation.LOW_TOM,
    Articulation.STICKS: Articulation.RIM,
}
"""What is struck in the place of an articulation that a kit has no note for, and so on until there is one."""
NEEDED = tuple(each for each in Articulation if each not in NEAREST)
"""What every kit has a note for: nothing stands near enough to take its place."""
HATS = tuple(each for each in Articulation if "hat" in each)
SHUT_HATS = (Articulation.CLOSED_HAT, Articulation.CLOSED_HAT_EDGE, Articulation.PEDAL_HAT)


def articulation_of(voice: Voice, openness: float | None = None) -> Articulation:
    """Return what a hit of a voice is; an open hat that is but half open is a half-open one."""
    if voice is Voice.OPEN_HAT and openness is not None and openness < HALF_OPEN_MAX:
        return Articulation.HALF_OPEN_HAT
    return Articulation(voice.label)


def voice_of(articulation: Articulation) -> Voice:
    """Return the voice that an articulation is heard as by a model that knows no more than the voices."""
    while articulation.name not in Voice.__members__:
        articulation = NEAREST[articulation]
    return Voice[articulation.name]


@dataclass(frozen=True, slots=True)
class HatPedal:
    """How openness is played by a controller: its values shut and open, sent `lead_ms` before the stroke."""

    controller: int
    shut: int
    open: int
    lead_ms: float = LEAD_MS

    def __post_init__(self) -> None:
        """Refuse numbers out of MIDI's ranges, a pedal that does not move, and a lead that is not heard."""
        if not 0 <= self.controller <= 119:
            raise ContractError(f"controller: expected a number 0-119, got {self.controller}")
        if not (0 <= self.shut <= 127 and 0 <= self.open <= 127) or self.shut == self.open:
            raise ContractError(
                f"hat pedal: expected two values 0-127, shut and open, got {self.shut} and {self.open}"
            )
        if not LEAD_MIN_MS <= self.lead_ms <= LEAD_MAX_MS:
            raise ContractError(f"lead_ms: expected {LEAD_MIN_MS:g} to {LEAD_MAX_MS:g}, got {self.lead_ms:g}")

    def value(self, openness: float) -> int:
        """Return the controller's value of an openness 0-1."""
        return round(self.shut + (self.open - self.shut) * min(1.0, max(0.0, openness)))

    def openness(self, value: int) -> float:
        """Return the openness 0-1 of a value of the controller."""
        return min(1.0, max(0.0, (value - self.shut) / (self.open - self.shut)))


@dataclass(frozen=True, slots=True)
class KitNote:
    """How a kit strikes an articulation: with one note, or one of several.

    Those are chosen by `by`, one of `CHOICES_OF_NOTES`; by velocity or openness each is for values from
    `starts` on, the first for all below too. `channel` None is the kit's, `length_ms` None the engine's. A
    velocity of 1-127 is bent by `curve` (above 1 softer) into `velocities`.
    """

    notes: tuple[int, ...]
    by: str = "turn"
    starts: tuple[float, ...] = ()
    channel: int | None = None
    length_ms: float | None = None
    curve: float | None = None
    velocities: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse no note at all, values out of their ranges, and starts that do not go up."""
        if not self.notes or any(not 0 <= note <= 127 for note in self.notes):
            raise ContractError(f"expected MIDI notes 0-127, got {list(self.notes)}")
        if self.by not in CHOICES_OF_NOTES:
            raise ContractError(f"expected one of {', '.join(CHOICES_OF_NOTES)}, got {self.by!r}")
        if len(self.starts) != (0 if self.by == "turn" else len(self.notes)):
            raise ContractError(
                f"expected a start for each of {len(self.notes)} notes, got {len(self.starts)}"
            )
        if any(low >= high for low, high in pairwise(self.starts)):
            raise ContractError(f"expected starts that go up, got {list(self.starts)}")
        check_channel("channel", self.channel)
        check_length(self.length_ms)
        check_curve(self.curve, self.velocities)

    def note(self, velocity: int = 100, step: int = 0, openness: float = 0.5) -> int:
        """Return the note of a stroke of a velocity on a step of its bar; a hat's is of its openness 0-1."""
        if self.by == "turn":
            return self.notes[step % len(self.notes)]
        value = velocity if self.by == "velocity" else openness
        return self.notes[max(0, sum(value >= start for start in self.starts) - 1)]


@dataclass(frozen=True, slots=True)
class PedalMove:
    """The controller that tells a hat's openness, its value for a stroke, and how long before it."""

    controller: int
    value: int
    lead_ms: float


@dataclass(frozen=True, slots=True)
class Strike:
    """What a stroke is on a kit. Of the notes of one `choke` group (0 is none) only the last one sounds."""

    note: int
    velocity: int
    channel: int
    length_ms: float | None = None
    choke: int = 0
    pedal: PedalMove | None = None


@dataclass(frozen=True, slots=True)
class KitMap:
    """How each articulation is struck. `channel` counts from 1 as players do; drums live on 10.

    `chokes` are groups of articulations of which one ends the others. `curve` and `velocities` are for all
    that has none of its own. `title` and `source` are for people.
    """

    name: str
    sounds: Mapping[Articulation, KitNote]
    channel: int = 10
    length_ms: float | None = None
    curve: float | None = None
    velocities: tuple[int, int] | None = None
    chokes: tuple[frozenset[Articulation], ...] = ()
    pedal: HatPedal | None = None
    title: str = field(default="", compare=False)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        """Refuse a kit that leaves out what nothing can stand for, or leaves MIDI's ranges."""
        lacking = [each for each in NEEDED if each not in self.sounds]
        if lacking:
            raise ContractError(f"kit {self.name}: expected a note for {lacking[0]}, got none")
        check_channel(f"kit {self.name}", self.channel)
        check_length(self.length_ms)
        check_curve(self.curve, self.velocities)
        for articulation in Articulation:
            if sum(articulation in group for group in self.chokes) > 1:
                raise ContractError(f"choke: expected {articulation} in one group, got it in several")

    @classmethod
    def plain(cls, name: str, notes: tuple[int, ...], channel: int = 10) -> KitMap:
        """Return the kit of a note for each voice, in their order.

        Raises ContractError for another count, and for notes and channels that MIDI does not have.
        """
        if len(notes) != VOICE_COUNT:
            raise ContractError(f"kit {name}: expected {VOICE_COUNT} notes, one per voice, got {len(notes)}")
        for voice, note in zip(Voice, notes, strict=True):
            if not 0 <= note <= 127:
                raise ContractError(f"kit {name}, {voice.label}: expected a MIDI note 0-127, got {note}")
        sounds = {Articulation(voice.label): KitNote((notes[voice],)) for voice in Voice}
        return cls(name, sounds, channel)

    def played(self, articulation: Articulation) -> Articulation:
        """Return what stands for an articulation here: itself, or the nearest that there is a note for."""
        while articulation not in self.sounds:
            articulation = NEAREST[articulation]
        return articulation

    def folded(self) -> dict[Articulation, Articulation]:
        """Return the articulations without a note of their own, and what stands for each."""
        return {each: self.played(each) for each in Articulation if each not in self.sounds}

    def strike(
        self, articulation: Articulation, velocity: int, step: int = 0, openness: float | None = None
    ) -> Strike:
        """Return what a stroke is: of a velocity 1-127, on a step of its bar, of a hat by openness 0-1.

        A hat without openness is shut or open as its articulation says.
        """
        played = self.played(articulation)
        sound = self.sounds[played]
        is_hat = articulation in HATS
        how_open = usual_openness(articulation) if openness is None or not is_hat else openness
        pedal = None
        if is_hat and self.pedal is not None:
            pedal = PedalMove(self.pedal.controller, self.pedal.value(how_open), self.pedal.lead_ms)
        return Strike(
            note=sound.note(velocity, step, how_open),
            velocity=self._bent(sound, velocity),
            channel=self.channel if sound.channel is None else sound.channel,
            length_ms=self.length_ms if sound.length_ms is None else sound.length_ms,
            choke=next((place for place, group in enumerate(self.chokes, 1) if played in group), 0),
            pedal=pedal,
        )

    def _bent(self, sound: KitNote, velocity: int) -> int:
        curve = self.curve if sound.curve is None else sound.curve
        low, high = sound.velocities or self.velocities or (1, 127)
        bent = ((velocity - 1) / 126) ** (1.0 if curve is None else curve)
        return round(low + (high - low) * float(bent))

    def strike_voice(
        self, voice: Voice, velocity: int, step: int = 0, openness: float | None = None
    ) -> Strike:
        """Return what a hit of a voice is on this kit."""
        return self.strike(articulation_of(voice, openness), velocity, step, openness)

    def note(self, voice: Voice) -> int:
        """Return the MIDI note of a voice, the first where it has several."""
        return self.sounds[self.played(articulation_of(voice))].notes[0]

    @property
    def notes(self) -> tuple[int, ...]:
        """The MIDI note of each voice."""
        return tuple(self.note(voice) for voice in Voice)

    @property
    def keys(self) -> tuple[tuple[int, int], ...]:
        """All notes that it may strike, each once: (channel, note)."""
        struck = ((self._channel(each), note) for each in self.sounds for note in self.sounds[each].notes)
        return tuple(dict.fromkeys(struck))

    def _channel(self, articulation: Articulation) -> int:
        own = self.sounds[articulation].channel
        return self.channel if own is None else own

    def table(self) -> dict[tuple[int, int], Articulation]:
        """Return what is struck by each (channel, note); of articulations that share a note, the first."""
        found: dict[tuple[int, int], Articulation] = {}
        for articulation in Articulation:
            if articulation in self.sounds:
                for note in self.sounds[articulation].notes:
                    found.setdefault((self._channel(articulation), note), articulation)
        return found

    def voices(self) -> dict[int, Voice]:
        """Return the voice that each note is, on whatever channel."""
        voices: dict[int, Voice] = {}
        for (_, note), articulation in self.table().items():
            voices.setdefault(note, voice_of(articulation))
        return voices

    def names(self) -> Iterator[tuple[int, str]]:
        """Yield (note, its name for people), by note; of a name with several notes each has its number."""
        for (_, note), articulation in sorted(self.table().items(), key=lambda each: each[0][1]):
            notes, name = self.sounds[articulation].notes, articulation.replace("_", " ").capitalize()
            yield note, f"{name} {notes.index(note) + 1}" if len(notes) > 1 else name


def usual_openness(articulation: Articulation) -> float:
    """Return how open a hat is that says no more than its articulation, 0-1."""
    if articulation in SHUT_HATS:
        return 0.0
    return 0.5 if articulation.startswith("half_open") else 1.0


def check_channel(what: str, channel: int | None) -> None:
    """Raise ContractError for a channel that MIDI does not have."""
    if channel is not None and not 1 <= channel <= 16:
        raise ContractError(f"{what}: expected a channel from 1 to 16, got {channel}")


def check_length(length_ms: float | None) -> None:
    """Raise ContractError for a note's length out of range."""
    if length_ms is not None and not LENGTH_MIN_MS <= length_ms <= LENGTH_MAX_MS:
        raise ContractError(f"length_ms: expected {LENGTH_MIN_MS:g} to {LENGTH_MAX_MS:g}, got {length_ms:g}")


def check_curve(curve: float | None, velocities: tuple[int, int] | None) -> None:
    """Raise ContractError for a velocity curve or a range of velocities that cannot be."""
    if curve is not None and not CURVE_MIN <= curve <= CURVE_MAX:
        raise ContractError(f"curve: expected {CURVE_MIN:g} to {CURVE_MAX:g}, got {curve:g}")
    if velocities is not None and not 1 <= velocities[0] < velocities[1] <= 127:
        raise ContractError(f"velocities: expected two of 1-127, the low one first, got {list(velocities)}")


GENERAL_MIDI_KIT = KitMap.plain("gm", tuple(GENERAL_MIDI_NOTES[voice] for voice in Voice))
