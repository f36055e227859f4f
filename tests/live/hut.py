"""LinkHut, Ableton's own example of a Link peer, driven by keys in a terminal of its own.

Its keys: `a` enables Link, space starts and stops, `w` and `e` step the tempo by 1 bpm, `r` and `t` the
quantum, `s` toggles start/stop sync, `q` quits. It reads the tempo that it steps from what its audio thread
last took over, so keys in a burst melt into one: they go one at a time.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from tests.live.tmux import Tmux

ROW = re.compile(
    r"^(?P<enabled>yes|no) +\| (?P<peers>\d+) +\| (?P<quantum>\d+) +\| "
    r"(?P<sync>yes|no) +\[(?P<transport>playing|stopped)\] +\| (?P<bpm>[\d.]+) +\| ",
    re.MULTILINE,
)
PATIENCE_S = 8.0
KEY_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class HutState:
    """The row that LinkHut shows."""

    enabled: bool
    peers: int
    sync: bool
    playing: bool
    bpm: float


class LinkHut:
    """One LinkHut in a private tmux server; needs a running JACK server for its click."""

    def __init__(self, name: str) -> None:
        """Start it, enable Link, and wait for its row; raises AssertionError with its screen if it fails."""
        self._terminal = Tmux(name, ["LinkHut"])
        self._wait_for_row()
        self._toggle("a", "enabled", wanted=True)

    def _key(self, key: str) -> None:
        self._terminal.type(key)
        time.sleep(KEY_PAUSE_S)

    def _wait_for_row(self) -> re.Match[str]:
        """Return the newest row; a screen that is just being drawn has none."""
        deadline = time.monotonic() + PATIENCE_S
        while not (rows := list(ROW.finditer(screen := self._terminal.screen()))):
            assert time.monotonic() < deadline, f"LinkHut shows no state:\n{screen}"
            time.sleep(0.05)
        return rows[-1]

    def state(self) -> HutState:
        """Return what LinkHut shows now; raises AssertionError when it has gone."""
        row = self._wait_for_row()
        return HutState(
            enabled=row["enabled"] == "yes",
            peers=int(row["peers"]),
            sync=row["sync"] == "yes",
            playing=row["transport"] == "playing",
            bpm=float(row["bpm"]),
        )

    def _toggle(self, key: str, field: str, *, wanted: bool) -> None:
        if getattr(self.state(), field) != wanted:
            self._key(key)
        self._await(field, wanted)

    def _await(self, field: str, wanted: bool | int | float) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while getattr(self.state(), field) != wanted:
            assert time.monotonic() < deadline, f"LinkHut's {field} stays {self.state()}, wanted {wanted}"
            time.sleep(0.02)

    def set_tempo(self, bpm: int) -> None:
        """Step the tempo key by key to a whole number of bpm; about 50 steps a second."""
        deadline = time.monotonic() + PATIENCE_S
        while (missing := bpm - round(self.tempo())) != 0:
            assert time.monotonic() < deadline, f"LinkHut's tempo stays {self.tempo()}, wanted {bpm}"
            for _ in range(abs(missing)):
                self._key("e" if missing > 0 else "w")
            time.sleep(0.1)

    def tempo(self) -> float:
        """Return the session's tempo in bpm as LinkHut shows it, to 0.01."""
        return self.state().bpm

    def peers(self) -> int:
        """Return how many other peers LinkHut sees."""
        return self.state().peers

    def wait_for_peers(self, count: int) -> None:
        """Wait until LinkHut sees this many other peers."""
        self._await("peers", count)

    def wait_for_playing(self) -> None:
        """Wait until LinkHut shows that the session plays: its screen comes after the session."""
        self._await("playing", True)

    def sync_start_stop(self, wanted: bool) -> None:
        """Switch start/stop sync on or off."""
        self._toggle("s", "sync", wanted=wanted)

    def start_stop(self) -> bool:
        """Press space and wait until the transport has changed; return whether it plays now."""
        before = self.state().playing
        self._key(" ")
        self._await("playing", not before)
        return not before

    def close(self) -> None:
        """Quit LinkHut and its terminal; a second call does nothing."""
        self._terminal.type("q")
        time.sleep(0.1)
        self._terminal.close()
