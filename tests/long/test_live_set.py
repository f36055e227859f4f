"""Ten minutes live: the tempo walks, styles change, peers come and go; nothing late, lost or growing.

`LIVEENGINE_SOAK_MINUTES` makes it shorter or longer.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.live.checks import HUT_BPM, check_lengths, check_matching, end_by_signal, tell, tell_lateness
from tests.live.control_port import ControlPort
from tests.live.engine import Engine, EngineStarter
from tests.live.hut import LinkHut
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import StallProbe
from tests.live.sounding import largest_gap_beats

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
MINUTES = float(os.environ.get("LIVEENGINE_SOAK_MINUTES", "10"))
CHANGE_EVERY_S = 3.0
GAP_BEATS = 8.0
"""A style may rest for a bar or two."""
GROWTH_MB = 12.0
STALL_DROP_US = 30_000.0
"""A machine that stands still for longer than this takes hits with it."""


def resident_mb(engine: Engine) -> dict[str, float]:
    page_mb = os.sysconf("SC_PAGE_SIZE") / 1e6
    return {
        name: int(Path(f"/proc/{engine.pid(name)}/statm").read_text().split()[1]) * page_mb
        for name in ("engine", "player", "generator")
    }


def test_ten_minutes_live(
    link_hut: LinkHut, peer: Peer, listener: Listener, start_engine: EngineStarter, stall_probe: StallProbe
) -> None:
    rng = random.Random(10)
    engine = start_engine("--backend", "jack", "--style", "funk", "--seed", "10")
    engine.wait_for("note")
    control = ControlPort()
    guests: list[Peer] = []
    bpm = float(HUT_BPM)
    end = time.monotonic() + MINUTES * 60
    settled = time.monotonic() + MINUTES * 12
    before: dict[str, float] = {}
    while time.monotonic() < end:
        happening = rng.randrange(6)
        if happening < 2:
            bpm = min(180.0, max(60.0, bpm + rng.uniform(-6, 6)))
            peer.set_tempo(bpm)
        elif happening == 2:
            control.program_change(rng.randrange(12))
        elif happening == 3:
            control.control_change(rng.choice([21, 22, 23, 24]), rng.randrange(128))
        elif happening == 4 and len(guests) < 3:
            guests.append(Peer(rng.uniform(60, 180)))
        elif guests:
            guests.pop().close()
        time.sleep(CHANGE_EVERY_S)
        if not before and time.monotonic() >= settled:
            before = resident_mb(engine)
    grown = {name: resident - before[name] for name, resident in resident_mb(engine).items()}
    for guest in guests:
        guest.close()
    control.close()
    end_by_signal(engine, listener, signal.SIGINT)

    recording = listener.stop()
    stalls = stall_probe.stalls()
    outcome = check_matching(engine, recording, stall_probe.stalls())
    summary = engine.lines("summary")[-1]
    told_mb = ", ".join(f"{name} {resident:.0f} MB ({grown[name]:+.1f})" for name, resident in before.items())
    tell(f"{MINUTES:g} min: {summary}")
    tell(f"resident after a fifth of the time, and growth since: {told_mb}")
    tell_lateness("all of it, tempo steps too", list(outcome.pairs), recording.session, stalls)
    check_lengths(recording.messages, stalls)
    gap_beats = largest_gap_beats(recording.messages, recording.session)
    tell(f"largest gap {gap_beats:.2f} beats")
    assert gap_beats <= GAP_BEATS
    assert summary["late_bars"] == 0
    assert summary["dropped"]["lost"] == 0
    assert summary["dropped"]["plan"] == 0
    assert summary["dropped"]["tempo"] == 0
    if not any(stall.end_us - stall.begin_us > STALL_DROP_US for stall in stalls):
        assert summary["dropped"]["late"] == 0
    assert len(engine.lines("process")) == 0, "a process had to be started again"
    assert max(grown.values()) < GROWTH_MB
