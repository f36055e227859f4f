"""Standard MIDI files as people have them: every note-on is a stroke, and no other event moves it.

Read from bytes and forgiving: what is damaged loses itself and what comes after it in its track, is named,
and the rest is read. Source: Standard MIDI Files 1.0 (RP-001).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from liveengine.errors import MidiError

HEADER, TRACK = b"MThd", b"MTrk"
HEADER_WITHIN = 4096
"""RIFF (.rmi) and MacBinary put some bytes before the header."""
SEPARATE_SEQUENCES = 2
"""The format whose tracks are patterns of their own, not parts of one."""
META, ESCAPE, SYSTEM_EXCLUSIVE = 0xFF, 0xF7, 0xF0
TRACK_NAME, INSTRUMENT_NAME, END_OF_TRACK, TEMPO, TIME_SIGNATURE = 0x03, 0x04, 0x2F, 0x51, 0x58
NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PROGRAM_CHANGE, CHANNEL_PRESSURE = 0x8, 0x9, 0xB, 0xC, 0xD
SYSTEM_LENGTHS = {0xF1: 1, 0xF2: 2, 0xF3: 1}
"""Data bytes of system messages, which have no place in a file; others have none."""
BANK_SELECT, FOOT_CONTROLLER = 0, 4
DRUM_BANKS = (120, 127)
"""Bank select of rhythm channels: General MIDI 2's and Yamaha XG's."""
MAX_DATA = 127
MAX_DENOMINATOR_POWER = 6


@dataclass(frozen=True, slots=True)
class MidiNote:
    """A note-on: where it is in beats, and how long it sounds.

    It ends at its note-off, else at the next stroke of that note or the end of its track. `pedal` is what
    the foot controller (CC 4) said last before it, 0-127; None where it never spoke.
    """

    beat: float
    note: int
    velocity: int
    length_beats: float
    pedal: int | None = None


@dataclass(frozen=True, slots=True)
class MidiTrack:
    """The notes of one track on one channel, by time; `number` counts those with notes, from 1.

    `channel` counts from 1. `program` is the last one before the first note, 0-127, None for none;
    `drum_bank` whether its bank is one of rhythm.
    """

    number: int
    name: str
    channel: int
    program: int | None
    drum_bank: bool
    notes: tuple[MidiNote, ...]

    def __str__(self) -> str:
        """Return it as players read it."""
        name = f" {self.name!r}" if self.name else ""
        notes = f"{len(self.notes)} note{'' if len(self.notes) == 1 else 's'}"
        return f"track {self.number}{name} (channel {self.channel}, {notes})"


@dataclass(frozen=True, slots=True)
class TrackEnd:
    """Where a track ends, in beats, and whether it does after its last note, rather than with it."""

    beat: float
    after_notes: bool


@dataclass(frozen=True, slots=True)
class MidiSequence:
    """What sounds together: tracks, time signatures (beat, numerator, denominator), tempos (beat, bpm).

    `faults` are sentences on what was damaged.
    """

    ticks_per_beat: int
    tracks: tuple[MidiTrack, ...]
    signatures: tuple[tuple[float, int, int], ...]
    tempos: tuple[tuple[float, float], ...]
    ends: tuple[TrackEnd, ...]
    faults: tuple[str, ...] = ()


def read_midi(content: bytes) -> tuple[MidiSequence, ...]:
    """Return the sequences of a MIDI file: one, or as many as it has tracks in format 2.

    The header may count the tracks wrongly and be longer than it should be. Raises MidiError where the bytes
    are no MIDI file, or count time in frames instead of beats.
    """
    begin = content.find(HEADER, 0, HEADER_WITHIN)
    if begin < 0 or len(content) < begin + 14:
        raise MidiError(f"expected a MIDI file, got {len(content)} bytes without a MIDI header")
    midi_format = int.from_bytes(content[begin + 8 : begin + 10])
    division = int.from_bytes(content[begin + 12 : begin + 14])
    if not 0 < division < 0x8000:
        raise MidiError(f"expected ticks per quarter note in the MIDI header, got {division:#06x}")
    header_length = int.from_bytes(content[begin + 4 : begin + 8])
    chunks = [
        _Track(chunk, division, cut).read() for chunk, cut in _chunks(content, begin + 8 + header_length)
    ]
    if not chunks:
        raise MidiError("expected a MIDI file with tracks, got none after its header")
    groups = [[chunk] for chunk in chunks] if midi_format == SEPARATE_SEQUENCES else [chunks]
    numbers = iter(range(1, 16 * len(chunks) + 1))
    return tuple(_sequence(group, numbers) for group in groups)


def _chunks(content: bytes, place: int) -> Iterator[tuple[bytes, bool]]:
    """Yield the tracks, and whether the file ends before one does; chunks of other kinds are passed over."""
    while place + 8 <= len(content):
        kind, length = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8])
        place += 8
        if kind == TRACK:
            yield content[place : place + length], place + length > len(content)
        place += length


def _sequence(chunks: list[_Track], numbers: Iterator[int]) -> MidiSequence:
    tracks = tuple(
        MidiTrack(
            next(numbers),
            chunk.name if len(chunk.notes) == 1 else "",  # of many channels: the name is the song's
            channel + 1,
            chunk.programs.get(channel),
            chunk.banks.get(channel) in DRUM_BANKS,
            tuple(notes),
        )
        for chunk in chunks
        for channel, notes in sorted(chunk.notes.items())
    )
    return MidiSequence(
        chunks[0].ticks_per_beat,
        tracks,
        tuple(sorted((each for chunk in chunks for each in chunk.signatures), key=lambda each: each[0])),
        tuple(sorted((each for chunk in chunks for each in chunk.tempos), key=lambda each: each[0])),
        tuple(TrackEnd(chunk.beat, chunk.tick > chunk.last_note_tick) for chunk in chunks),
        tuple(fault for chunk in chunks for fault in chunk.faults),
    )


@dataclass(slots=True)
class _Track:
    """One track on its way from bytes: its events are taken in one by one, until it ends or is damaged."""

    content: bytes
    ticks_per_beat: int
    is_cut: bool
    name: str = ""
    place: int = 0
    tick: int = 0
    last_note_tick: int = -1
    status: int = 0
    programs: dict[int, int] = field(default_factory=dict)
    banks: dict[int, int] = field(default_factory=dict)
    pedals: dict[int, int] = field(default_factory=dict)
    notes: dict[int, list[MidiNote]] = field(default_factory=dict)
    signatures: list[tuple[float, int, int]] = field(default_factory=list)
    tempos: list[tuple[float, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _sounding: dict[tuple[int, int], tuple[int, int, int | None]] = field(default_factory=dict)
    """By channel and note: tick, velocity and pedal of a stroke that has not ended."""

    @property
    def beat(self) -> float:
        """Where it is read, in beats."""
        return self.tick / self.ticks_per_beat

    def read(self) -> _Track:
        """Read all there is."""
        try:
            while self.place < len(self.content) and self._event():
                pass
        except IndexError:
            self.faults.append(f"a track ends in the middle of an event, after beat {self.beat:g}")
        else:
            if self.is_cut:
                self.faults.append(f"the file ends before a track does, after beat {self.beat:g}")
        for channel, note in list(self._sounding):
            self._end(channel, note)
        for notes in self.notes.values():
            notes.sort(key=lambda note: (note.beat, note.note))
        return self

    def _event(self) -> bool:
        """Take in the next event; return whether more may follow."""
        self.tick += self._number()
        byte = self.content[self.place]
        if byte == META:
            self.place += 1
            return self._meta()
        if byte in (SYSTEM_EXCLUSIVE, ESCAPE):  # a packet, be it the first or a later one: length and bytes
            self.place += 1
            self._bytes(self._number())
        elif byte > ESCAPE or byte in range(SYSTEM_EXCLUSIVE, ESCAPE):
            self.place += 1 + SYSTEM_LENGTHS.get(byte, 0)
        else:
            return self._channel_message(byte)
        return True

    def _channel_message(self, byte: int) -> bool:
        if byte > MAX_DATA:
            self.status = byte
            self.place += 1
        elif not self.status:
            self.faults.append(f"a track holds no event where one should be, after beat {self.beat:g}")
            return False
        kind, channel = self.status >> 4, self.status & 0xF
        count = 1 if kind in (PROGRAM_CHANGE, CHANNEL_PRESSURE) else 2
        values = [min(value, MAX_DATA) for value in self._bytes(count)]
        if kind == NOTE_ON and values[1]:
            self._strike(channel, *values)
        elif kind in (NOTE_ON, NOTE_OFF):
            self._end(channel, values[0])
            self.last_note_tick = self.tick
        elif kind == CONTROL_CHANGE and values[0] == FOOT_CONTROLLER:
            self.pedals[channel] = values[1]
        elif kind == CONTROL_CHANGE and values[0] == BANK_SELECT and channel not in self.notes:
            self.banks[channel] = values[1]
        elif kind == PROGRAM_CHANGE and channel not in self.notes:
            self.programs[channel] = values[0]
        return True

    def _strike(self, channel: int, note: int, velocity: int) -> None:
        self._end(channel, note)
        self._sounding[channel, note] = (self.tick, velocity, self.pedals.get(channel))
        self.notes.setdefault(channel, [])
        self.last_note_tick = self.tick

    def _end(self, channel: int, note: int) -> None:
        if (channel, note) not in self._sounding:
            return
        began, velocity, pedal = self._sounding.pop((channel, note))
        beat, length = began / self.ticks_per_beat, (self.tick - began) / self.ticks_per_beat
        self.notes[channel].append(MidiNote(beat, note, velocity, length, pedal))

    def _meta(self) -> bool:
        """Take in a meta event; return whether it was another than the track's end."""
        kind = self._bytes(1)[0]
        value = self._bytes(self._number())
        if kind == TRACK_NAME or (kind == INSTRUMENT_NAME and not self.name):
            self.name = _text(value) or self.name
        elif kind == TEMPO and len(value) >= 3 and any(value[:3]):
            self.tempos.append((self.beat, 60_000_000 / int.from_bytes(value[:3])))
        elif kind == TIME_SIGNATURE and len(value) >= 2 and value[0] and value[1] <= MAX_DENOMINATOR_POWER:
            self.signatures.append((self.beat, value[0], 2 ** value[1]))
        return kind != END_OF_TRACK

    def _bytes(self, count: int) -> bytes:
        """Return the next bytes; raises IndexError where there are fewer."""
        found = self.content[self.place : self.place + count]
        if len(found) < count:
            raise IndexError
        self.place += count
        return found

    def _number(self) -> int:
        """Return a variable-length quantity: seven bits a byte, the last byte without its highest bit."""
        value = 0
        for _ in range(4):
            byte = self._bytes(1)[0]
            value = value << 7 | byte & MAX_DATA
            if byte <= MAX_DATA:
                break
        return value


def _text(value: bytes) -> str:
    """Return a name as text: UTF-8, else Latin-1, as one line."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = value.decode("latin-1")
    return " ".join(text.replace("\0", " ").split())
