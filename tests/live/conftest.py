"""Fixtures of the live tests: JACK server, awake cores, stall probe, LinkHut, listener, engine, browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.live.browser import CHROMIUM, launched
from tests.live.checks import FIGURES, HUT_BPM, tell_stalls
from tests.live.engine import Engine, EngineStarter
from tests.live.hut import LinkHut
from tests.live.jack import COARSE_PERIOD, FINE_PERIOD, JackServer
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import AwakeCores, StallProbe

REQUIRED_PROGRAMS = {"jackd": "jackd2", "LinkHut": "ableton-link-utils", "tmux": "tmux"}
"""Programs and the Debian packages that hold them."""
REQUIRE_VARIABLE = "LIVEENGINE_REQUIRE_LIVE"
"""Set to 1, it makes what is missing a failure instead of a reason to skip."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the live runs measured."""
    if FIGURES:
        terminalreporter.section("live figures")
        for figure in FIGURES:
            terminalreporter.line(figure)


def missing_parts() -> str:
    """Return why live tests cannot run here, or an empty text."""
    lacking = [f"{program} (package {REQUIRED_PROGRAMS[program]})" for program in REQUIRED_PROGRAMS
               if shutil.which(program) is None]  # fmt: skip
    if lacking:
        return f"live tests need {', '.join(lacking)}"
    interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
    if interfaces:
        return (
            f"live tests run in a network namespace with only loopback, so that Link stays on this machine; "
            f"here are also {', '.join(interfaces)} (tools/test makes one)"
        )
    return ""


@pytest.fixture(scope="session")
def live_machine() -> None:
    """Skip, or fail where live tests are required, if parts are missing.

    From here on SIGTERM ends the run as ctrl-C does, so that no server outlives it. An engine would inherit
    nohup, and rightly stay when its terminal closes.
    """
    reason = missing_parts()
    if reason and os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def jack_server(
    request: pytest.FixtureRequest, live_machine: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JackServer]:
    """Run a JACK server with a dummy driver for all live tests, with short periods where one listens."""
    timed = any("listener" in getattr(test, "fixturenames", ()) for test in request.session.items)
    period = FINE_PERIOD if timed else COARSE_PERIOD
    server = JackServer(tmp_path_factory.mktemp("jack") / "jackd.log", period=period)
    yield server
    server.close()


@pytest.fixture(scope="session")
def awake_cores(live_machine: None) -> Iterator[AwakeCores]:
    """Keep every core awake."""
    spinners = AwakeCores()
    yield spinners
    spinners.close()


@pytest.fixture(scope="session")
def stall_probe(live_machine: None, awake_cores: AwakeCores) -> Iterator[StallProbe]:
    """Record the machine's own stalls."""
    probe = StallProbe()
    yield probe
    tell_stalls(probe.stalls())
    probe.close()


@pytest.fixture(scope="session")
def open_hut(jack_server: JackServer, awake_cores: AwakeCores) -> Iterator[Callable[[str], LinkHut]]:
    """Return a function that starts a LinkHut under a name; all are closed after the last test."""
    opened: list[LinkHut] = []

    def start(name: str) -> LinkHut:
        opened.append(LinkHut(name))
        return opened[-1]

    yield start
    for hut in opened:
        hut.close()


@pytest.fixture(scope="session")
def lasting_hut(open_hut: Callable[[str], LinkHut]) -> LinkHut:
    """Start the LinkHut that founds the session of all live tests."""
    return open_hut("founder")


@pytest.fixture
def link_hut(lasting_hut: LinkHut) -> LinkHut:
    """Return LinkHut, stopped, without start/stop sync, at a tempo which is the middle of no style."""
    lasting_hut.sync_start_stop(False)
    if lasting_hut.state().playing:
        lasting_hut.start_stop()
    lasting_hut.set_tempo(HUT_BPM)
    return lasting_hut


@pytest.fixture
def peer(link_hut: LinkHut) -> Iterator[Peer]:
    """Run a second peer that can set any tempo at once."""
    other = Peer()
    yield other
    other.close()


@pytest.fixture
def listener(jack_server: JackServer, link_hut: LinkHut, tmp_path: Path) -> Iterator[Listener]:
    """Run the listener, joined to LinkHut's session."""
    ear = Listener(tmp_path / "heard.jsonl")
    try:
        ear.wait_for(lambda state: state["peers"] >= 1, "the session of LinkHut", timeout_s=5)
        yield ear
    finally:
        ear.close()


@pytest.fixture
def start_engine(jack_server: JackServer, awake_cores: AwakeCores, tmp_path: Path) -> Iterator[EngineStarter]:
    """Return a function that starts `liveengine play` with arguments; its first run is the test's own."""
    started: list[Engine] = []

    def start(*arguments: str) -> Engine:
        folder = tmp_path / f"engine-{len(started)}"
        folder.mkdir()
        started.append(Engine(folder, *arguments))
        return started[-1]

    yield start
    for engine in started:
        engine.close()


@pytest.fixture(scope="session")
def browser(live_machine: None) -> Iterator[Browser]:
    """Run Chromium for all tests of the page."""
    if shutil.which(CHROMIUM) is None:
        if os.environ.get(REQUIRE_VARIABLE) == "1":
            pytest.fail(f"expected {CHROMIUM} (Debian's chromium), found none")
        pytest.skip(f"the stage page is tested in {CHROMIUM} (Debian's chromium)")
    with sync_playwright() as playwright:
        chromium = launched(playwright)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def stage_engine(jack_server: JackServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Play funk on a port of its own, with a folder of its own."""
    folder = tmp_path_factory.mktemp("stage")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEENGINE_HOME", str(folder / "own"))
        # On a clock of its own: other tests' peers would say that nobody needs first steps.
        where = ("--backend", "jack", "--clock", "system", "--web-port", "0")
        playing = Engine(folder, *where, "--style", "funk", "--seed", "11")
    playing.wait_for("note")
    yield playing
    playing.close()


@pytest.fixture(scope="module")
def address(stage_engine: Engine) -> str:
    """Return where the engine says that its page is."""
    address: str = stage_engine.wait_for("header")["web"]
    assert f"Stage page: {address}\n" in stage_engine.log()
    return address
