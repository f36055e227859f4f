"""The player in its own process, for real but for a port: it dies, hangs, comes back, and plays on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection

import pytest

from liveengine.clock.system import now_us
from liveengine.errors import MidiError
from liveengine.music.beats import BeatMap
from liveengine.playback.client import ProcessPlayer
from liveengine.playback.messages import Clear, Outcome, PlannedHit, Replace, SetMap
from liveengine.playback.process import PlayerSettings, for_waiting, wait_for_order
from tests.waiting import until

KICK = 36
FAR_DESCRIPTOR = 1500
SLOWLY, FAR_BEAT = 20.0, 400.0
"""At so slow a tempo the far beat is twenty minutes away."""
SETTINGS = PlayerSettings(None, None, gate_ms=60.0, late_drop_ms=60_000.0, keys=((10, KICK),))

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes are not stopped here")


class Played:
    """A player, the process ids that it had, and which hits were sent."""

    def __init__(self) -> None:
        self.pids: list[int] = []
        self.player = ProcessPlayer(SETTINGS, self.pids.append)
        self.sent: list[int] = []

    def look(self) -> None:
        self.sent += [each.serial for each in self.player.reports() if each.outcome is Outcome.SENT]

    def has_sent(self, *serials: int) -> bool:
        self.look()
        return self.sent == list(serials)

    def is_in_trouble(self) -> bool:
        self.look()
        return self.player.trouble() != ""

    def is_back(self) -> bool:
        self.look()
        return len(self.pids) > 1 and not self.player.trouble()

    def begin(self) -> None:
        """Let beat 0 be now, and the far beat be far."""
        self.player.tell(SetMap(BeatMap(now_us(), 0.0, SLOWLY)))

    def reach(self) -> None:
        """Let the far beat be now."""
        self.player.tell(SetMap(BeatMap(now_us(), FAR_BEAT, SLOWLY)))


@pytest.fixture
def played() -> Iterator[Played]:
    found = Played()
    yield found
    found.player.close()


def hit(serial: int, beat: float, bar: int = 0) -> PlannedHit:
    return PlannedHit(serial, bar, 0, beat, 0.0, KICK, 100, voice=KICK)


def test_what_is_due_is_sent_and_reported_once(played: Played) -> None:
    played.begin()
    played.player.tell(Replace(0, 0, (hit(1, 0.0), hit(2, FAR_BEAT, bar=1))))
    until(lambda: played.has_sent(1), "the first hit")
    played.reach()
    until(lambda: played.has_sent(1, 2), "the second")
    assert not played.player.trouble()


@pytest.mark.parametrize("how", ["SIGKILL", "SIGSTOP"])
def test_one_that_dies_or_hangs_is_replaced_and_plays_the_plan_in_force(played: Played, how: str) -> None:
    played.begin()
    played.player.tell(Replace(0, 0, (hit(1, FAR_BEAT, bar=1), hit(2, FAR_BEAT, bar=2))))
    played.player.tell(Replace(2, 0, (hit(3, FAR_BEAT + 0.1, bar=2),)))
    os.kill(played.pids[0], getattr(signal, how))
    until(played.is_in_trouble, "the trouble")
    until(played.is_back, "another player")
    notices = played.player.notices()
    assert len(notices) == len(played.pids) - 1 == played.player.restarts
    assert all(each.startswith("the player is started again: ") for each in notices)
    assert not played.player.notices(), "each is given once"
    played.reach()
    until(lambda: played.has_sent(1, 3), "what is planned")


def test_what_was_taken_back_is_not_played_by_the_next_one(played: Played) -> None:
    played.begin()
    played.player.tell(Replace(0, 0, (hit(1, FAR_BEAT),)))
    played.player.tell(Clear())
    os.kill(played.pids[0], signal.SIGKILL)
    until(played.is_back, "another player")
    played.player.tell(Replace(0, 0, (hit(2, FAR_BEAT),)))
    played.reach()
    until(lambda: played.has_sent(2), "what was planned since")


def test_orders_given_while_nobody_is_there_are_carried_out_by_the_next_one(played: Played) -> None:
    os.kill(played.pids[0], signal.SIGKILL)
    until(played.is_in_trouble, "the trouble")
    played.begin()
    played.player.tell(Replace(0, 0, (hit(1, FAR_BEAT),)))
    until(played.is_back, "another player")
    played.reach()
    until(lambda: played.has_sent(1), "the hit")


def test_a_stop_is_not_lost_on_a_pipe_that_is_full(played: Played) -> None:
    played.begin()
    played.player.tell(Replace(0, 0, (hit(1, FAR_BEAT),)))
    os.kill(played.pids[0], signal.SIGSTOP)
    while not played.player._behind:
        played.begin()
    played.player.tell(Clear())
    played.player.tell(Replace(1, 0, (hit(2, FAR_BEAT, bar=1),)))
    os.kill(played.pids[0], signal.SIGCONT)
    played.reach()
    until(lambda: played.has_sent(2), "what was planned after it, and only that")
    assert len(played.pids) == 1


def test_the_pipe_is_waited_on_whatever_number_its_descriptor_has() -> None:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] <= FAR_DESCRIPTOR:
        pytest.skip(f"no descriptor {FAR_DESCRIPTOR} here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limits[0], FAR_DESCRIPTOR + 1), limits[1]))
    far = Connection(os.dup2(theirs.fileno(), FAR_DESCRIPTOR))
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    theirs.close()
    ours.send("order")
    near = for_waiting(far)
    wait_for_order(near, 1.0)
    assert near.recv() == "order"
    assert far.closed


def test_it_ends_with_its_process(played: Played) -> None:
    played.player.close()
    assert not played.player.had_to_be_killed
    with pytest.raises(ProcessLookupError):
        os.kill(played.pids[0], 0)


def test_a_port_that_cannot_be_opened_is_said_at_once() -> None:
    elsewhere = "coremidi" if sys.platform != "darwin" else "alsa"
    with pytest.raises(MidiError, match=elsewhere):
        ProcessPlayer(replace(SETTINGS, backend=elsewhere))
