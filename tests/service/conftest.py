"""A service for tests: the API over a real socket, its own worker or Redis with Celery workers."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S, until

Answer = tuple[int, dict[str, str], Any]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Running:
    """Processes of a service, started as a user would."""

    folder: Path
    checkpoint: Path
    port: int = field(default_factory=free_port)
    redis_port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def broker(self) -> str:
        return f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"log{len(self.processes)}").open("wb") as log:
            process = subprocess.Popen(
                arguments,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            )
        self.processes.append(process)
        return process

    def start_redis(self) -> subprocess.Popen[bytes]:
        process = self.start("redis-server", "--port", str(self.redis_port), "--save", "")

        def answers() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.redis_port), 1):
                return True
            return False

        until(answers, "Redis")
        return process

    def command(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self.start(
            *(
                sys.executable,
                "-m",
                "liveengine",
                name,
                "--checkpoint",
                str(self.checkpoint),
                "--device",
                "cpu",
            ),
            *("--store", str(self.store), *arguments),
        )

    def start_api(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self.command("api", "--port", str(self.port), *arguments)

    def start_worker(self, *arguments: str) -> subprocess.Popen[bytes]:
        return self.command("worker", "--broker", self.broker, "--visibility-s", "5", *arguments)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        try:
            connection.request(
                method, f"/api/v1{path}", content, {"Content-Type": "application/json", **headers}
            )
            answer = connection.getresponse()
            read = answer.read()
        finally:
            connection.close()
        told = dict(answer.getheaders())
        is_json = "json" in told.get("content-type", "")
        return answer.status, told, json.loads(read) if is_json else read

    def wait_until_well(self) -> None:
        def well() -> bool:
            with contextlib.suppress(OSError):
                return bool(self.ask("GET", "/health")[2]["status"] == "ok")
            return False

        until(well, "health")

    def generate(self, **body: Any) -> str:
        status, _, accepted = self.ask("POST", "/generate", {"producer_style": "funk", **body})
        assert status == 202, accepted
        return str(accepted["task_id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def has_ended() -> bool:
            found.update(self.ask("GET", f"/status/{task_id}")[2])
            return found["status"] in ("done", "failed")

        until(has_ended, f"task {task_id}")
        return found

    def log_of(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"log{self.processes.index(process)}").read_text()

    def files(self) -> set[str]:
        return {path.stem for path in (self.store / "files").glob("*.mid")}

    def close(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, small_checkpoint: Path) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("service"), small_checkpoint)
    yield made
    made.close()


@pytest.fixture(scope="module")
def has_redis() -> None:
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here (Debian package redis-server)")
