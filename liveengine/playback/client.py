"""The engine's side of the player process: starts it, gives it orders, reads its reports, revives it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from liveengine.errors import MidiError
from liveengine.music.request import MAX_LOOKAHEAD_BARS
from liveengine.playback import process as player_process
from liveengine.playback.codec import packed
from liveengine.playback.messages import (
    AllOff,
    Clear,
    PlayerMessage,
    Replace,
    Report,
    SetLatency,
    SetMap,
    StartSong,
)
from liveengine.playback.report_ring import ReportRing
from liveengine.processes.spawn import start_alone

START_WAIT_S = 20.0
END_WAIT_S = 3.0


class Player(Protocol):
    """What the session needs of a player, in its own process or in virtual time."""

    def tell(self, message: PlayerMessage) -> None:
        """Give an order."""
        ...

    def reports(self) -> list[Report]:
        """Return what became of hits since the last call."""
        ...

    def close(self) -> None:
        """End every note and the player."""
        ...


class ProcessPlayer:
    """A player in a process of its own. Used by the engine's thread.

    A player that dies is started again on a port of the same name; it begins with every note off, and
    gets the map, the latency, the song and the plan that were in force.
    """

    def __init__(
        self, settings: player_process.PlayerSettings, started: Callable[[int], None] = lambda _: None
    ) -> None:
        """Start the process; `started` is called with the process id of each one started.

        Raises MidiError where the port cannot be opened.
        """
        self._settings = settings
        self._started = started
        self._context = multiprocessing.get_context("spawn")
        self._map: SetMap | None = None
        self._latency: SetLatency | None = None
        self._song: StartSong | None = None
        self._plan: dict[tuple[int, int], Replace] = {}
        self.restarts = 0
        self.had_to_be_killed = False
        self._reports: list[Report] = []
        self._start()

    def _start(self) -> None:
        self._ring = ReportRing()
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=player_process.run,
            args=(theirs, self._ring, self._settings),
            name="liveengine-player",
            daemon=True,
        )
        start_alone(self._process)
        theirs.close()
        try:
            if not self._connection.poll(START_WAIT_S):
                raise MidiError(f"player: expected it to start within {START_WAIT_S:g} s, it did not")
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise MidiError("player: expected it to open its port, it ended instead") from error
        if isinstance(answer, player_process.PlayerFailed):
            raise MidiError(answer.message)
        self.ready: player_process.PlayerReady = answer
        if self._process.pid is not None:
            self._started(self._process.pid)

    def tell(self, message: PlayerMessage) -> None:
        """Give an order; it is remembered for a player that has to be started again."""
        if isinstance(message, SetMap):
            self._map = message
        elif isinstance(message, SetLatency):
            self._latency = message
        elif isinstance(message, Replace):
            cut = (message.bar, message.step)
            self._plan = {place: kept for place, kept in self._plan.items() if place < cut}
            # A player that is started again does not make up for what went by without it.
            self._plan[cut] = replace(message, at_once_ms=0.0)
            # The bar that plays is this far behind a new one at most.
            while len(self._plan) > 1 and min(self._plan)[0] < message.bar - MAX_LOOKAHEAD_BARS:
                del self._plan[min(self._plan)]
        elif isinstance(message, Clear):
            self._plan.clear()
        elif not isinstance(message, AllOff):
            self._song = message if isinstance(message, StartSong) else None
        self._put(message)

    def _put(self, message: PlayerMessage) -> None:
        try:
            self._connection.send(packed(message))
        except OSError:
            self.revive()

    def reports(self) -> list[Report]:
        """Return what became of hits since the last call; starts the player again if it died."""
        if not self._process.is_alive():
            self.revive()
        reports = self._reports + self._ring.read()
        self._reports = []
        return reports

    def revive(self) -> None:
        """Start the player again with all that was in force. Raises MidiError where it cannot be."""
        self._reports += self._ring.read()
        self._connection.close()
        self._process.join(END_WAIT_S)
        self.restarts += 1
        self._start()
        in_force: list[PlayerMessage | None] = [self._map, self._latency, self._song]
        in_force += [self._plan[place] for place in sorted(self._plan)]
        for message in in_force:
            if message is not None:
                self._connection.send(packed(message))

    def close(self) -> None:
        """End every note and the process; one that its MIDI system does not let go is killed."""
        self._connection.close()
        self._process.join(END_WAIT_S)
        self.had_to_be_killed = self._process.is_alive()
        if self.had_to_be_killed:
            self._process.kill()
            self._process.join()
