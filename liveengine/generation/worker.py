"""The generator's own process: it loads the model, answers requests over a pipe, and ends with it."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from liveengine.errors import LiveEngineError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarReply, BarRequest, Conditioning
from liveengine.processes.child import Heartbeat
from liveengine.processes.spawn import ignore_terminal

if TYPE_CHECKING:
    from liveengine.generation.generator import BarGenerator

NICENESS = 5
"""Below the engine, so that decoding never takes the core from what must be on time."""
WARM_UP_BARS = 2
BEAT_S = 0.25
"""A generator that waits beats so often."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded and warm; `device` is where it runs."""

    device: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The model runs on another device from now on: the GPU has failed, or is full."""

    device: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A bar could not be made, `serial` is the request's if there is one; or, `fatal`, no model loaded."""

    message: str
    serial: int | None = None
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Bars to be written in idle time; given up as soon as one is asked for in earnest."""

    requests: tuple[BarRequest, ...]


Answer = Ready | Moved | Failed | BarReply


def choose_device(wanted: str) -> str:
    """Return "cuda" or "cpu" for "auto", "cuda" or "cpu".

    Raises ConfigError where CUDA is asked for and torch has none.
    """
    if wanted == "cpu" or (wanted == "auto" and not _has_nvidia_driver()):
        return "cpu"
    import torch  # seconds, which a start without a GPU does not have to wait for

    from liveengine.errors import ConfigError

    available = torch.cuda.is_available()
    if wanted == "cuda" and not available:
        raise ConfigError(
            f"--device cuda: expected a torch with CUDA and a GPU, got torch {torch.__version__} without"
        )
    return "cuda" if available else "cpu"


def _has_nvidia_driver() -> bool:
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def write_warm_up_bars(generator: BarGenerator) -> None:
    """Write some bars for nobody, so that all that is made at first use is made."""
    for index in range(WARM_UP_BARS):
        generator.generate(BarRequest(-1 - index, 0, FOUR_FOUR, Conditioning(), (), index))


def warm_up(checkpoint: Path) -> None:
    """Compile the decoder for this processor and keep it on disk: seconds that a first start then saves."""
    from liveengine.generation.generator import BarGenerator

    write_warm_up_bars(BarGenerator(checkpoint))


def run(
    connection: Connection,
    heartbeat: Heartbeat,
    checkpoint: str,
    device: str,
    packs: tuple[str, ...] = (),
) -> None:
    """Serve bar requests until the pipe closes. The entry point of the spawned process.

    `heartbeat` beats with every token, from when the model is loaded.

    `packs` are files with styles learned for the checkpoint. ctrl-C is left to the engine, which closes
    the pipe.
    """
    ignore_terminal()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    if hasattr(os, "sched_setscheduler"):
        # The engine's time slices are short, which only costs here; to set the policy sets them back.
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    from liveengine.generation.generator import BarGenerator

    try:
        chosen = choose_device(device)
        generator = BarGenerator(Path(checkpoint), chosen, [Path(pack) for pack in packs])
        write_warm_up_bars(generator)
    except LiveEngineError as error:
        _send(connection, Failed(str(error)))
        return
    gc.collect()
    gc.freeze()
    device = generator.device
    if not _send(connection, Ready(device)):
        return
    heartbeat.beat()
    line = _Line(connection, heartbeat)
    while True:
        try:
            asked = line.next(generator)
        except (EOFError, OSError):
            return
        answers = list(_answers(asked, generator, line))
        if generator.device != device:
            device = generator.device
            answers.append(Moved(device))
        if not all(_send(connection, answer) for answer in answers):
            return


class _Line:
    """What is asked of a generator, with its heartbeat."""

    def __init__(self, connection: Connection, heartbeat: Heartbeat) -> None:
        self._connection, self._heartbeat = connection, heartbeat

    def is_cancelled(self) -> bool:
        """Beat, and return whether something newer is asked."""
        self._heartbeat.beat()
        return self._connection.poll()

    def next(self, generator: BarGenerator) -> BarRequest | Rehearsal:
        """Wait for what is asked, reading ahead meanwhile; only the newest counts."""
        while not self.is_cancelled() and generator.read_ahead():
            pass
        while not self._connection.poll(BEAT_S):
            self._heartbeat.beat()
        asked: BarRequest | Rehearsal = self._connection.recv()
        while self._connection.poll():
            asked = self._connection.recv()
        return asked


def _answers(asked: BarRequest | Rehearsal, generator: BarGenerator, line: _Line) -> Sequence[Answer]:
    try:
        if isinstance(asked, Rehearsal):
            return generator.rehearse(asked.requests, is_cancelled=line.is_cancelled)
        reply = generator.generate_cancellable(asked, line.is_cancelled)
        return () if reply is None else (reply,)
    except Exception as error:  # whatever it is, the music goes on without this bar
        serial = asked.serial if isinstance(asked, BarRequest) else None
        return (Failed(f"{type(error).__name__}: {error}", serial, fatal=False),)


def _send(connection: Connection, answer: Answer) -> bool:
    """Send an answer and tell whether anybody is left to read it."""
    try:
        connection.send(answer)
    except (BrokenPipeError, OSError):
        return False
    return True
