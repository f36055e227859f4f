"""The engine under test: started as a player starts it, watched through its trace, stopped by signals."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.live.analysis import StatedNote
from tests.live.companion import REPOSITORY

Line = dict[str, Any]
COMMAND_VARIABLE = "LIVEENGINE_COMMAND"
"""Replaces `python -m liveengine` where another installation is to be tested."""
START_PATIENCE_S = 45.0
STOP_PATIENCE_S = 10.0
POLL_S = 0.02


def command() -> list[str]:
    """Return the command that stands for `liveengine`."""
    given = os.environ.get(COMMAND_VARIABLE)
    return shlex.split(given) if given else [sys.executable, "-m", "liveengine"]


def run_to_end(arguments: Sequence[str], timeout_s: float = 30.0) -> tuple[int, str]:
    """Run a command of the engine to its end; return its exit status and all it printed."""
    finished = subprocess.run(
        [*command(), *arguments],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return finished.returncode, finished.stdout


def is_running(pid: int) -> bool:
    """Tell whether a process is there and not only waiting to be reaped."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


class Engine:
    """One run of `liveengine play`. Used from one thread only."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        """Start it with a trace in `folder`."""
        self.trace = folder / "trace.jsonl"
        self._log = folder / "engine.log"
        self._read_to = 0
        self._lines: list[Line] = []
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [*command(), "play", *arguments, "--no-ui", "--trace", str(self.trace)],
                cwd=REPOSITORY,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def log(self) -> str:
        """Return what it has printed."""
        return self._log.read_text(errors="replace")

    def lines(self, kind: str | None = None) -> list[Line]:
        """Return the trace so far, or its lines of one type; a line still being written is left out."""
        if self.trace.exists():
            with self.trace.open("rb") as trace:
                trace.seek(self._read_to)
                fresh = trace.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read_to += len(whole)
            self._lines += [json.loads(line) for line in whole.splitlines()]
        return [line for line in self._lines if kind is None or line["type"] == kind]

    def notes(self) -> list[StatedNote]:
        """Return the notes that the trace states."""
        return [StatedNote.of_line(line) for line in self.lines("note")]

    def wait_for(
        self, kind: str, wanted: Callable[[Line], bool] = bool, *, timeout_s: float = START_PATIENCE_S
    ) -> Line:
        """Return the first line of a type that is wanted; raises AssertionError with the log without one."""
        deadline = time.monotonic() + timeout_s
        while True:
            ended = self.process.poll() is not None
            for line in self.lines(kind):
                if wanted(line):
                    return line
            what = f"a {kind!r} line within {timeout_s:g} s"
            assert not ended, f"wanted {what}, it ended with {self.process.returncode}:\n{self.log()}"
            assert time.monotonic() < deadline, f"wanted {what}, none came:\n{self.log()}"
            time.sleep(POLL_S)

    def pid(self, name: str) -> int:
        """Return the newest process id of `engine`, `player` or `generator`."""
        pid = int(self.wait_for("header")["pids"][name])
        for line in self.lines("process"):
            if line["name"] == name:
                pid = int(line["pid"])
        return pid

    def kill(self, name: str) -> int:
        """Send SIGKILL to one of its processes; return the process id that was killed."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait(self, timeout_s: float) -> int:
        """Wait for its end and return the exit status; raises AssertionError if it goes on."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running after {timeout_s:g} s:\n{self._processes()}\n{self.log()}"
            ) from None

    def _processes(self) -> str:
        """Return what each process and thread of it is at: state, kernel function waited in, ticks of CPU."""
        pids = subprocess.run(["pgrep", "--parent", str(self.process.pid)], capture_output=True, check=False)
        names = {pid: name for header in self.lines("header") for name, pid in header["pids"].items()}
        seen = []
        for pid in [self.process.pid, *map(int, pids.stdout.split())]:
            for task in Path(f"/proc/{pid}/task").glob("*"):
                with suppress(OSError):
                    fields = (task / "stat").read_text().rpartition(")")[2].split()
                    waits = (task / "wchan").read_text()
                    seen.append(
                        f"{names.get(pid, pid)} {task.name}: {fields[0]} {waits} {fields[11]}+{fields[12]}"
                    )
        return "\n".join(seen)

    def stop(self, signal_number: signal.Signals = signal.SIGINT) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(signal_number)
        return self.wait(STOP_PATIENCE_S)

    def close(self) -> None:
        """End whatever still runs of it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for header in self.lines("header"):
            for name in header.get("pids", {}):
                if is_running(self.pid(name)):
                    os.kill(self.pid(name), signal.SIGKILL)


EngineStarter = Callable[..., Engine]
"""Starts `liveengine play` with arguments."""
