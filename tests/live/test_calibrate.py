"""`liveengine calibrate` in a terminal: the click nudged by keys, and measured by Live's recording of it."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from liveengine.app.live_sets import SHOWN
from tests.ableton.running import running_live
from tests.ableton.stand_in import LiveSet
from tests.live.analysis import NOTE_ON, US_PER_MINUTE, percentile
from tests.live.checks import HALF_LATE_MS, tell
from tests.live.companion import REPOSITORY, now_us
from tests.live.engine import EngineStarter, command
from tests.live.hut import LinkHut
from tests.live.jack import JackServer, Patchbay
from tests.live.link_peer import Peer
from tests.live.listener import Listener, called_input
from tests.live.sounding import grid_distance_ms
from tests.waiting import until

pytestmark = pytest.mark.live
STARTS_S, MEASURES_S = 20.0, 60.0
LATE_MS, WITHIN_MS = 25.0, 5.0
"""Live hears the click by a thread of the tests: one that is busy as the machine is."""
JOINED_S = 0.5
PORT = "liveengine:drums"


class Calibrating:
    """The command in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._keyboard, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [*command(), "calibrate", "--backend", "jack", *arguments],
            cwd=REPOSITORY,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self._shown = bytearray()

    @property
    def shown(self) -> str:
        """All that it has shown."""
        return self._shown.decode(errors="replace")

    def press(self, key: str, then_s: float) -> None:
        """Press a key, and look on for a while."""
        os.write(self._keyboard, key.encode())
        self.look(then_s)

    def look(self, for_s: float) -> None:
        """Read what it shows."""
        deadline = time.monotonic() + for_s
        while time.monotonic() < deadline:
            if select.select([self._keyboard], [], [], 0.05)[0]:
                with suppress(OSError):  # the program has ended, and its side of the terminal with it
                    self._shown.extend(os.read(self._keyboard, 65536))

    def look_until(self, wanted: Callable[[], bool], within_s: float) -> None:
        """Read on until something holds."""
        deadline = time.monotonic() + within_s
        while not wanted():
            assert time.monotonic() < deadline, self.shown
            self.look(0.1)

    def look_until_it_ends(self, within_s: float) -> None:
        """Read on until its end, which is a good one."""
        self.look_until(lambda: self.process.poll() is not None, within_s)
        assert self.process.returncode == 0, self.shown

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._keyboard)


@pytest.fixture
def calibrate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Calibrating]]:
    """Return a function that starts the command with arguments, in a home of its own."""
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    started: list[Calibrating] = []

    def start(*arguments: str) -> Calibrating:
        started.append(Calibrating(*arguments))
        return started[-1]

    yield start
    for each in started:
        each.close()


def saved_ms(home: Path) -> float:
    """Return the one latency that is saved."""
    text = (home / "latency.yaml").read_text()
    found = re.fullmatch(r"(?s).*'jack: drums': (-?[\d.]+)\n", text)
    assert found, text
    return float(found[1])


def test_the_click_is_nudged_by_keys_and_saved_for_the_port(
    link_hut: LinkHut,
    listener: Listener,
    start_engine: EngineStarter,
    calibrate: Callable[..., Calibrating],
    tmp_path: Path,
) -> None:
    run = calibrate()
    listener.wait_for(lambda state: state["ons"] > 4, "clicks", timeout_s=STARTS_S)
    for _ in range(5):
        run.press("+", 0.05)
    run.press("\x1b[A", 3.0)
    nudged_us = now_us()
    run.press("-", 2.5)
    run.press("\r", 0.5)
    run.look_until_it_ends(10)
    recording = listener.stop()
    clicks = [each for each in recording.messages if each.is_on()]
    beats = [round(recording.session.beat_at(each.at_us)) for each in clicks]
    assert beats == list(range(beats[0], beats[0] + len(beats))), "a click on every beat"
    for begin_us, wanted_ms in ((nudged_us - 2_500_000, -15.0), (nudged_us + 700_000, -14.0)):
        off_ms = [
            grid_distance_ms(each.at_us, recording.session, 1.0)
            for each in clicks
            if begin_us < each.at_us < begin_us + 1_800_000
        ]
        tell(f"clicks at {wanted_ms:g} ms are heard at {percentile(off_ms, 50):.2f} (p50)")
        assert percentile(off_ms, 50) == pytest.approx(wanted_ms, abs=HALF_LATE_MS)
    assert saved_ms(tmp_path / "own") == 14.0
    engine = start_engine("--backend", "jack", "--style", "funk", "--duration", "1")
    assert engine.wait_for("header")["latency_ms"] == 14.0
    assert engine.wait(20) == 0


def in_live(peer: Peer) -> LiveSet:
    """Return a set whose beats are the session's, with our port among its inputs."""
    until(lambda: peer.state()["peers"] > 0, "the session")
    time.sleep(JOINED_S)
    at = peer.state()
    beats_per_us = float(at["bpm"]) / US_PER_MINUTE
    live_set = LiveSet([""], link_beat=lambda: at["beat"] + (now_us() - at["at_us"]) * beats_per_us)
    live_set.tempo = at["bpm"]
    live_set.inputs.append(SHOWN)
    return live_set


@contextmanager
def heard_late(live_set: LiveSet, patchbay: Patchbay) -> Iterator[None]:
    """Let Live hear our port, as late as an interface and its buffers would make it.

    It is heard on JACK's own thread: another one of this process would be late by itself beside busy cores.
    """
    late_beats = LATE_MS / 1e3 * live_set.tempo / 60
    name = f"live-{os.getpid()}"

    def hear(message: list[int]) -> None:
        status, pitch, velocity = message
        if status & 0xF0 == NOTE_ON and velocity:
            live_set.hear(SHOWN, pitch, velocity, late_beats)

    ear = called_input(name, hear)
    ear.open_virtual_port("in")
    try:
        assert patchbay.connect(PORT, f"{name}:in")
        yield
    finally:
        ear.close_port()


def test_live_measures_the_click_that_it_records(
    peer: Peer, jack_server: JackServer, calibrate: Callable[..., Calibrating], tmp_path: Path
) -> None:
    live_set = in_live(peer)
    with running_live(live_set) as address:
        run = calibrate(
            "--live", "--live-port", f"{address.port}", "--live-reply-port", f"{address.reply_port}"
        )
        run.look_until(lambda: PORT in jack_server.patchbay.ports(), STARTS_S)
        with heard_late(live_set, jack_server.patchbay):
            run.look_until_it_ends(MEASURES_S)
    late_ms = saved_ms(tmp_path / "own")
    tell(f"a click that Live records {LATE_MS:g} ms late is measured as {late_ms:.1f} ms")
    assert late_ms == pytest.approx(LATE_MS, abs=WITHIN_MS)
    assert live_set.tracks == [], "the track that it made is gone"
