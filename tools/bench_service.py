# ruff: noqa: E402 (the package is found from the root)
"""Measure the service on this machine: the API with its own worker, and with Redis and 1 and 2 workers.

    python tools/bench_service.py --json OUT [--seconds 20] [--only load|kill|live]

* `ten`: 10 patterns of 4 bars asked for at once of a service that is warm, until the last is done, seconds.
* `load`: for each kind of service and number of clients, each asking for a pattern of 4 bars, watching it
(every
  quarter of a second) and asking for the next: patterns per second, p95 of the answers to `generate` and
  `status`, p95 from asking to done, and what went wrong.
* `kill`: 64 clients and two workers of which one is killed in mid-job, then Redis is restarted empty: whether
  every pattern that was accepted is done, and how many files there are for how many patterns.
* `live`: 300 bars at 240 bpm made by a worker: the share that came from it, its round trip, late bars; then
with
  the worker killed and started again: the largest gap between notes.

Needs Debian's redis-server.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console

from tests.live.analysis import percentile

CLIENTS = (1, 4, 16, 64)
POLL_S = 0.25
PATIENCE_S = 120.0
STYLES = ("funk", "J Dilla", "house", "trap")
LIVE_BPM, LIVE_BARS = 240, 300


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(arguments: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a program of this checkout."""
    with log.open("ab") as told:
        return subprocess.Popen(
            arguments, stdout=told, stderr=told, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT
        )


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a program."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass
class Service:
    """A running service: the API, and Redis with workers where it has any."""

    folder: Path
    workers: int
    port: int = field(default_factory=free_port)
    redis_port: int = field(default_factory=free_port)
    worker_processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    redis: subprocess.Popen[bytes] | None = None

    @property
    def broker(self) -> str:
        """The URL of its Redis."""
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def store(self) -> Path:
        """Where it keeps its files."""
        return self.folder / "store"

    def start_redis(self) -> None:
        """Start Redis, empty, and wait for it."""
        self.redis = started(
            ["redis-server", "--port", str(self.redis_port), "--save", "", "--dir", str(self.folder)],
            self.folder / "redis.log",
        )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.redis_port), 1):
                return
            time.sleep(0.05)

    def end_redis(self) -> None:
        """End Redis."""
        if self.redis is not None:
            ended(self.redis)

    def end_workers(self) -> None:
        """End all workers."""
        for process in self.worker_processes:
            ended(process)

    def start_worker(self) -> None:
        """Start another worker."""
        command = [sys.executable, "-m", "liveengine", "worker", "--broker", self.broker, "--store"]
        arguments = [*command, str(self.store), "--visibility-s", "10", "--device", "cpu"]
        self.worker_processes.append(started(arguments, self.folder / "worker.log"))

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call the API once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            return call(connection, method, path, body)
        finally:
            connection.close()

    def wait_until_ready(self) -> None:
        """Wait until it is healthy and has made a pattern, so that the model is loaded."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/health")[1]["status"] == "ok":
                    break
            time.sleep(0.1)
        for seed in range(2 * max(1, self.workers)):
            self.make({"producer_style": "funk", "seed": seed})

    def make(self, body: dict[str, Any]) -> None:
        """Have one pattern made."""
        _, accepted = self.ask("POST", "/generate", body)
        while self.ask("GET", f"/status/{accepted['task_id']}")[1]["status"] not in ("done", "failed"):
            time.sleep(0.05)


@contextlib.contextmanager
def service(folder: Path, workers: int) -> Iterator[Service]:
    """Run a service: its own worker for 0 `workers`, else Redis and so many."""
    folder.mkdir(parents=True)
    made = Service(folder, workers)
    with ExitStack() as stack:
        command = [sys.executable, "-m", "liveengine", "api", "--port", str(made.port), "--device", "cpu"]
        if workers:
            made.start_redis()
            stack.callback(made.end_redis)
            command += ["--broker", made.broker]
            for _ in range(workers):
                made.start_worker()
            stack.callback(made.end_workers)
        api = started([*command, "--store", str(made.store)], folder / "api.log")
        stack.callback(ended, api)
        made.wait_until_ready()
        yield made


def call(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> tuple[int, Any]:
    """Call the API on a connection that is kept."""
    content = None if body is None else json.dumps(body)
    connection.request(method, f"/api/v1{path}", content, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b"null")


@dataclass
class Client:
    """Asks for patterns one after the other, and keeps the times."""

    service: Service
    number: int
    generate_ms: list[float] = field(default_factory=list)
    status_ms: list[float] = field(default_factory=list)
    done_ms: list[float] = field(default_factory=list)
    accepted: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)

    def run(self, until_s: float) -> None:
        """Ask until a moment."""
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        while time.monotonic() < until_s:
            try:
                self._one(connection)
            except (OSError, http.client.HTTPException):
                self.refused += 1
                connection.close()
                time.sleep(POLL_S)
        connection.close()

    def _one(self, connection: http.client.HTTPConnection) -> None:
        began = time.monotonic()
        seed = self.number * 100_000 + self.accepted + self.refused
        body = {"producer_style": STYLES[seed % len(STYLES)], "bars": 4, "seed": seed}
        status, accepted = call(connection, "POST", "/generate", body)
        self.generate_ms.append((time.monotonic() - began) * 1e3)
        if status != 202:
            self.refused += 1
            time.sleep(POLL_S)
            return
        self.accepted += 1
        while time.monotonic() - began < PATIENCE_S:
            time.sleep(POLL_S)
            asked = time.monotonic()
            _, told = call(connection, "GET", f"/status/{accepted['task_id']}")
            self.status_ms.append((time.monotonic() - asked) * 1e3)
            if told["status"] == "done":
                self.done_ms.append((time.monotonic() - began) * 1e3)
                return
            if told["status"] == "failed":
                break
        self.lost.append(accepted["task_id"])


def run_clients(made: Service, count: int, seconds: float) -> list[Client]:
    """Let clients ask for some seconds; return them when all they asked for has ended."""
    until = time.monotonic() + seconds
    clients = [Client(made, number + 1) for number in range(count)]
    threads = [threading.Thread(target=client.run, args=(until,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients


def figures(clients: Sequence[Client], seconds: float) -> dict[str, float]:
    """Return what clients have seen."""
    done = [each for client in clients for each in client.done_ms]
    return {
        "patterns_per_s": len(done) / seconds,
        "generate_p95_ms": percentile([each for client in clients for each in client.generate_ms], 95),
        "status_p95_ms": percentile([each for client in clients for each in client.status_ms], 95),
        "done_p50_ms": percentile(done, 50),
        "done_p95_ms": percentile(done, 95),
        "accepted": sum(client.accepted for client in clients),
        "refused": sum(client.refused for client in clients),
        "lost": sum(len(client.lost) for client in clients),
    }


def load(folder: Path, seconds: float) -> dict[str, Any]:
    """Measure every kind of service under every number of clients."""
    found: dict[str, Any] = {}
    for workers in (0, 1, 2):
        name = f"{workers} workers" if workers else "embedded"
        with service(folder / f"load{workers}", workers) as made:
            if not workers:
                found["ten_s"] = ten_at_once(made)
            found[name] = {count: figures(run_clients(made, count, seconds), seconds) for count in CLIENTS}
    return found


def ten_at_once(made: Service) -> float:
    """Return how long 10 patterns of 4 bars take that are asked for together."""
    began = time.monotonic()
    tasks = [
        made.ask("POST", "/generate", {"producer_style": "funk", "bars": 4, "seed": 900 + each})[1]["task_id"]
        for each in range(10)
    ]
    while tasks:
        tasks = [each for each in tasks if made.ask("GET", f"/status/{each}")[1]["status"] != "done"]
        time.sleep(0.02)
    return time.monotonic() - began


def kill(folder: Path, seconds: float) -> dict[str, Any]:
    """Kill a worker in mid-job and restart Redis under 64 clients."""
    with service(folder / "kill", 2) as made:

        def harm() -> None:
            time.sleep(seconds / 4)
            made.worker_processes[0].send_signal(signal.SIGKILL)
            time.sleep(seconds / 8)
            made.start_worker()
            time.sleep(seconds / 4)
            assert made.redis is not None
            made.redis.kill()
            made.redis.wait()
            time.sleep(1.0)
            made.start_redis()

        before = len(list((made.store / "files").glob("*.mid")))
        harming = threading.Thread(target=harm)
        harming.start()
        clients = run_clients(made, 64, seconds)
        harming.join()
        files = len(list((made.store / "files").glob("*.mid"))) - before
        dead = len(list((made.store / "dead").glob("*.json")))
        return {**figures(clients, seconds), "files": files, "dead": dead}


def live(folder: Path) -> dict[str, Any]:
    """Play live with a worker's bars."""
    found: dict[str, Any] = {}
    with service(folder / "live", 1) as made:
        seconds = LIVE_BARS * 4 * 60 / LIVE_BPM
        found["undisturbed"] = play(made, folder / "undisturbed.jsonl", seconds)

        def harm() -> None:
            time.sleep(20.0)
            made.worker_processes[-1].send_signal(signal.SIGKILL)
            time.sleep(8.0)
            made.start_worker()

        harming = threading.Thread(target=harm)
        harming.start()
        found["worker killed"] = play(made, folder / "killed.jsonl", 60.0)
        harming.join()
    return found


def play(made: Service, trace: Path, seconds: float) -> dict[str, Any]:
    """Play with remote bars; return what the trace tells."""
    command = (
        f"-m liveengine play --clock system --backend none --no-ui --style funk --seed 4 --bpm {LIVE_BPM}"
    )
    arguments = ["--duration", str(seconds), "--generator", "celery", "--broker", made.broker]
    process = started(
        [sys.executable, *command.split(), *arguments, "--trace", str(trace)], made.folder / "play"
    )
    process.wait()
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    summary = next(line for line in lines if line["type"] == "summary")
    due_us = sorted(line["due_us"] for line in lines if line["type"] == "note")
    gaps = [later - earlier for earlier, later in pairwise(due_us)]
    made_by = summary["made_by"]
    return {
        "bars": summary["bars"],
        "late_bars": summary["late_bars"],
        "success_rate": made_by.get("remote", 0) / sum(made_by.values()),
        "made_by": made_by,
        "round_trip_p50_ms": summary["round_trip_p50_ms"],
        "round_trip_p95_ms": summary["round_trip_p95_ms"],
        "largest_gap_beats": max(gaps) / 60e6 * LIVE_BPM,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--only", choices=("load", "kill", "live"))
    options = parser.parse_args(arguments)
    if shutil.which("redis-server") is None:
        sys.stderr.write("bench_service: expected redis-server (Debian package redis-server)\n")
        return 2
    console = Console()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["LIVEENGINE_HOME"] = str(folder / "home")
        if options.only in (None, "load"):
            found["load"] = load(folder, options.seconds)
        if options.only in (None, "kill"):
            found["kill"] = kill(folder, 2 * options.seconds)
        if options.only in (None, "live"):
            found["live"] = live(folder)
        console.print(found)
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
