"""A sender of MIDI clock for the tests: uneven, lossy, ramping, as asked for."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

from tests.live.companion import now_us
from tests.live.control_port import ControlPort

SYNC_PORT = "liveengine-sync:clock"
PULSE, START, CONTINUE, STOP, SONG_POSITION = 0xF8, 0xFA, 0xFB, 0xFC, 0xF2
PULSES_PER_BEAT = 24


class ClockMaster:
    """Sends MIDI clock on a thread of its own, and knows when each pulse was due.

    `due_us` are the moments of all pulses on its true grid, sent or lost; `started_us` is when its song began
    last, which is pulse `started_pulse`.
    """

    def __init__(
        self,
        bpm: float | Callable[[float], float],
        *,
        jitter_ms: float = 1.0,
        lost: float = 0.0,
        seed: int = 1,
    ) -> None:
        """Connect to the engine and let the clock run; `bpm` may depend on the beats since the last start."""
        self._bpm = bpm if callable(bpm) else lambda _: bpm
        self._jitter_ms, self._lost = jitter_ms, lost
        self._dice = random.Random(seed)
        self._port = ControlPort(SYNC_PORT)
        self._asked: list[list[int]] = []
        self._ends = False
        self.paused = False
        self.due_us: list[float] = []
        self.started_us, self.stopped_us, self.started_pulse = 0.0, 0.0, 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        due_us = now_us()
        while not self._ends:
            beats = (len(self.due_us) - self.started_pulse) / PULSES_PER_BEAT
            due_us += 60e6 / self._bpm(beats) / PULSES_PER_BEAT
            off_us = self._dice.gauss(0, self._jitter_ms * 1e3)
            time.sleep(max(0.0, (due_us + off_us - now_us()) / 1e6))
            while self._asked:
                message = self._asked.pop(0)
                self._port.send(message)
                if message[0] in (START, CONTINUE):
                    self.started_us, self.started_pulse = due_us, len(self.due_us)
                elif message[0] == STOP:
                    self.stopped_us = now_us()
            self.due_us.append(due_us)
            if not self.paused and self._dice.random() >= self._lost:
                self._port.send([PULSE])

    def ask(self, *message: int) -> None:
        """Send a message right before the next pulse."""
        self._asked.append(list(message))
        while self._asked:
            time.sleep(0.001)

    def place(self, at_us: float) -> float:
        """Return the beats since its song began, on its true grid, at a moment."""
        after = self._pulse_after(at_us)
        before_us, after_us = self.due_us[after - 1], self.due_us[after]
        pulse = after - 1 + (at_us - before_us) / (after_us - before_us)
        return (pulse - self.started_pulse) / PULSES_PER_BEAT

    def place_us(self, at_us: float) -> float:
        """Return how long a pulse lasts at a moment."""
        after = self._pulse_after(at_us)
        return self.due_us[after] - self.due_us[after - 1]

    def _pulse_after(self, at_us: float) -> int:
        """Return the first pulse after a moment, or the last there is."""
        return next((at for at, due_us in enumerate(self.due_us) if due_us > at_us), len(self.due_us) - 1)

    def close(self) -> None:
        """End the clock."""
        self._ends = True
        self._thread.join()
        self._port.close()
