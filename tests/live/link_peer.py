"""A Link peer in a process of its own, which the tests tell to change tempo or transport."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aalink import Link

from tests.live.companion import Companion, answer, now_us, questions

SETTLE_S = 0.6
"""Pause before enabling: enabled at once, a newcomer can drag the session's tempo (artfwo/aalink#7)."""
MICROSECONDS_PER_SECOND = 1_000_000


async def settled_link(bpm: float, quantum_beats: float) -> Link:
    """Return an enabled peer with start/stop sync on; `bpm` holds only where no session is running."""
    link = Link(bpm)
    link.quantum = quantum_beats
    link.start_stop_sync_enabled = True
    await asyncio.sleep(SETTLE_S)
    link.enabled = True
    return link


def read_time_us(link: Link) -> float:
    """Return the peer's clock in µs."""
    return float(link.time.total_seconds() * MICROSECONDS_PER_SECOND)


class Peer:
    """The tests' side of the peer."""

    def __init__(self, bpm: float = 120.0, quantum_beats: float = 4.0) -> None:
        """Start the peer; it has joined when this returns, and may not have met the others yet."""
        self._companion = Companion(__name__, str(bpm), str(quantum_beats))

    def set_tempo(self, bpm: float) -> float:
        """Change the session's tempo now; return the moment."""
        return float(self._companion.ask(f"tempo {bpm}")["at_us"])

    def set_playing(self, playing: bool) -> float:
        """Start or stop the session's transport now; return the moment."""
        return float(self._companion.ask(f"playing {int(playing)}")["at_us"])

    def force_beat(self, beat: float) -> float:
        """Put another beat at the present moment, for the whole session; return the moment."""
        return float(self._companion.ask(f"beat {beat}")["at_us"])

    def state(self) -> dict[str, Any]:
        """Return `bpm`, `peers`, `playing` and `beat` as this peer sees them."""
        return self._companion.ask("state")

    @property
    def pid(self) -> int:
        """The peer's process id."""
        return self._companion.pid

    def close(self) -> None:
        """Leave the session."""
        self._companion.close()


async def serve(bpm: float, quantum_beats: float) -> None:
    """Join and answer until asked to quit."""
    asked = questions()
    link = await settled_link(bpm, quantum_beats)
    answer(ready=True)
    while True:
        verb, *values = (await asyncio.to_thread(asked.get)).split()
        if verb == "quit":
            break
        if verb == "tempo":
            link.tempo = float(values[0])
        elif verb == "beat":
            link.force_beat(float(values[0]))
        elif verb == "playing":
            link.playing = bool(int(values[0]))
        answer(at_us=now_us(), bpm=link.tempo, peers=link.num_peers, playing=link.playing, beat=link.beat)
    link.enabled = False


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), float(sys.argv[2])))
