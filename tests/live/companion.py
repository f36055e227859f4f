"""A child process of the tests that answers one line of JSON to each line it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
STOP_PATIENCE_S = 5.0


def now_us() -> float:
    """Return Link's clock on Linux: CLOCK_MONOTONIC_RAW in µs."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC_RAW) / 1_000


def take_priority(level: int) -> bool:
    """Put the calling thread and those it starts under SCHED_FIFO; tell whether the system granted it."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(level))
    except PermissionError:
        return False
    return True


def questions() -> SimpleQueue[str]:
    """Return a queue that a thread fills with the lines of standard input; "quit" marks their end."""
    asked: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            asked.put(line.strip())
        asked.put("quit")

    threading.Thread(target=read, daemon=True).start()
    return asked


def pending(asked: SimpleQueue[str]) -> Iterator[str]:
    """Yield the questions that wait now."""
    with suppress(Empty):
        while True:
            yield asked.get_nowait()


def answer(**fields: Any) -> None:
    """Write one answer."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


class Companion:
    """The asking side. Used from one thread only; ends with `close` or with the tests' process."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Start `python -m module` in the repository and wait for its first answer, in `ready`."""
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._read()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    def ask(self, question: str) -> dict[str, Any]:
        """Return the answer to a question; raises AssertionError when the child has gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(question + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):  # libraries print there too
                parsed: dict[str, Any] = json.loads(line)
                return parsed
        raise AssertionError(f"{self._module} ended with status {self._process.wait()}")

    def close(self) -> None:
        """Ask the child to quit and wait for its end; a second call does nothing."""
        if self._process.poll() is None:
            assert self._process.stdin is not None
            with suppress(BrokenPipeError):
                self._process.stdin.write("quit\n")
                self._process.stdin.close()
            try:
                self._process.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
