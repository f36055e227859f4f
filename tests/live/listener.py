"""An independent listener at the drum port, with its own Link peer and its own JACK input.

The process records each MIDI message with the moment at which RtMidi called back, reads the Link
session every few milliseconds, and patches itself to the drum port whenever that appears.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from aalink import Link

from liveengine.midi.bindings import binding
from tests.live.analysis import Capture, Message, SessionMap
from tests.live.companion import Companion, answer, now_us, pending, questions, take_priority
from tests.live.jack import Patchbay
from tests.live.link_peer import read_time_us, settled_link
from tests.live.sounding import note_lengths

DRUM_PORT = "liveengine:drums"
PRIORITY = 60
CAPTURE_PERIOD_S = 0.005
TRIES = 4
TIGHT_US = 50.0
"""A reading whose two times are further apart than this was interrupted, and is not kept."""
PATCH_PERIOD_S = 0.01
SWITCH_S = 0.000_05
"""How long the reading thread may keep Python's lock from the callback; Python's own choice is 5 ms."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What a listener heard and saw, in order of time."""

    messages: tuple[Message, ...]
    session: SessionMap


class Listener:
    """The tests' side: asks the process, and reads its recording at the end."""

    def __init__(self, recording: Path, *, quantum_beats: float = 4.0, source: str = DRUM_PORT) -> None:
        """Start the process; it has joined the session and opened its input when this returns."""
        self._path = recording
        self._companion = Companion(
            __name__, "--out", str(recording), "--quantum", str(quantum_beats), "--source", source
        )
        self.input_port = str(self._companion.ready["input_port"])
        self.granted = bool(self._companion.ready["priority"])

    def state(self) -> dict[str, Any]:
        """Return `bpm`, `peers`, `playing`, `beat`, `connected`, `ons`, and `sounding` (notes still on)."""
        return self._companion.ask("state")

    def wait_for(self, true: Callable[[dict[str, Any]], bool], what: str, timeout_s: float) -> dict[str, Any]:
        """Ask until the state is as wanted; raises AssertionError with `what` and the last state."""
        deadline = time.monotonic() + timeout_s
        while not true(state := self.state()):
            assert time.monotonic() < deadline, f"waited {timeout_s:g} s for {what}; the listener has {state}"
            time.sleep(0.02)
        return state

    def stop(self) -> Recording:
        """End the process and return what it recorded."""
        self._companion.close()
        lines = [json.loads(line) for line in self._path.read_text().splitlines()]
        captures = [
            Capture(line["time_us"], line["beat"], line["bpm"], line["peers"], line["playing"])
            for line in lines
            if line["type"] == "capture"
        ]
        return Recording(
            messages=tuple(
                Message(line["at_us"], tuple(line["bytes"])) for line in lines if line["type"] == "message"
            ),
            session=SessionMap(captures),
        )

    def close(self) -> None:
        """End the process; a second call does nothing."""
        self._companion.close()


def called_input(name: str, hear: Callable[[list[int]], None]) -> Any:
    """Return a JACK client of the binding in use that calls on JACK's own thread: nothing stamps sooner."""
    if binding().name == "rtmidi2":
        import rtmidi2

        client = rtmidi2.MidiIn(name, 1024, rtmidi2.API_UNIX_JACK)
        client.ignore_types(False, False, False)
        client.callback = lambda message, _since_s: hear(message)
        return client
    import rtmidi

    client = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=name)
    client.ignore_types(sysex=False, timing=False, active_sense=False)
    client.set_callback(lambda event, _data: hear(event[0]))
    return client


class Ear:
    """The process's JACK input. rtmidi's thread appends messages, one patching thread connects."""

    def __init__(self, source: str) -> None:
        """Open the input port and begin to patch it to `source`."""
        self.messages: list[tuple[float, list[int]]] = []
        self.connected = False
        name = f"listener-{os.getpid()}"
        self.port = f"{name}:in"
        self._source = source
        self._input = called_input(name, self._hear)
        self._input.open_virtual_port("in")
        self._patchbay = Patchbay(f"{name}-patch")
        self._closing = threading.Event()
        self._patching = threading.Thread(target=self._patch, daemon=True)
        self._patching.start()

    def _hear(self, message: list[int]) -> None:
        self.messages.append((now_us(), message))

    def _patch(self) -> None:
        while not self._closing.wait(PATCH_PERIOD_S):
            connected = self._patchbay.is_connected(self._source, self.port)
            if not connected and self._patchbay.has(self._source):
                connected = self._patchbay.connect(self._source, self.port)
            self.connected = connected

    def close(self) -> None:
        """Stop patching and close the input."""
        self._closing.set()
        self._patching.join()
        self._patchbay.close()
        self._input.close_port()


def capture(link: Link) -> Capture | None:
    """Read time, beat and time again, and keep the tightest of a few tries; None if all were interrupted."""
    best: Capture | None = None
    tightest_us = TIGHT_US
    for _ in range(TRIES):
        before_us = read_time_us(link)
        beat = link.beat
        after_us = read_time_us(link)
        if after_us - before_us < tightest_us:
            tightest_us = after_us - before_us
            best = Capture((before_us + after_us) / 2, beat, link.tempo, link.num_peers, link.playing)
    return best


def tell(captured: Capture, ear: Ear) -> None:
    """Answer with the state as the listener has it now."""
    heard = [Message(at_us, tuple(content)) for at_us, content in list(ear.messages)]
    answer(
        bpm=captured.bpm,
        peers=captured.peers,
        playing=captured.playing,
        beat=captured.beat,
        connected=ear.connected,
        ons=sum(message.is_on() for message in heard),
        sounding=[list(message.content) for message in note_lengths(heard).hanging],
    )


async def listen(ear: Ear, quantum_beats: float, asked: SimpleQueue[str], duration_s: float) -> list[Capture]:
    """Read the session until asked to quit, or for a duration where one is given; return the readings.

    A change of tempo or transport is read at the moment at which Link reports it.
    """
    link = await settled_link(120.0, quantum_beats)
    captures: list[Capture] = []

    def at_once(_: object) -> None:
        captured = capture(link)
        if captured is not None:
            captures.append(captured)

    link.add_tempo_callback(at_once)
    link.add_start_stop_callback(at_once)
    answer(ready=True, input_port=ear.port, priority=os.sched_getscheduler(0) == os.SCHED_FIFO)
    end = time.monotonic() + duration_s
    while time.monotonic() < end:
        captured = capture(link)
        if captured is not None:
            captures.append(captured)
        for question in pending(asked):
            if question == "quit":
                end = 0.0
            elif captures:
                tell(captures[-1], ear)
        await asyncio.sleep(CAPTURE_PERIOD_S)
    link.enabled = False
    return captures


def write(path: Path, captures: list[Capture], ear: Ear) -> None:
    """Write everything as JSON Lines."""
    lines: list[dict[str, Any]] = [
        {
            "type": "capture",
            "time_us": captured.time_us,
            "beat": captured.beat,
            "bpm": captured.bpm,
            "peers": captured.peers,
            "playing": captured.playing,
        }
        for captured in captures
    ]
    lines += [{"type": "message", "at_us": at_us, "bytes": content} for at_us, content in ear.messages]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def main() -> None:
    """Listen from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--quantum", type=float, default=4.0)
    parser.add_argument("--source", default=DRUM_PORT)
    parser.add_argument("--duration", type=float, default=float("inf"), help="seconds; else until quit")
    arguments = parser.parse_args()
    take_priority(PRIORITY)  # before the threads of Link and JACK start, so that they inherit it
    gc.disable()
    sys.setswitchinterval(SWITCH_S)
    ear = Ear(arguments.source)
    captures = asyncio.run(listen(ear, arguments.quantum, questions(), arguments.duration))
    ear.close()
    write(arguments.out, captures, ear)


if __name__ == "__main__":
    main()
