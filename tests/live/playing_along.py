"""Another musician for the tests: plays a riff into a JACK port, by the engine's own beats."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence

from liveengine.midi.bindings import binding
from tests.live.companion import now_us
from tests.live.control_port import SETTLE_S, ControlPort
from tests.live.engine import Engine

LISTEN_PORT = "liveengine-listen:notes"
BASS_NOTE_ON, BASS_NOTE_OFF = 0x91, 0x81
PITCH = 38
RIFF = ((0, 112), (3, 80), (6, 108), (10, 112), (14, 90))
"""(sixteenth, velocity)."""
LEAD_US = 150_000.0


class OwnPort:
    """A virtual JACK output of the musician's own, to which the engine connects."""

    def __init__(self, client: str) -> None:
        """Open the port `out` of a client."""
        self._output = binding().output("jack", client)
        self._output.open_virtual_port("out")
        time.sleep(SETTLE_S)

    def send(self, content: Sequence[int]) -> None:
        """Send a message."""
        self._output.send_message(list(content))

    def close(self) -> None:
        """Take the port away."""
        self._output.close_port()
        self._output.delete()


def bar_lines(engine: Engine) -> tuple[float, float, float]:
    """Return the moment of a bar line, its beat, and the microseconds of a beat, as the trace has them."""
    tempo = engine.wait_for("tempo")
    bar = engine.wait_for("bar")
    us_per_beat = 60e6 / tempo["bpm"]
    return tempo["at_us"] + (bar["beat"] - tempo["beat"]) * us_per_beat, bar["beat"], us_per_beat


def play_riff(
    port: ControlPort | OwnPort,
    engine: Engine,
    bars: int,
    *,
    late_ms: float = 0.0,
    riff: Sequence[tuple[int, int]] = RIFF,
) -> list[float]:
    """Play a riff from the next bar line on, late by some ms; return when each note was sent."""
    line_us, _, us_per_beat = bar_lines(engine)
    bar_us = 4 * us_per_beat
    begin_us = line_us + bar_us * (1 + (now_us() + LEAD_US - line_us) // bar_us)
    sent_us = []
    for bar in range(bars):
        for step, velocity in riff:
            due_us = begin_us + bar * bar_us + step * us_per_beat / 4 + late_ms * 1e3
            time.sleep(max(0.0, (due_us - now_us()) / 1e6 - 0.002))
            while now_us() < due_us:
                os.sched_yield()
            sent_us.append(now_us())
            port.send([BASS_NOTE_ON, PITCH, velocity])
            port.send([BASS_NOTE_OFF, PITCH, 0])
    return sent_us


def flood(port: ControlPort | OwnPort, seconds: float, per_s: int) -> int:
    """Send notes as fast as asked, garbage among them, and let none go; return how many were sent."""
    begin, sent = time.monotonic(), 0
    while (since := time.monotonic() - begin) < seconds:
        while sent < since * per_s:
            sent += 1
            with contextlib.suppress(*binding().errors):
                port.send([0x90, sent % 128, 1 + sent % 127] if sent % 50 else [0x90 | sent % 16, 200, 3])
        time.sleep(0.002)
    return sent
