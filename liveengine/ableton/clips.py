"""Live's clips by AbletonOSC: written into free slots, and read, to the tick.

What is sent to Live is answered by nothing, may be lost, and goes by indices that shift when somebody moves
tracks meanwhile. So a clip is made with a length that no other has, by which it is known again before it is
filled, and whatever was written is read again. Live itself refuses to make a clip where there is one.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from liveengine.ableton.client import LiveClient, Values
from liveengine.errors import ContractError, LiveChangedError, LiveSilentError, UnknownNameError
from liveengine.osc.packet import OscValue

TICKS_PER_BEAT = 960
CHUNK = 300
"""Notes that are sent or asked for at once: some 6 kB of the 9 kB that a datagram may have."""
READ_BEATS, LEAST_BEATS = 16.0, 0.25
"""Beats of a clip that are read at once, and down to which it is tried where too many notes are in them."""
MARK_BEATS, MARKS = 1 / 1024, 64
"""By how many of these a new clip is longer at first than it is to be: its mark."""
TRIES = 4
COLOR = 0x1AA7C8
"""Of our clips, as red, green and blue; Live takes the nearest that it has."""


@dataclass(frozen=True, slots=True)
class ClipNote:
    """A note of a clip, in ticks of 960 to the beat from the clip's beginning."""

    pitch: int
    tick: int
    length_ticks: int
    velocity: int
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """A MIDI clip: what a loop of it plays. `color` is red, green and blue in one number."""

    name: str
    length_beats: float
    notes: tuple[ClipNote, ...]
    color: int = COLOR

    def __post_init__(self) -> None:
        """Refuse a clip without length, and notes beyond it."""
        if not self.length_beats > 0:
            raise ContractError(f"clip {self.name!r}: expected a length in beats, got {self.length_beats:g}")
        for note in self.notes:
            if not 0 <= note.tick < self.length_beats * TICKS_PER_BEAT or note.length_ticks < 1:
                raise ContractError(f"clip {self.name!r}: expected notes within it, got {note}")


@dataclass(frozen=True, slots=True)
class ClipPlace:
    """Where a clip is: its track by name, and its slot from 1."""

    track: str
    slot: int


class LiveClips:
    """Reads and writes the clips of a set. Used by the event loop's thread; clips are written one by one."""

    def __init__(self, live: LiveClient, rng: random.Random | None = None) -> None:
        """Speak through a client that is open; `rng` draws the marks of new clips."""
        self._live, self._rng = live, rng or random.Random()
        self._writing = asyncio.Lock()

    async def write(self, track: str, clip: Clip) -> ClipPlace:
        """Write a clip into the next free slot of a MIDI track, made if there is none; return where it is.

        A slot that is taken meanwhile is left alone, and the next one tried. Raises LiveSilentError where
        Live does not answer, LiveChangedError where the clip is not found again.
        """
        async with self._writing:
            await self._find_or_make(track)
            for _ in range(TRIES):
                slot = await self._free_slot(track)
                marked = clip.length_beats + MARK_BEATS * self._rng.randrange(1, MARKS)
                index = await self._index(track)
                self._live.send("/live/clip_slot/create_clip", index, slot, marked)
                if await self._is_ours(index, slot, marked):
                    await self._fill(track, slot, marked, clip)
                    return ClipPlace(track, slot + 1)
            raise LiveChangedError(
                f"Live: expected a free slot on {track!r}, got one that was taken each time"
            )

    async def read(self, track: str, slot: int) -> Clip:
        """Return what a clip plays: its loop, or from its start to its end. `slot` counts from 1.

        Raises UnknownNameError where there is no such track or clip, LiveSilentError without an answer.
        """
        index = await self._index(track)
        names = await self._clip_names(index)
        if not 1 <= slot <= len(names) or names[slot - 1] is None:
            there = ", ".join(str(place) for place, name in enumerate(names, 1) if name is not None)
            raise UnknownNameError(f"clip {track}/{slot}: expected one of {there or 'none'}")
        name = str(names[slot - 1])
        if not (await self._of_clip("is_midi_clip", index, slot - 1)):
            raise UnknownNameError(f"clip {track}/{slot}: expected a MIDI clip, got an audio clip")
        loops = bool(await self._of_clip("looping", index, slot - 1))
        first, last = ("loop_start", "loop_end") if loops else ("start_marker", "end_marker")
        start = float(str(await self._of_clip(first, index, slot - 1)))
        end = float(str(await self._of_clip(last, index, slot - 1)))
        notes = [note async for note in self._notes(index, slot - 1, start, end, start)]
        color = await self._of_clip("color", index, slot - 1)
        return Clip(name, end - start, tuple(notes), int(str(color)))

    async def read_all(self, track: str) -> list[Clip]:
        """Return every MIDI clip of a track. Raises as `read`."""
        index = await self._index(track)
        clips = []
        for slot, name in enumerate(await self._clip_names(index)):
            if name is not None and await self._of_clip("is_midi_clip", index, slot):
                clips.append(await self.read(track, slot + 1))
        return clips

    async def new_track(self, name: str) -> int:
        """Make a MIDI track at the end of the set; return its index now. Raises LiveSilentError."""
        last = await self._one_more("tracks", "/live/song/create_midi_track")
        await self._set("/live/track/{}/name", (last,), name)
        return last

    # --- tracks and slots ----------------------------------------------------------------------

    async def _names(self) -> list[str]:
        return [str(name) for name in await self._live.query("/live/song/get/track_names")]

    async def _index(self, track: str) -> int:
        """Return where a track is now. Raises UnknownNameError where none is called so."""
        names = await self._names()
        wanted = track.strip().casefold()
        for index, name in enumerate(names):
            if name.strip().casefold() == wanted and await self._takes_midi(index):
                return index
        raise UnknownNameError(f"track {track!r}: expected a MIDI track of the set: {', '.join(names)}")

    async def _takes_midi(self, index: int) -> bool:
        return bool((await self._live.query("/live/track/get/has_midi_input", index))[0])

    async def _find_or_make(self, track: str) -> None:
        try:
            await self._index(track)
        except UnknownNameError:
            await self.new_track(track)

    async def _one_more(self, what: str, create: str) -> int:
        """Have a track or scene made at the end; return its index."""
        before = await self._count(what)
        for _ in range(TRIES):
            self._live.send(create, -1)
            if await self._count(what) > before:
                return before
        raise LiveSilentError(f"{create}: expected one more of {what}, got none")

    async def _count(self, what: str) -> int:
        return int(str((await self._live.query(f"/live/song/get/num_{what}"))[0]))

    async def _clip_names(self, index: int) -> Values:
        """Return the names of a track's clips by slot, None where a slot is empty."""
        return await self._live.query("/live/track/get/clips/name", index)

    async def _free_slot(self, track: str) -> int:
        names = await self._clip_names(await self._index(track))
        free = next((slot for slot, name in enumerate(names) if name is None), None)
        if free is None:
            return await self._one_more("scenes", "/live/song/create_scene")
        return free

    async def _is_ours(self, index: int, slot: int, marked_beats: float) -> bool:
        """Tell whether a slot has the clip of that mark."""
        if not (await self._live.query("/live/clip_slot/get/has_clip", index, slot))[0]:
            return False
        length = float(str(await self._of_clip("length", index, slot)))
        return abs(length - marked_beats) < MARK_BEATS / 2

    async def _of_clip(self, what: str, index: int, slot: int) -> OscValue:
        values = await self._live.query(f"/live/clip/get/{what}", index, slot)
        return values[0] if values else None

    async def _set(self, address: str, indices: tuple[int, ...], value: OscValue) -> None:
        """Set a property, until it is so: what is sent may be lost."""
        for _ in range(TRIES):
            self._live.send(address.format("set"), *indices, value)
            now = (await self._live.query(address.format("get"), *indices))[0]
            if now == value or _close(now, value):
                return
        raise LiveSilentError(f"{address.format('set')}: expected {value!r} to be taken, got {now!r}")

    # --- notes ---------------------------------------------------------------------------------

    async def _fill(self, track: str, slot: int, marked: float, clip: Clip) -> None:
        """Put notes, name, length, loop and colour into a clip that is known by its mark."""
        missing = Counter(clip.notes)
        for _ in range(TRIES):
            await self._add(track, slot, marked, sorted(missing.elements(), key=_by_time))
            missing = Counter(clip.notes)
            index = await self._known(track, slot, marked)
            for start, end in spans(clip):
                missing.subtract([note async for note in self._notes(index, slot, start, end)])
            missing = +missing
            if not missing:
                break
        else:
            raise LiveSilentError(
                f"Live: expected {len(clip.notes)} notes to be taken, {missing.total()} were not"
            )
        place = (await self._known(track, slot, marked), slot)
        self._live.send("/live/clip/set/color", *place, clip.color)  # Live takes the nearest it has
        await self._set("/live/clip/{}/name", place, clip.name)
        await self._set("/live/clip/{}/looping", place, True)
        await self._set("/live/clip/{}/end_marker", place, clip.length_beats)
        await self._set("/live/clip/{}/loop_end", place, clip.length_beats)

    async def _add(self, track: str, slot: int, marked: float, notes: Sequence[ClipNote]) -> None:
        for first in range(0, len(notes), CHUNK):
            index = await self._known(track, slot, marked)
            values = [value for note in notes[first : first + CHUNK] for value in _values(note)]
            self._live.send("/live/clip/add/notes", index, slot, *values)

    async def _known(self, track: str, slot: int, marked: float) -> int:
        """Return the track's index where the clip of a mark is in its slot. Raises LiveChangedError."""
        index = await self._index(track)
        if not await self._is_ours(index, slot, marked):
            raise LiveChangedError(
                f"Live: expected the clip that was made in {track}/{slot + 1}, got another"
            )
        return index

    async def _notes(
        self, index: int, slot: int, start: float, end: float, origin: float = 0.0
    ) -> AsyncIterator[ClipNote]:
        """Yield the notes that begin in a part of a clip, by time, their ticks counted from `origin`."""
        at, step = start, READ_BEATS
        while at < end:
            span = min(step, end - at)
            try:
                values = await self._part(index, slot, at, span)
            except LiveSilentError:  # more notes than a datagram holds bring an error, or nothing
                if step <= LEAST_BEATS:
                    raise
                step /= 4
                continue
            for note in sorted(_heard(values, origin), key=_by_time):
                yield note
            at += span

    async def _part(self, index: int, slot: int, at: float, span: float) -> Values:
        def within(values: Values) -> bool:
            return all(at - 1e-3 <= float(str(each)) < at + span for each in values[1::5])

        return await self._live.query(
            *("/live/clip/get/notes", index, slot, 0, 128, float(at), float(span)), accepts=within
        )


def spans(clip: Clip) -> Iterator[tuple[float, float]]:
    """Yield the parts of a clip, in beats, in which there are notes few enough to be read at once."""
    ticks = sorted(note.tick for note in clip.notes)
    cuts = [0, *sorted({ticks[place] for place in range(CHUNK, len(ticks), CHUNK)} - {0})]
    ends = [*cuts[1:], round(clip.length_beats * TICKS_PER_BEAT)]
    for first, end in zip(cuts, ends, strict=True):
        yield first / TICKS_PER_BEAT, end / TICKS_PER_BEAT


def _values(note: ClipNote) -> tuple[OscValue, ...]:
    """Return a note as AbletonOSC takes it; a float of 32 bits holds its tick in any clip of 8000 beats."""
    start, length = note.tick / TICKS_PER_BEAT, note.length_ticks / TICKS_PER_BEAT
    return note.pitch, start, length, note.velocity, note.muted


def _heard(values: Values, origin: float) -> Iterator[ClipNote]:
    """Yield notes as AbletonOSC tells them: pitch, start, length, velocity, muted, one after the other."""
    for place in range(0, len(values) - 4, 5):
        pitch, start, length, velocity = (float(str(each)) for each in values[place : place + 4])
        yield ClipNote(
            int(pitch),
            max(0, round((start - origin) * TICKS_PER_BEAT)),
            max(1, round(length * TICKS_PER_BEAT)),
            max(1, min(127, round(velocity))),
            bool(values[place + 4]),
        )


def _by_time(note: ClipNote) -> tuple[int, int]:
    return note.tick, note.pitch


def _close(now: OscValue, wanted: OscValue) -> bool:
    return isinstance(now, float) and isinstance(wanted, float) and abs(now - wanted) < MARK_BEATS / 2
