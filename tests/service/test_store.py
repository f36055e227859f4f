"""The store: whole files under ids that come near no path, in a folder or behind an fsspec URL."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import logging
import os
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from liveengine.errors import StoreError
from liveengine.music.beats import Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply
from liveengine.music.written import written_reply
from liveengine.service.store import (
    DONE,
    FAILED,
    QUEUED,
    RUNNING,
    SPARED,
    Decoded,
    Job,
    Store,
    id_for,
    is_id,
    new_id,
)

REQUEST = {"style": "funk", "bars": 2, "meter": "7/8", "remade": [], "seed": 2**62, "bpm": 93.25}
BARS = tuple(
    BarReply(serial, Bar(Meter(7, 8), (Hit(0, Voice.KICK, -6, 1), Hit(13, Voice.BELL, 5, 127))), 7, 0.125)
    for serial in (1, 2)
)
TASK_ID = "0123456789abcdef" * 2
DAMAGED_JOBS = [
    b"",
    b"{",
    b"[]",
    b"7",
    b"\x00\xff\xfe",
    b"[" * 5000,
    b'{"task_id": "cut',
    json.dumps({"task_id": TASK_ID}).encode(),
    json.dumps({"task_id": TASK_ID, "request": REQUEST, "status": "paused"}).encode(),
    json.dumps({"task_id": TASK_ID, "request": REQUEST, "progress": "much"}).encode(),
    json.dumps({"task_id": TASK_ID, "request": [1]}).encode(),
]


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        f"memory://{uuid.uuid4().hex}/store" if request.param == "memory" else str(tmp_path / "a" / "store")
    )


@pytest.fixture
def store(url: str) -> Store:
    return Store(url)


def test_a_job_comes_back_as_it_was_put_with_the_time_of_writing(store: Store, url: str) -> None:
    before = time.time()
    job = Job(new_id(), REQUEST, RUNNING, 0.5, None, None, 2, "somebody")
    put = store.put_job(job)
    assert before <= put.at_s <= time.time()
    assert replace(put, at_s=0.0) == job
    assert Store(url).job(job.task_id) == put
    ended = store.put_job(replace(put, status=DONE, file_id=new_id()))
    assert Store(url).job(job.task_id) == ended
    assert ended.ended
    assert not put.ended


def test_what_was_never_put_is_not_there(store: Store) -> None:
    nobody = new_id()
    assert store.job(nobody) is None
    assert store.file(nobody) is None
    assert store.decoded(nobody) is None
    assert list(store.unfinished()) == []
    assert store.dead() == []


def test_decoded_bars_come_back_to_the_tick_with_who_made_them(store: Store, url: str) -> None:
    task_id = new_id()
    store.put_decoded(task_id, Decoded(BARS, "abc", "cuda"))
    assert Store(url).decoded(task_id) == Decoded(BARS, "abc", "cuda")


def test_bars_of_an_older_version_are_read(tmp_path: Path) -> None:
    store, task_id = Store(str(tmp_path)), new_id()
    (tmp_path / "decoded" / f"{task_id}.json").write_text(json.dumps([written_reply(bar) for bar in BARS]))
    assert store.decoded(task_id) == Decoded(BARS)


def test_a_file_is_named_by_its_content_and_there_once(store: Store, url: str) -> None:
    content = bytes(range(256))
    file_id = store.put_file(content)
    assert file_id == hashlib.sha256(content).hexdigest()[:32]
    assert is_id(file_id)
    assert store.put_file(content) == file_id
    assert store.put_file(content + b"!") != file_id
    assert Store(url).file(file_id) == content


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0" * 31,
        "0" * 33,
        "A" * 32,
        "g" * 32,
        "٣" * 32,
        "0" * 31 + "\n",
        "0" * 32 + "\n",
        "../" + "0" * 29,
        "0" * 15 + "/" + "0" * 16,
        "." * 32,
        "*" * 32,
        "0" * 28 + ".mid",
    ],
)
def test_nothing_that_could_be_a_path_is_an_id(store: Store, text: str) -> None:
    assert not is_id(text)
    assert store.file(text) is None
    assert store.job(text) is None


def test_a_file_outside_the_store_is_not_reached_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "secret.mid").write_bytes(b"secret")
    (tmp_path / "secret.json").write_text("{}")
    store = Store(str(tmp_path / "store"))
    assert store.file("../../secret") is None
    assert store.job("../../secret") is None


def test_ids_are_new_each_time_or_always_those_of_a_name() -> None:
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(is_id(each) for each in ids)
    assert is_id(id_for("my beat"))
    assert id_for("my beat") == id_for("my beat")
    assert id_for("my beat") != id_for("my beat ")


def test_the_unfinished_are_those_queued_and_running(store: Store) -> None:
    ids = {status: new_id() for status in (QUEUED, RUNNING, DONE, FAILED)}
    for status, task_id in ids.items():
        store.put_job(Job(task_id, REQUEST, status))
    assert {job.task_id for job in store.unfinished()} == {ids[QUEUED], ids[RUNNING]}


def test_the_dead_keep_their_reason_newest_last(store: Store) -> None:
    jobs = [Job(new_id(), REQUEST, RUNNING, worker=str(number)) for number in range(3)]
    for job in jobs:
        store.put_job(job)
        store.put_dead(job, f"no luck {job.worker}")
    dead = store.dead()
    assert [job.reason for job in dead] == ["no luck 0", "no luck 1", "no luck 2"]
    assert [job.task_id for job in dead] == [job.task_id for job in jobs]
    assert [job.at_s for job in dead] == sorted(job.at_s for job in dead)
    failed = store.job(jobs[0].task_id)
    assert failed is not None
    assert (failed.status, failed.reason, failed.request) == (FAILED, "no luck 0", REQUEST)
    assert list(store.unfinished()) == []


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StoreError, match="expected a folder or a URL"):
        Store(str(tmp_path / "file" / "store"))
    with pytest.raises(StoreError, match="--store nosuch://bucket"):
        Store("nosuch://bucket")


def test_a_place_that_goes_away_is_told(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store"))
    (tmp_path / "store" / "jobs").rename(tmp_path / "elsewhere")
    (tmp_path / "store" / "jobs").write_text("no folder")
    with pytest.raises(StoreError, match="expected to write jobs"):
        store.put_job(Job(new_id(), REQUEST))
    with pytest.raises(StoreError, match="expected to read jobs"):
        store.job(new_id())


class UnreachableError(Exception):
    """What a cloud's library raises of its own where it reaches nobody: no OSError."""


def test_whatever_a_file_system_raises_is_an_error_of_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(str(tmp_path / "store"))
    job = store.put_job(Job(new_id(), REQUEST))

    def fail(*_arguments: object, **_named: object) -> None:
        raise UnreachableError("nobody there")

    for name in ("cat_file", "pipe_file", "ls", "modified", "rm_file"):
        monkeypatch.setattr(store._fs, name, fail)
    calls: list[Callable[[], object]] = [
        lambda: store.put_job(job),
        lambda: store.job(job.task_id),
        lambda: list(store.unfinished()),
        lambda: store.put_dead(job, "no luck"),
        store.dead,
        store.probe,
        lambda: store.sweep(timedelta(0)),
    ]
    for call in calls:
        with pytest.raises(StoreError, match="nobody there"):
            call()
    monkeypatch.undo()
    assert store.job(job.task_id) == job


def test_whoever_reads_while_others_write_reads_a_whole_job(tmp_path: Path) -> None:
    store, task_id, ending = Store(str(tmp_path)), new_id(), threading.Event()
    store.put_job(Job(task_id, REQUEST))

    def write(worker: str) -> None:
        while not ending.is_set():
            store.put_job(Job(task_id, REQUEST, RUNNING, worker=worker))

    threads = [
        threading.Thread(target=write, args=(worker * length,)) for worker, length in (("a", 1), ("b", 999))
    ]
    for thread in threads:
        thread.start()
    try:
        found = [store.job(task_id) for _ in range(300)]
    finally:
        ending.set()
        for thread in threads:
            thread.join()
    assert {job.worker for job in found if job} <= {"", "a", "b" * 999}
    assert None not in found
    assert [path.name for path in (tmp_path / "jobs").iterdir()] == [f"{task_id}.json"]


@pytest.mark.parametrize("content", DAMAGED_JOBS)
def test_a_damaged_job_is_set_aside_and_told_and_the_others_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    store = Store(str(tmp_path))
    whole, damaged = store.put_job(Job(new_id(), REQUEST)), new_id()
    (tmp_path / "jobs" / f"{damaged}.json").write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert list(store.unfinished()) == [whole]
    assert damaged in caplog.text
    assert "\n" not in caplog.messages[0]
    assert store.job(damaged) is None
    assert (tmp_path / "damaged" / f"jobs-{damaged}.json").read_bytes() == content
    assert not (tmp_path / "jobs" / f"{damaged}.json").exists()


def test_a_record_that_cannot_be_opened_keeps_nothing_from_starting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(str(tmp_path))
    whole, folder = store.put_job(Job(new_id(), REQUEST)), new_id()
    (tmp_path / "jobs" / f"{folder}.json").mkdir()
    assert list(store.unfinished()) == [whole]
    assert folder in caplog.text


@pytest.mark.parametrize("content", [b"", b"{}", b"7", b"[7]", b'{"bars": [{"serial": 1}]}', b"\xff"])
def test_damaged_bars_are_set_aside_and_decoded_again(tmp_path: Path, content: bytes) -> None:
    store, task_id = Store(str(tmp_path)), new_id()
    (tmp_path / "decoded" / f"{task_id}.json").write_bytes(content)
    assert store.decoded(task_id) is None
    assert (tmp_path / "damaged" / f"decoded-{task_id}.json").read_bytes() == content


def test_a_damaged_record_among_the_dead_is_left_out(tmp_path: Path) -> None:
    store, job = Store(str(tmp_path)), Job(new_id(), REQUEST)
    store.put_dead(job, "no luck")
    (tmp_path / "dead" / f"{new_id()}.json").write_bytes(b"")
    assert [dead.task_id for dead in store.dead()] == [job.task_id]


def test_fields_of_another_version_are_ignored(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    job = store.put_job(Job(new_id(), REQUEST))
    path = tmp_path / "jobs" / f"{job.task_id}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    assert store.job(job.task_id) == job


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """Let a folder be a disk of its own that is full; needs root."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only root can mount a disk to fill")
    try:
        Store(str(folder))
        with contextlib.suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"." * 4096)
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_found_and_no_half_file_stays(tmp_path: Path) -> None:
    with full_disk(tmp_path):
        store = Store(str(tmp_path))
        with pytest.raises(StoreError, match=os.strerror(errno.ENOSPC)):
            store.probe()
        with pytest.raises(StoreError, match="expected to write jobs/"):
            store.put_job(Job(new_id(), {"style": "f" * 5000}))
        left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
        assert left == ["filler"]


@pytest.mark.parametrize("kind", ["jobs", "decoded", "files", "dead", "damaged"])
def test_a_store_of_which_a_part_is_gone_is_found(tmp_path: Path, kind: str) -> None:
    store = Store(str(tmp_path))
    store.probe()
    (tmp_path / kind).rmdir()
    with pytest.raises(StoreError, match=f"expected to write to {kind}"):
        store.probe()


def test_a_probe_leaves_nothing(store: Store) -> None:
    store.probe()
    assert store.sweep(timedelta(0)) == 0


def test_what_ended_long_ago_is_swept(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    old, new, waiting = (store.put_job(Job(new_id(), REQUEST)) for _ in range(3))
    for job in (old, new):
        store.put_decoded(job.task_id, Decoded(BARS))
        store.put_job(replace(job, status=DONE, file_id=store.put_file(job.task_id.encode())))
    failed = Job(new_id(), REQUEST)
    store.put_dead(failed, "no luck")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / "files" / ".half").write_bytes(b"M")
    (tmp_path / "files" / ".begun").write_bytes(b"M")
    aged = {*tmp_path.rglob(f"*{old.task_id}*"), *tmp_path.rglob(f"*{failed.task_id}*")}
    aged |= {tmp_path / "files" / f"{hashlib.sha256(old.task_id.encode()).hexdigest()[:32]}.mid"}
    for path in (*aged, tmp_path / "jobs" / f"{waiting.task_id}.json", tmp_path / "files" / ".half"):
        long_ago = time.time() - (timedelta(days=30) + 2 * SPARED).total_seconds()
        os.utime(path, (long_ago, long_ago))
    assert store.sweep(timedelta(days=30)) == len(aged) + 1
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before - aged | {
        tmp_path / "files" / ".begun"
    }
    assert store.job(waiting.task_id) == waiting


def test_ages_are_by_the_clock_of_the_store(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = store.put_job(Job(new_id(), REQUEST, DONE))
    monkeypatch.setattr(time, "time", lambda: job.at_s + 1e9)
    assert store.sweep(timedelta(days=1)) == 0
    assert store.job(job.task_id) == job
