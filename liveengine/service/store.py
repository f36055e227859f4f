"""The store that all machines of a service share: jobs, what was decoded, files, and what failed for good.

A folder, or anything that fsspec knows (s3://bucket/prefix). Everything is a small file of its own, put there
whole or not at all, so that whoever reads one reads a whole one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import fsspec

from liveengine.errors import StoreError
from liveengine.music.request import BarReply
from liveengine.music.written import read_reply, written_reply

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"
ENDED = (DONE, FAILED)
JOBS, DECODED, FILES, DEAD = "jobs", "decoded", "files", "dead"
ID_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Job:
    """A pattern that was asked for. `at_s` is when this was written, in seconds since 1970."""

    task_id: str
    request: dict[str, Any]
    status: str = QUEUED
    progress: float = 0.0
    file_id: str | None = None
    reason: str | None = None
    attempts: int = 0
    worker: str = ""
    at_s: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in ENDED

    def age_s(self) -> float:
        """Return how long ago anybody wrote of it."""
        return time.time() - self.at_s


class Store:
    """Where a service keeps everything. Any thread, any process."""

    def __init__(self, url: str) -> None:
        """Use a folder or an fsspec URL; raises StoreError where it cannot be written to."""
        self.url = url
        try:
            self._fs, root = fsspec.core.url_to_fs(url)
            self._root = root.rstrip("/")
            self._is_local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else ())
            for kind in (JOBS, DECODED, FILES, DEAD):
                self._fs.makedirs(f"{self._root}/{kind}", exist_ok=True)
        except (OSError, ValueError, ImportError) as error:
            raise StoreError(
                f"--store {url}: expected a folder or a URL to write to, got: {error}"
            ) from error

    def _put(self, kind: str, name: str, content: bytes) -> None:
        path = f"{self._root}/{kind}/{name}"
        try:
            if self._is_local:  # a rename is whole or nothing; elsewhere the put itself is
                fresh = f"{self._root}/{kind}/.{uuid.uuid4().hex}"
                self._fs.pipe_file(fresh, content)
                self._fs.mv(fresh, path)
            else:
                self._fs.pipe_file(path, content)
        except OSError as error:
            raise StoreError(f"{self.url}: expected to write {kind}/{name}, got: {error}") from error

    def _get(self, kind: str, name: str) -> bytes | None:
        try:
            found: bytes = self._fs.cat_file(f"{self._root}/{kind}/{name}")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self.url}: expected to read {kind}/{name}, got: {error}") from error
        return found

    def put_job(self, job: Job) -> Job:
        """Write a job; return it with the time of writing."""
        written = {**asdict(job), "at_s": time.time()}
        self._put(JOBS, f"{job.task_id}.json", json.dumps(written).encode())
        return Job(**written)

    def job(self, task_id: str) -> Job | None:
        """Return a job, or None."""
        found = self._get(JOBS, f"{task_id}.json") if is_id(task_id) else None
        return None if found is None else Job(**json.loads(found))

    def forget_job(self, task_id: str) -> None:
        """Forget a job that nobody has been handed."""
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._root}/{JOBS}/{task_id}.json")

    def unfinished(self) -> Iterator[Job]:
        """Yield all jobs that have not ended."""
        for path in self._fs.ls(f"{self._root}/{JOBS}", detail=False):
            name = str(path).rpartition("/")[2]
            job = self.job(name.removesuffix(".json")) if name.endswith(".json") else None
            if job is not None and not job.ended:
                yield job

    def put_decoded(self, task_id: str, replies: Sequence[BarReply]) -> None:
        """Write the bars of a pattern as they were decoded."""
        self._put(DECODED, f"{task_id}.json", json.dumps([written_reply(each) for each in replies]).encode())

    def decoded(self, task_id: str) -> list[BarReply] | None:
        """Return the bars that were decoded for a job, or None."""
        found = self._get(DECODED, f"{task_id}.json")
        return None if found is None else [read_reply(line) for line in json.loads(found)]

    def put_file(self, content: bytes) -> str:
        """Keep a file; return its id, which its content decides, so that one made twice is there once."""
        file_id = hashlib.sha256(content).hexdigest()[:ID_LENGTH]
        self._put(FILES, f"{file_id}.mid", content)
        return file_id

    def file(self, file_id: str) -> bytes | None:
        """Return a file, or None."""
        return self._get(FILES, f"{file_id}.mid") if is_id(file_id) else None

    def put_dead(self, job: Job, reason: str) -> None:
        """End a job that failed for good, and keep a record of why."""
        failed = Job(**{**asdict(job), "status": FAILED, "reason": reason})
        self._put(DEAD, f"{job.task_id}.json", json.dumps({**asdict(failed), "at_s": time.time()}).encode())
        self.put_job(failed)

    def dead(self) -> list[Job]:
        """Return what failed for good, the newest last."""
        found = []
        for path in self._fs.ls(f"{self._root}/{DEAD}", detail=False):
            name = str(path).rpartition("/")[2]
            content = self._get(DEAD, name) if name.endswith(".json") else None
            if content is not None:
                found.append(Job(**json.loads(content)))
        return sorted(found, key=lambda job: job.at_s)


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of a job or a file; nothing else comes near a path."""
    return len(text) == ID_LENGTH and all(each in "0123456789abcdef" for each in text)


def new_id() -> str:
    """Return an id that nobody has."""
    return uuid.uuid4().hex


def id_for(name: str) -> str:
    """Return the id that always belongs to a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:ID_LENGTH]
