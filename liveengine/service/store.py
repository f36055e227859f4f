"""The store that all machines of a service share: jobs, what was decoded, files, and what failed for good.

A folder, or anything that fsspec knows (s3://bucket/prefix). Everything is a small file of its own, put there
whole or not at all, so that whoever reads one reads a whole one. A record that cannot be read all the same,
cut by a crash or foreign, is set aside in `damaged`, and reported.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import fsspec
from pydantic import Field, TypeAdapter

from liveengine.errors import ContractError, StoreError
from liveengine.music.request import BarReply
from liveengine.music.written import read_reply, written_reply

log = logging.getLogger(__name__)

Record = TypeVar("Record")

QUEUED: Literal["queued"] = "queued"
RUNNING: Literal["running"] = "running"
DONE: Literal["done"] = "done"
FAILED: Literal["failed"] = "failed"
ENDED = (DONE, FAILED)
JOBS, DECODED, FILES, DEAD, DAMAGED = "jobs", "decoded", "files", "dead", "damaged"
ID_LENGTH = 32
PROBE_BYTES = 4096
"""What a probe writes: a full disk still takes a name without content."""
SPARED = timedelta(hours=1)
"""Files are kept so much longer than the jobs that name them; a temporary file so old is a dead writer's."""


@dataclass(frozen=True, slots=True)
class Job:
    """A pattern that was asked for.

    `at_s` is when this was written, in seconds since 1970 by the writer's clock, perhaps another machine's:
    it only tells whether anybody has written since. `checkpoint` is the SHA-256 of the weights that are to
    decode it; empty is any. `deaths` are the workers that died of it.
    """

    task_id: str
    request: dict[str, Any]
    status: Literal["queued", "running", "done", "failed"] = QUEUED
    progress: Annotated[float, Field(ge=0, le=1)] = 0.0
    file_id: str | None = None
    reason: str | None = None
    attempts: int = 0
    worker: str = ""
    at_s: float = 0.0
    checkpoint: str = ""
    deaths: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in ENDED

    @property
    def bars(self) -> int:
        """How many bars are asked for."""
        bars = self.request.get("bars")
        return bars if isinstance(bars, int) else 1


@dataclass(frozen=True, slots=True)
class Decoded:
    """The bars of a pattern as they were decoded, by which weights (SHA-256) and on which device."""

    bars: tuple[BarReply, ...]
    checkpoint: str = ""
    device: str = ""


@contextlib.contextmanager
def errors_of_the_store(expected: str) -> Iterator[None]:
    """Raise as StoreError whatever a file system raises: those of clouds have errors that are no OSError."""
    try:
        yield
    except Exception as error:
        raise StoreError(f"{expected}, got: {error}") from error


class Store:
    """Where a service keeps everything. Any thread, any process."""

    def __init__(self, url: str) -> None:
        """Use a folder or an fsspec URL; raises StoreError where it cannot be written to."""
        self.url = url
        with errors_of_the_store(f"--store {url}: expected a folder or a URL to write to"):
            self._fs, root = fsspec.core.url_to_fs(url)
            self._root = root.rstrip("/")
            self._is_local = "file" in (self._fs.protocol if isinstance(self._fs.protocol, tuple) else ())
            for kind in KINDS:
                self._fs.makedirs(f"{self._root}/{kind}", exist_ok=True)

    def _put(self, kind: str, name: str, content: bytes) -> None:
        path = f"{self._root}/{kind}/{name}"
        with errors_of_the_store(f"{self.url}: expected to write {kind}/{name}"):
            if self._is_local:  # a rename is whole or nothing; elsewhere the put itself is
                fresh = f"{self._root}/{kind}/.{uuid.uuid4().hex}"
                try:
                    self._fs.pipe_file(fresh, content)
                    self._fs.mv(fresh, path)
                except OSError:
                    self._remove(fresh)
                    raise
            else:
                self._fs.pipe_file(path, content)

    def _get(self, kind: str, name: str) -> bytes | None:
        with errors_of_the_store(f"{self.url}: expected to read {kind}/{name}"):
            try:
                found: bytes = self._fs.cat_file(f"{self._root}/{kind}/{name}")
            except FileNotFoundError:
                return None
        return found

    def _remove(self, path: str) -> None:
        with contextlib.suppress(Exception):
            self._fs.rm_file(path)

    def _record(self, kind: str, name: str, read: Callable[[bytes], Record]) -> Record | None:
        """Return what a record says, or None; one that cannot be read is set aside."""
        content = self._get(kind, name)
        if content is None:
            return None
        try:
            return read(content)
        except (ValueError, TypeError, KeyError, RecursionError, ContractError) as error:
            reason = " ".join(str(error).split())
            log.warning(
                "%s: %s/%s cannot be read, set aside in %s: %s", self.url, kind, name, DAMAGED, reason
            )
            self._put(DAMAGED, f"{kind}-{name}", content)
            self._remove(f"{self._root}/{kind}/{name}")
            return None

    def _names(self, kind: str) -> list[str]:
        with errors_of_the_store(f"{self.url}: expected to list {kind}"):
            paths = self._fs.ls(f"{self._root}/{kind}", detail=False, refresh=True)
        return [str(path).rpartition("/")[2] for path in paths]

    def probe(self) -> datetime:
        """Write and remove a file where each kind is kept; return the time of that by the store's own clock.

        Raises StoreError where it cannot be written to.
        """
        name = f".{uuid.uuid4().hex}"
        for kind in KINDS:
            path = f"{self._root}/{kind}/{name}"
            try:
                with errors_of_the_store(f"{self.url}: expected to write to {kind}"):
                    self._fs.pipe_file(path, b"." * PROBE_BYTES)
                    now: datetime = self._fs.modified(path)
            finally:
                self._remove(path)
        return now

    def sweep(self, keep: timedelta) -> int:
        """Remove what ended longer ago than `keep`, and what dead writers have left; return how many files.

        Ages are by the store's own clock. Raises StoreError.
        """
        now, removed = self.probe(), 0
        for kind in KINDS:
            spared = keep if kind == JOBS else keep + SPARED
            for name in self._names(kind):
                path = f"{self._root}/{kind}/{name}"
                try:
                    age = now - self._fs.modified(path)
                except Exception:
                    continue  # another has swept it, or the next sweep will
                if age <= (SPARED if name.startswith(".") else spared):
                    continue
                if kind == JOBS and (job := self.job(name.removesuffix(".json"))) and not job.ended:
                    continue
                self._remove(path)
                removed += 1
        return removed

    def put_job(self, job: Job) -> Job:
        """Write a job; return it with the time of writing."""
        written = replace(job, at_s=time.time())
        self._put(JOBS, f"{job.task_id}.json", json.dumps(asdict(written)).encode())
        return written

    def job(self, task_id: str) -> Job | None:
        """Return a job, or None."""
        return self._record(JOBS, f"{task_id}.json", _read_job) if is_id(task_id) else None

    def unfinished(self) -> Iterator[Job]:
        """Yield all jobs that have not ended; one that cannot be read is reported, and left out."""
        for name in self._names(JOBS):
            try:
                job = self.job(name.removesuffix(".json")) if name.endswith(".json") else None
            except StoreError as error:
                log.warning("a job is left out: %s", error)
                continue
            if job is not None and not job.ended:
                yield job

    def put_decoded(self, task_id: str, decoded: Decoded) -> None:
        """Write the bars of a pattern as they were decoded."""
        written = {**asdict(decoded), "bars": [written_reply(each) for each in decoded.bars]}
        self._put(DECODED, f"{task_id}.json", json.dumps(written).encode())

    def decoded(self, task_id: str) -> Decoded | None:
        """Return the bars that were decoded for a job, or None."""
        return self._record(DECODED, f"{task_id}.json", _read_decoded)

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
        failed = replace(job, status=FAILED, reason=reason, at_s=time.time())
        self._put(DEAD, f"{job.task_id}.json", json.dumps(asdict(failed)).encode())
        self.put_job(failed)

    def dead(self) -> list[Job]:
        """Return what failed for good, the newest last."""
        names = [name for name in self._names(DEAD) if name.endswith(".json")]
        found = [self._record(DEAD, name, _read_job) for name in names]
        return sorted((job for job in found if job is not None), key=lambda job: job.at_s)


KINDS = (JOBS, DECODED, FILES, DEAD, DAMAGED)
_read_job = TypeAdapter(Job).validate_json
"""Reads a job as it was written, by this version or another: fields not known here are ignored."""


def _read_decoded(content: bytes) -> Decoded:
    """Return decoded bars; before they named their weights they were a list."""
    written = json.loads(content)
    named = written if isinstance(written, dict) else {"bars": written}
    bars = tuple(read_reply(line) for line in named["bars"])
    return Decoded(bars, str(named.get("checkpoint", "")), str(named.get("device", "")))


def is_id(text: str) -> bool:
    """Tell whether a text can be the id of a job or a file; nothing else comes near a path."""
    return len(text) == ID_LENGTH and all(each in "0123456789abcdef" for each in text)


def new_id() -> str:
    """Return an id that nobody has."""
    return uuid.uuid4().hex


def id_for(name: str) -> str:
    """Return the id that always belongs to a name."""
    return hashlib.sha256(name.encode()).hexdigest()[:ID_LENGTH]
