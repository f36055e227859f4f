"""An hour in which something breaks every 20 s: nothing stops the music for longer than what broke explains.

`LIVEENGINE_CHAOS_S` makes it shorter or longer, `LIVEENGINE_CHAOS_SEED` draws other faults.
"""

from __future__ import annotations

import bisect
import itertools
import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mido
import pytest

from liveengine.clock.system import now_us
from tests.live.checks import tell
from tests.live.engine import Engine, EngineStarter, Line, is_running
from tests.live.link_peer import Peer
from tests.live.midi_server import MortalServer
from tests.long.floods import flood_http, flood_osc, flood_sockets
from tests.long.instrument import FULL_NAME, Instrument
from tests.waiting import PATIENCE_S, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(2 * 3600)]
LENGTH_S = float(os.environ.get("LIVEENGINE_CHAOS_S", "3600"))
SEED = int(os.environ.get("LIVEENGINE_CHAOS_SEED", "23"))
EVERY_S = 20.0
LASTS_S = 6.0
"""How long floods, outages and the full disk last."""
RECOVERS_S = PATIENCE_S
"""Within this all is well again after a fault; on a machine to itself it takes some seconds."""
GAP_BEATS = 2.0
DISK_BYTES = int((4 + 60 * LENGTH_S / 3600) * (1 << 20))
"""The take of an hour and its journal, with some 70,000 controls of the floods, are larger than 24 MB."""
GROWTH_MB_AN_HOUR, GROWTH_MB = 24.0, 12.0
"""The take of an hour is some 30,000 notes, which are kept until its end."""
GROWTH_DESCRIPTORS = 12
CHILDREN = ("generator", "player", "control", "listen")


@dataclass(frozen=True, slots=True)
class Fault:
    """What was broken, from when to when; one that silences explains gaps and hits that nobody reported."""

    name: str
    from_us: float
    to_us: float
    silences: bool

    def explains(self, from_us: float, to_us: float) -> bool:
        """Return whether a gap may come of it."""
        return self.silences and from_us <= self.to_us and self.from_us <= to_us


class Stagehand:
    """Breaks one thing after the other, and mends it."""

    def __init__(
        self,
        engine: Engine,
        server: MortalServer,
        instrument: Instrument,
        disk: Path | None,
        rng: random.Random,
    ) -> None:
        header = engine.wait_for("header")
        self._engine, self._server, self._disk, self._rng = engine, server, disk, rng
        self._address, self._osc = str(header["web"]), int(header["osc_port"])
        self.instrument = instrument
        self.faults: list[Fault] = []

    def break_something(self) -> None:
        """Break what the dice say, mend it, and wait until all is well."""
        faults: list[tuple[str, Callable[[], object], bool]] = [
            *((f"kill {name}", lambda name=name: self._kill(name), name == "player") for name in CHILDREN),
            *((f"stop {name}", lambda name=name: self._stop(name), name == "player") for name in CHILDREN),
            ("flood HTTP", lambda: flood_http(self._address, LASTS_S, self._rng), False),
            ("flood OSC", lambda: flood_osc(self._osc, LASTS_S, self._rng), False),
            ("flood WebSocket", lambda: flood_sockets(self._address, LASTS_S, self._rng), False),
            ("unplug the instrument", self._unplug, True),
            ("kill the MIDI server", lambda: self._outage(signal.SIGKILL), True),
            ("end the MIDI server", lambda: self._outage(signal.SIGTERM), True),
            ("freeze the MIDI server", self._freeze, True),
            ("a peer comes and dies", self._peer, False),
        ]
        if self._disk is not None:
            faults.append(("fill the disk", self._fill, False))
        name, fault, silences = self._rng.choice(faults)
        began_us = now_us()
        fault()
        self._wait_until_well(name)
        self.faults.append(Fault(name, began_us, now_us(), silences))

    def _running(self, name: str) -> int:
        """Return a process's id once it runs: one that had ended before is to have been replaced."""
        until(lambda: is_running(self._engine.pid(name)), f"{name} that runs")
        return self._engine.pid(name)

    def _kill(self, name: str) -> None:
        os.kill(self._running(name), signal.SIGKILL)

    def _stop(self, name: str) -> None:
        pid = self._running(name)
        os.kill(pid, signal.SIGSTOP)
        self._engine.wait_for(
            "process", lambda line: line["name"] == name and line["pid"] != pid, timeout_s=RECOVERS_S
        )

    def _unplug(self) -> None:
        self.instrument.unplug()
        time.sleep(LASTS_S)
        self.instrument = Instrument()

    def _outage(self, how: signal.Signals) -> None:
        self._server.die(how)
        self.instrument.unplug()
        time.sleep(LASTS_S)
        self._server.start()
        self.instrument = Instrument()

    def _freeze(self) -> None:
        self._server.process.send_signal(signal.SIGSTOP)
        time.sleep(LASTS_S)
        self._server.process.send_signal(signal.SIGCONT)

    def _peer(self) -> None:
        peer = Peer(120.0)
        peer.set_tempo(self._rng.uniform(80, 160))
        time.sleep(1.0)
        os.kill(peer.pid, signal.SIGKILL)
        peer.close()

    def _fill(self) -> None:
        assert self._disk is not None
        filler = self._disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        time.sleep(LASTS_S)
        filler.unlink()

    def _wait_until_well(self, name: str) -> None:
        """Wait until all processes are back and a note has sounded; raises AssertionError where none does."""
        begun_us = now_us()
        deadline = time.monotonic() + RECOVERS_S
        while time.monotonic() < deadline:
            ended = self._engine.process.poll()
            assert ended is None, (
                f"after {name!r} the engine ended with {ended}:\n{self._engine.log()[-4000:]}"
            )
            troubles = self._engine.lines("trouble")
            texts = " ".join(troubles[-1]["texts"]) if troubles else ""
            # On a machine with too much to do bars come late all the time, which is no fault of ours.
            ill = "no MIDI output" in texts or "started again" in texts
            if not ill and self._engine.lines("note")[-1]["sent_us"] > begun_us:
                return
            time.sleep(0.1)
        raise AssertionError(f"not well {RECOVERS_S:g} s after {name!r}:\n{self._engine.log()[-4000:]}")


@pytest.fixture
def disk(live_machine: None, tmp_path: Path) -> Iterator[Path | None]:
    """Mount a small disk of its own; None for those who may not."""
    where = tmp_path / "disk"
    where.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(where)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
        yield None
        return
    yield where
    subprocess.run(["umount", "-l", str(where)], check=True)


@pytest.fixture
def server(live_machine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MortalServer]:
    made = MortalServer(tmp_path / "jackd.log", "chaos")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", made.name)
    monkeypatch.setenv("JACK_NO_START_SERVER", "1")
    yield made
    made.close()


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def gaps(engine: Engine) -> list[tuple[float, float, float]]:
    """Return (from, to, beats) of the stretches without a note that are longer than they may be.

    A rest that the bars were given is none (funk stops for a bar now and then, and comes in again with a
    crash): the bars follow each other, and nothing that was planned between is missing.
    """
    notes = sorted(engine.lines("note"), key=lambda line: float(line["sent_us"]))
    tempi = engine.lines("tempo")
    dropped = engine.lines("dropped")
    dropped_us = sorted(float(line["due_us"]) for line in dropped if "due_us" in line)
    losing_bars = {line["bar"] for line in dropped if "due_us" not in line}
    found = []
    for earlier, later in itertools.pairwise(notes):
        place = bisect.bisect_left(dropped_us, earlier["sent_us"])
        missed = place < len(dropped_us) and dropped_us[place] < later["sent_us"]
        missed = missed or not losing_bars.isdisjoint((earlier["bar"], later["bar"]))
        if later["bar"] - earlier["bar"] in (0, 1) and not missed:
            continue
        bpm = max([line["bpm"] for line in tempi if line["at_us"] <= later["sent_us"]][-2:])
        beats = (later["sent_us"] - earlier["sent_us"]) / 60e6 * bpm
        if beats > GAP_BEATS:
            found.append((float(earlier["sent_us"]), float(later["sent_us"]), beats))
    return found


def unexplained(faults: list[Fault], stretches: list[tuple[float, float, float]]) -> list[str]:
    return [
        f"{beats:.1f} beats at {from_us / 1e6:.1f} s"
        for from_us, to_us, beats in stretches
        if not any(fault.explains(from_us, to_us) for fault in faults)
    ]


def lost_without_reason(engine: Engine, faults: list[Fault]) -> list[Line]:
    """Return the hits that nobody has accounted for, of bars in which nothing had silenced the player."""
    began = {int(line["bar"]): float(line["due_us"]) for line in reversed(engine.lines("note"))}
    lost = [line for line in engine.lines("dropped") if line["reason"] == "lost"]
    wrong = []
    for line in lost:
        at_us = began.get(int(line["bar"])) or max(
            (when for bar, when in began.items() if bar < line["bar"]), default=0.0
        )
        if not any(fault.explains(at_us - 4e6, at_us + 8e6) for fault in faults):
            wrong.append(line)
    return wrong


def test_an_hour_of_chaos(
    server: MortalServer,
    disk: Path | None,
    start_engine: EngineStarter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = disk or tmp_path
    monkeypatch.setenv("LIVEENGINE_HOME", str(own / "own"))
    take = own / "take.mid"
    instrument, founder = Instrument(), Peer(110.0)
    engine = start_engine(
        *("--backend", "jack", "--style", "funk", "--seed", str(SEED), "--port", FULL_NAME),
        *("--take", str(take), "--osc-port", "0", "--web-port", "0"),
    )
    engine.wait_for("bar", timeout_s=PATIENCE_S)
    hand = Stagehand(engine, server, instrument, disk, random.Random(SEED))
    engine_pid = engine.pid("engine")
    end = time.monotonic() + LENGTH_S
    settled = time.monotonic() + LENGTH_S / 5
    before: tuple[float, int] | None = None
    while time.monotonic() < end:
        began = time.monotonic()
        hand.break_something()
        time.sleep(max(0.0, EVERY_S - (time.monotonic() - began)))
        if before is None and time.monotonic() >= settled:
            before = resident_mb(engine_pid), descriptors(engine_pid)
    assert before is not None
    grown_mb = resident_mb(engine_pid) - before[0]
    more = descriptors(engine_pid) - before[1]
    (tmp_path / "faults.json").write_text(json.dumps([str(fault) for fault in hand.faults], indent=1))
    engine.process.send_signal(signal.SIGINT)
    status = engine.wait(PATIENCE_S)
    founder.close()
    hand.instrument.unplug()

    counts = Counter(fault.name for fault in hand.faults)
    tell(f"{LENGTH_S:g} s, {len(hand.faults)} faults: {dict(counts)}")
    tell(f"memory {grown_mb:+.1f} MB, descriptors {more:+d}")
    tell(str(engine.lines("summary")[-1]))
    stretches = gaps(engine)
    longest = max((beats for *_, beats in stretches), default=0.0)
    tell(f"{len(stretches)} gaps over {GAP_BEATS:g} beats, the longest {longest:.1f}")
    assert status == 0, engine.log()[-4000:]
    assert unexplained(hand.faults, stretches) == []
    assert lost_without_reason(engine, hand.faults) == []
    notes = sum(
        message.type == "note_on" and message.velocity > 0 for message in mido.MidiFile(take).tracks[1]
    )
    assert notes == len(engine.lines("note")), "the take is whole"
    assert grown_mb < GROWTH_MB + GROWTH_MB_AN_HOUR * LENGTH_S / 3600
    assert more <= GROWTH_DESCRIPTORS
