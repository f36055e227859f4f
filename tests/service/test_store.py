"""The store: whole files under ids that come near no path, in a folder or behind an fsspec URL."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from liveengine.errors import StoreError
from liveengine.music.beats import Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply
from liveengine.service.store import DONE, FAILED, QUEUED, RUNNING, Job, Store, id_for, is_id, new_id

REQUEST = {"style": "funk", "bars": 2, "meter": "7/8", "remade": [], "seed": 2**62, "bpm": 93.25}
BARS = [
    BarReply(serial, Bar(Meter(7, 8), (Hit(0, Voice.KICK, -6, 1), Hit(13, Voice.BELL, 5, 127))), 7, 0.125)
    for serial in (1, 2)
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
    assert put.age_s() < 60
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


def test_a_job_forgotten_is_gone_and_may_be_forgotten_twice(store: Store) -> None:
    job = store.put_job(Job(new_id(), REQUEST))
    store.forget_job(job.task_id)
    assert store.job(job.task_id) is None
    store.forget_job(job.task_id)


def test_decoded_bars_come_back_to_the_tick(store: Store, url: str) -> None:
    task_id = new_id()
    store.put_decoded(task_id, BARS)
    assert Store(url).decoded(task_id) == BARS


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
