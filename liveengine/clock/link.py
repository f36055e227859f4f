"""The Ableton Link session through aalink: joined without moving it, and read as beat maps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from aalink import Link

from liveengine.clock.hand_tempo import MOVES, Taps, tapped
from liveengine.clock.system import SystemClock
from liveengine.interfaces import SessionState
from liveengine.music.beats import BeatMap, check_bpm

SETTLE_S = 0.5
"""Pause between making a peer and enabling it: at once, the newcomer's tempo can take over the session;
500 ms cured it where 200 ms did not (artfwo/aalink#7)."""
DISCOVERY_S = 1.0
"""Pause after enabling in which the peers of a running session are met."""
SAME_MAP_US = 60.0
"""A fresh reading within this of the map in force says the same; two captures lie microseconds apart."""
READINGS = 4
FORCED_BEATS = 0.1
"""A session that is led is brought along by tempo up to here; it is moved where it is farther off."""
ALIGNED_WITHIN_BEATS = 4.0
SAME_BPM = 0.01
MICROSECOND = timedelta(microseconds=1)


class LinkTimeline(SystemClock):
    """One Link peer. Used by the event loop's thread only.

    aalink captures time, beat and tempo one by one, so a reading brackets the beat between two times and
    keeps the tightest of a few brackets. A map is kept until a reading contradicts it, so that readings'
    own noise does not reach the notes.
    """

    def __init__(self, link: Link, *, leads: bool = False) -> None:
        """Wrap a peer; `join` makes one."""
        self._link = link
        self._leads = leads
        self._taps = Taps()
        self._map = self._read()

    @classmethod
    async def join(
        cls, bpm: float, quantum_beats: float, start_stop_sync: bool = True, *, leads: bool = False
    ) -> LinkTimeline:
        """Join the session on this network; `bpm` holds only where no session is running.

        Starts and stops are shared with the other peers where `start_stop_sync` is on. Where it `leads`, taps
        and nudges move the whole session. Takes 1.5 s. Raises
        ContractError for a tempo outside 20-999.
        """
        link = Link(check_bpm(bpm, "Link"))
        link.quantum = quantum_beats
        link.start_stop_sync_enabled = start_stop_sync
        await asyncio.sleep(SETTLE_S)
        link.enabled = True
        await asyncio.sleep(DISCOVERY_S)
        return cls(link, leads=leads)

    def _read(self) -> BeatMap:
        tightest = float("inf")
        for _ in range(READINGS):
            before = self._link.time / MICROSECOND
            beat = self._link.beat
            after = self._link.time / MICROSECOND
            tempo = self._link.tempo
            if after - before < tightest:
                tightest = after - before
                reading = BeatMap((before + after) / 2, beat, tempo)
        return reading

    def state(self) -> SessionState:
        """Return the session as it is now."""
        reading = self._read()
        drift_us = abs(self._map.time_at(reading.beat) - reading.time_us)
        if reading.bpm != self._map.bpm or drift_us > SAME_MAP_US:
            self._map = reading
        return SessionState(self._map, self._link.num_peers, self._link.playing)

    def source(self) -> str:
        """Return how many peers share the session."""
        return f"{self._link.num_peers} other {'peer' if self._link.num_peers == 1 else 'peers'}"

    def set_playing(self, playing: bool) -> None:
        """Start or stop the transport now."""
        self._link.playing = playing

    def move(self, move: str, at_us: float) -> str | None:
        """Change the session's tempo or beat, for every peer; refuse where this one does not lead."""
        if not self._leads:
            return f"{move}: the tempo is the Link session's; --lead lets taps and nudges move it for all"
        before = self.state().beat_map
        if move == "tap":
            line = self._taps.counting(at_us)
            if line is None:
                return None
            after = tapped(before, line)
        else:
            after = MOVES[move](before, at_us)
        self._link.tempo = after.bpm
        if abs(after.time_at(before.beat_at(at_us)) - at_us) > SAME_MAP_US:
            self._link.force_beat(after.beat_at(self.now_us()))
        return None

    def align(self, beat_map: BeatMap, *, playing: bool) -> None:
        """Lead the session to another's beats: a little off by tempo, so that no peer jumps, else at once."""
        now_us = self.now_us()
        quantum = self._link.quantum
        off_beats = (beat_map.beat_at(now_us) - self.state().beat_map.beat_at(now_us)) % quantum
        if off_beats > quantum / 2:
            off_beats -= quantum
        bpm = beat_map.bpm
        if abs(off_beats) > FORCED_BEATS:
            self._link.force_beat(beat_map.beat_at(self.now_us()))
        else:
            bpm *= 1 + off_beats / ALIGNED_WITHIN_BEATS
        if abs(self._link.tempo - bpm) > SAME_BPM:
            self._link.tempo = bpm
        if self._link.playing != playing:
            self._link.playing = playing

    def watch(self, changed: Callable[[], None]) -> None:
        """Have `changed` called as soon as a peer has changed the tempo or the transport.

        A beat that is forced, and peers that come and go, are seen at the next reading.
        """
        self._link.add_tempo_callback(lambda _: changed())
        self._link.add_start_stop_callback(lambda _: changed())

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False
