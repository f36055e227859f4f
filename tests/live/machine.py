"""The machine under the tests: cores kept awake, and a probe that records its own stalls."""

from __future__ import annotations

import os
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from tests.live.analysis import Stall
from tests.live.companion import Companion, answer, now_us, pending, questions, take_priority

PERIOD_US = 1_000.0
STALL_US = 500.0
"""A wake-up later than this is a stall; under the highest priority only the machine can cause it.
Cores that are awake and left alone stay below 0.2 ms at p99."""
PROBE_PRIORITY = 95
SPIN_TURNS = 2_000_000
LATENCY_REQUEST = "/dev/cpu_dma_latency"
"""Holds while open (Documentation/power/pm_qos_interface.rst in the kernel)."""


class AwakeCores:
    """Keeps idle cores from sleeping: an idle virtual core wakes tens of ms late.

    The kernel is asked for a wake-up latency of 0 (PM QoS), which makes an idle core poll. Where that may
    not be asked, a process per core spins and yields to everything.
    """

    def __init__(self) -> None:
        """Ask, or start the spinners on the cores that this process may use."""
        self._spinners: list[Companion] = []
        self._request: int | None = None
        try:
            self._request = os.open(LATENCY_REQUEST, os.O_WRONLY)
            os.write(self._request, struct.pack("i", 0))
        except OSError:
            cores = sorted(os.sched_getaffinity(0))
            self._spinners = [Companion(__name__, "spin", str(core)) for core in cores]

    def close(self) -> None:
        """Let the cores sleep again."""
        if self._request is not None:
            os.close(self._request)
        for spinner in self._spinners:
            spinner.close()


class StallProbe:
    """A pinned process per core that wakes each millisecond above all others and records when it was late."""

    def __init__(self) -> None:
        """Start them on the cores that this process may use; `granted` tells whether all got priority."""
        self._cores = sorted(os.sched_getaffinity(0))
        self._probes = [Companion(__name__, "probe", str(core)) for core in self._cores]
        self.granted = all(bool(probe.ready["priority"]) for probe in self._probes)

    def stalls(self) -> list[Stall]:
        """Return all stalls since the start, by core and time; empty where no priority was granted."""
        if not self.granted:
            return []
        return [
            Stall(core, begin_us, end_us)
            for core, probe in zip(self._cores, self._probes, strict=True)
            for begin_us, end_us in probe.ask("stalls")["stalls"]
        ]

    def close(self) -> None:
        """End them."""
        for probe in self._probes:
            probe.close()


def spin(asked: SimpleQueue[str], core: int) -> None:
    """Keep a core busy at the lowest priority until asked to quit.

    In a session of its own: where the kernel groups tasks by session (sched_autogroup), SCHED_IDLE counts
    only inside the group, and two spinners in the tests' group kept ordinary threads waiting for seconds.
    """
    os.setsid()
    with suppress(FileNotFoundError):
        Path("/proc/self/autogroup").write_text("19")
    os.sched_setaffinity(0, {core})
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    answer(ready=True)
    while "quit" not in pending(asked):
        for _ in range(SPIN_TURNS):
            pass


def probe(asked: SimpleQueue[str], core: int) -> None:
    """Wake at each period's end by an absolute schedule, record what is late, answer "stalls"."""
    os.sched_setaffinity(0, {core})
    answer(ready=True, priority=take_priority(PROBE_PRIORITY))
    stalls: list[tuple[float, float]] = []
    deadline_us = now_us()
    while True:
        deadline_us += PERIOD_US
        time.sleep(max(0.0, deadline_us - now_us()) / 1_000_000)
        woke_us = now_us()
        if woke_us - deadline_us > STALL_US:
            stalls.append((deadline_us, woke_us))
            deadline_us = woke_us
        for question in pending(asked):
            if question == "quit":
                return
            answer(stalls=stalls)
            deadline_us = now_us()


if __name__ == "__main__":
    work = {"spin": spin, "probe": probe}[sys.argv[1]]
    work(questions(), int(sys.argv[2]))
