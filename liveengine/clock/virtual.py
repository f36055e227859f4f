"""Virtual time: a timeline that stands still until it is moved, for rendering and for tests."""

from __future__ import annotations

from collections.abc import Callable

from liveengine.clock.hand_tempo import MOVES
from liveengine.errors import ContractError
from liveengine.interfaces import SessionState
from liveengine.music.beats import BeatMap, check_bpm


class VirtualTimeline:
    """A session whose time, tempo, beat and transport are set by hand. Not thread-safe."""

    def __init__(self, bpm: float, now_us: float = 0.0) -> None:
        """Begin at beat 0. Raises ContractError for a tempo outside 20-999."""
        self._now_us = now_us
        self._map = BeatMap(now_us, 0.0, check_bpm(bpm, "virtual timeline"))
        self.peers = 0
        self.playing = True

    def now_us(self) -> float:
        """Return the present moment."""
        return self._now_us

    def advance_to(self, time_us: float) -> None:
        """Move time forward. Raises ContractError for a moment in the past."""
        if time_us < self._now_us:
            raise ContractError(f"virtual time: expected at least {self._now_us} us, got {time_us}")
        self._now_us = time_us

    def set_tempo(self, bpm: float) -> None:
        """Change tempo now, without a jump in beats."""
        self._map = self._map.with_tempo(check_bpm(bpm, "virtual timeline"), self._now_us)

    def jump_to(self, beat: float) -> None:
        """Put another beat at the present moment, as a peer that forces the beat does."""
        self._map = BeatMap(self._now_us, beat, self._map.bpm)

    def state(self) -> SessionState:
        """Return the session."""
        return SessionState(self._map, self.peers, self.playing)

    def source(self) -> str:
        """Return that time is virtual."""
        return "virtual time"

    def set_playing(self, playing: bool) -> None:
        """Start or stop the transport now."""
        self.playing = playing

    def move(self, move: str, at_us: float) -> str | None:
        """Change the tempo or the beat; taps are for clocks that go on by themselves."""
        if move not in MOVES:
            return f"{move}: virtual time has no taps, and no other clock"
        self._map = MOVES[move](self._map, at_us)
        return None

    def watch(self, changed: Callable[[], None]) -> None:
        """Virtual time is read at every step: nobody needs to be called."""

    def close(self) -> None:
        """Nothing is held open."""
