"""Link's own acceptance plan, as far as it concerns us: tempo, beat time, peers that come and go."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from itertools import pairwise
from statistics import median

import pytest
from aalink import Link

from liveengine.clock.link import LinkTimeline
from liveengine.music.beats import TEMPO_MAX_BPM, TEMPO_MIN_BPM
from tests.live.analysis import SAME_TEMPO_BPM
from tests.live.checks import HUT_BPM, check_tempo, tell
from tests.live.companion import now_us
from tests.live.engine import EngineStarter
from tests.live.hut import LinkHut
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.sounding import largest_gap_beats

pytestmark = pytest.mark.live
JOINS = 20
CROWD, CROWD_MET = 30, 27
"""Peers that join at once, and how many of them a busy machine must have met."""
SAME_PHASE_MS = 1.0
"""Two captures of one moment by two processes' peers."""
DISCOVERY_S = 8.0
GOES_ON_S = 5.0
QUANTA_BEATS = (4.0, 3.0, 5.0, 7.0, 8.0)
CROWD_S = 20.0
FAREWELL_S = 12.0
"""A peer that vanished is forgotten when its last message is five seconds old."""


async def joined_bpm(bpm: float, wait_s: float) -> float:
    await asyncio.sleep(wait_s)
    timeline = await LinkTimeline.join(bpm, 4.0)
    found = timeline.state().beat_map.bpm
    timeline.close()
    return found


def test_twenty_joins_at_any_tempo_leave_the_session_alone(link_hut: LinkHut, listener: Listener) -> None:
    began_us = now_us()
    own_bpm = [TEMPO_MIN_BPM + (TEMPO_MAX_BPM - TEMPO_MIN_BPM) * turn / (JOINS - 1) for turn in range(JOINS)]

    async def join_all() -> list[float]:
        return await asyncio.gather(*(joined_bpm(bpm, 0.25 * turn) for turn, bpm in enumerate(own_bpm)))

    found = asyncio.run(join_all())
    assert found == pytest.approx([HUT_BPM] * JOINS, abs=SAME_TEMPO_BPM)
    assert link_hut.tempo() == HUT_BPM
    recording = listener.stop()
    check_tempo(recording.session, HUT_BPM, began_us)
    moved_us = [
        (later.beat - earlier.beat) * 60_000_000 / HUT_BPM - (later.time_us - earlier.time_us)
        for earlier, later in pairwise(recording.session.since(began_us))
    ]
    assert max(map(abs, moved_us)) < SAME_PHASE_MS * 1_000, "a join moved the session's phase"


@pytest.mark.parametrize("bpm", [TEMPO_MIN_BPM, TEMPO_MAX_BPM])
def test_the_newcomer_takes_the_slowest_and_the_fastest_tempo(
    link_hut: LinkHut, peer: Peer, bpm: float
) -> None:
    deadline = time.monotonic() + DISCOVERY_S
    while peer.state()["bpm"] != pytest.approx(HUT_BPM, abs=SAME_TEMPO_BPM):
        assert time.monotonic() < deadline, f"the peer has not met the session: {peer.state()}"
        time.sleep(0.05)
    peer.set_tempo(bpm)
    time.sleep(1.0)
    assert asyncio.run(joined_bpm(120.0, 0.0)) == pytest.approx(bpm, rel=1e-4)
    peer.set_tempo(HUT_BPM)
    time.sleep(1.0)
    assert link_hut.tempo() == pytest.approx(HUT_BPM, abs=SAME_TEMPO_BPM)


def test_the_phase_is_shared_at_any_quantum(link_hut: LinkHut) -> None:
    async def difference_ms(quantum_beats: float) -> float:
        ours = await LinkTimeline.join(120.0, quantum_beats)
        other = Link(120.0)
        other.quantum = quantum_beats
        await asyncio.sleep(0.5)
        other.enabled = True
        await asyncio.sleep(2.0)
        found = []
        for _ in range(20):
            before_us = now_us()
            theirs = other.beat
            at_us = (before_us + now_us()) / 2
            apart = (ours.state().beat_map.beat_at(at_us) - theirs) % quantum_beats
            apart = min(apart, quantum_beats - apart)
            found.append(apart * 60_000 / HUT_BPM)
            await asyncio.sleep(0.02)
        other.enabled = False
        ours.close()
        return float(median(found))

    async def differences_ms() -> list[float]:
        return await asyncio.gather(*map(difference_ms, QUANTA_BEATS))

    apart_ms = asyncio.run(differences_ms())
    for quantum_beats, apart in zip(QUANTA_BEATS, apart_ms, strict=True):
        tell(f"quantum {quantum_beats:g}: phases {apart:.3f} ms apart in the median")
    assert max(apart_ms) < SAME_PHASE_MS


def test_a_crowd_of_peers_moves_nothing(link_hut: LinkHut, listener: Listener) -> None:
    began_us = now_us()
    before = int(listener.state()["peers"])

    async def gather_crowd() -> int:
        crowd = [Link(60.0 + number) for number in range(CROWD)]
        await asyncio.sleep(0.5)
        for each in crowd:
            each.enabled = True
        deadline = time.monotonic() + CROWD_S
        most = before  # of thirty that all speak at once, now and then one is not heard for a while
        while time.monotonic() < deadline and most < before + CROWD:
            await asyncio.sleep(0.2)
            most = max(most, int(listener.state()["peers"]))
        for each in crowd:
            each.enabled = False
        return most

    assert asyncio.run(gather_crowd()) >= before + CROWD_MET
    recording = listener.stop()
    check_tempo(recording.session, HUT_BPM, began_us)


def test_the_music_goes_on_when_a_peer_vanishes_and_the_network_goes_down_and_up(
    link_hut: LinkHut, peer: Peer, listener: Listener, start_engine: EngineStarter
) -> None:
    engine = start_engine("--backend", "jack", "--style", "funk", "--swing", "50", "--humanize", "0")
    engine.wait_for("note")
    with_peer = engine.lines("peers")[-1]["count"]
    os.kill(peer.pid, signal.SIGKILL)
    engine.wait_for("peers", lambda line: line["count"] == with_peer - 1, timeout_s=FAREWELL_S)
    for command in ("link set lo down", "link set lo up", "route add 224.0.0.0/4 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
        time.sleep(1.0)
    heard = listener.state()["ons"]
    time.sleep(GOES_ON_S)
    assert listener.state()["ons"] > heard + 10
    assert link_hut.tempo() == HUT_BPM
    assert engine.stop() in (0, 130), engine.log()
    assert {round(line["bpm"]) for line in engine.lines("tempo")} == {HUT_BPM}
    recording = listener.stop()
    gap_beats = largest_gap_beats(recording.messages, recording.session)
    tell(f"largest gap {gap_beats:.2f} beats, with a peer killed and the network down for a second")
    assert gap_beats <= 4.0
