"""The engine's side of the player process: starts it, gives it orders, reads its reports, revives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from liveengine.errors import MidiError
from liveengine.midi.jack_patch import Connected
from liveengine.midi.ports import OpenPort
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
    StopSong,
    StrikeNow,
)
from liveengine.playback.report_ring import ReportRing
from liveengine.processes.child import ChildProcess

START_WAIT_S = 10.0
END_WAIT_S = 3.0
RESTART_PAUSE_S = 0.05
"""A player is started again nearly at once: nothing sounds without it."""
QUIET_S = 0.5
"""A player that has not gone round for so long is reported, and after `SILENCE_S` replaced."""
SILENCE_S = 1.5
"""A player that waits goes round twenty times a second."""


class Player(Protocol):
    """What the session needs of a player, in its own process or in virtual time."""

    def tell(self, message: PlayerMessage) -> None:
        """Give an order."""
        ...

    def reports(self) -> list[Report]:
        """Return what became of hits since the last call."""
        ...

    def notices(self) -> list[str]:
        """Return, once each, sentences on what went wrong and what was done about it."""
        ...

    def trouble(self) -> str:
        """Return why nothing sounds at present, empty where all is well."""
        ...

    def close(self) -> None:
        """End every note and the player."""
        ...


class ProcessPlayer:
    """A player in a process of its own. Used by the engine's thread; nothing here waits but start and end.

    A player that dies or hangs is replaced, on the same port; it begins with every note off, and gets the
    map, the latency, the song and the plan that were in force. So does one whose pipe was full, after what
    was to end meanwhile. One whose port or MIDI system has gone ends too, and the next one waits for it.
    """

    def __init__(
        self, settings: player_process.PlayerSettings, started: Callable[[int], None] = lambda _: None
    ) -> None:
        """Start the process; `started` is called with the process id of each one started.

        Raises MidiError where the port cannot be opened.
        """
        self._map: SetMap | None = None
        self._latency: SetLatency | None = None
        self._song: StartSong | None = None
        self._plan: dict[tuple[int, int], Replace] = {}
        self._reports: list[Report] = []
        self._notices: list[str] = []
        self._ring = ReportRing()
        self._settings = settings
        self._behind = False
        self._missed: dict[type, PlayerMessage] = {}
        """What was to end while the pipe was full."""
        self._is_ready = False
        self._port_fault = ""
        self.had_to_be_killed = False
        self._child = ChildProcess(
            "liveengine-player",
            player_process.run,
            (self._ring, settings),
            started=started,
            silence_s=SILENCE_S,
            start_s=START_WAIT_S,
            min_pause_s=RESTART_PAUSE_S,
        )
        self.ready: player_process.PlayerReady = self._first_answer()

    @property
    def port(self) -> OpenPort | None:
        """The port that is, or was last, open, with whom it is connected to where the system tells."""
        opened, last = self.ready.port, self._settings.again
        return (
            replace(opened, connected=last.connected) if opened is not None and last is not None else opened
        )

    @property
    def restarts(self) -> int:
        """How often the process was replaced."""
        return self._child.restarts

    def _first_answer(self) -> player_process.PlayerReady:
        answer = self._child.first_message()
        if isinstance(answer, player_process.PlayerReady):
            self._is_ready = True
            if answer.port is not None:
                self._open_next(answer.port)
            return answer
        self.close()
        if isinstance(answer, player_process.PlayerFailed):
            raise MidiError(answer.message)
        raise MidiError(f"player: expected it to open its port, got: {self._child.fault}")

    def _open_next(self, port: OpenPort) -> None:
        """Let a player that is started again open this port, connected as it is now."""
        self._settings = replace(self._settings, again=port)
        self._child.start_next_with((self._ring, self._settings))

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
        elif not isinstance(message, AllOff | StrikeNow):
            self._song = message if isinstance(message, StartSong) else None
        if self._is_ready and not self._behind:
            self._behind = not self._child.send(packed(message))
        if self._behind and isinstance(message, Clear | AllOff | StopSong):
            self._missed[type(message)] = message

    def reports(self) -> list[Report]:
        """Return what became of hits since the last call; looks after the process meanwhile."""
        self._child.watch()
        self._hear(self._child.receive())
        fault = self._child.take_fault()
        if fault is not None:
            self._is_ready = False
            if not self._port_fault:
                self._notices.append(f"the player is started again: {fault}")
        if self._is_ready and self._behind:
            self._catch_up()
        reports = self._reports + self._ring.read()
        self._reports = []
        return reports

    def _hear(self, answer: object) -> None:
        """Take what the player says of its port."""
        if isinstance(answer, Connected) and self._settings.again is not None:
            self._open_next(replace(self._settings.again, connected=answer.ports))
        elif isinstance(answer, player_process.PortGone):
            self._port_fault = answer.message
            self._is_ready = self._behind = answer.waits
        elif isinstance(answer, player_process.PlayerReady):
            self.ready, self._is_ready, self._behind = answer, True, True
            self._missed.clear()  # it begins with every note off, and nothing is pending
            if self._port_fault and answer.port is not None:
                self._notices.append(f"{answer.port.shown} is back, with every note off")
            self._port_fault = ""

    def trouble(self) -> str:
        """Return why nothing sounds at present, empty where all is well."""
        if self._port_fault:
            return f"no MIDI output: {self._port_fault}"
        if self._child.gone or not self._is_ready:
            return "no MIDI output: the player is started again"
        return "no MIDI output: the player does not answer" if self._child.quiet_s > QUIET_S else ""

    def _catch_up(self) -> None:
        """Send what was to end, then all that is in force; what was struck already is not struck again."""
        in_force: list[PlayerMessage | None] = [*self._missed.values(), self._map, self._latency, self._song]
        in_force += [self._plan[place] for place in sorted(self._plan)]
        self._behind = not all(self._child.send(packed(each)) for each in in_force if each is not None)
        if not self._behind:
            self._missed.clear()

    def notices(self) -> list[str]:
        """Return, once each, what went wrong and what was done about it."""
        notices, self._notices = self._notices, []
        return notices

    def close(self) -> None:
        """End every note and the process; one that its MIDI system does not let go is killed."""
        self.had_to_be_killed = self._child.end(END_WAIT_S) or self._child.hung
