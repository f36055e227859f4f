"""Supervised children, real ones: full pipes, hanging, dying, starting again, and a clean end."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from liveengine.processes.child import STARVED_TIMES, ChildProcess, Heartbeat
from tests.waiting import PATIENCE_S, until

PAUSE_S = 0.05
posix = pytest.mark.skipif(sys.platform == "win32", reason="no SIGSTOP, and a pipe that cannot be asked")


def echo(connection: Connection, heartbeat: Heartbeat, note: str) -> None:
    """Answer with the pid first, then with what comes; end on "end", hang on "hang"."""
    heartbeat.beat()  # before the first word: who is stopped between the two has not begun
    connection.send((note, os.getpid()))
    while True:
        heartbeat.beat()
        if connection.poll(0.02):
            try:
                message = connection.recv()
            except EOFError:
                return
            if message == "end":
                connection.send("farewell")
                return
            while message == "hang":
                time.sleep(1.0)
            connection.send(message)


def deaf(connection: Connection, heartbeat: Heartbeat) -> None:
    """Beat, and never read."""
    heartbeat.beat()
    connection.send("here")
    while True:
        heartbeat.beat()
        time.sleep(0.02)


def stubborn(connection: Connection, _heartbeat: Heartbeat) -> None:
    """Stay, though the pipe closes."""
    connection.send("here")
    while True:
        time.sleep(1.0)


Make = Callable[..., ChildProcess]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[ChildProcess] = []

    def child(
        *arguments: object,
        silence_s: float = PATIENCE_S,
        start_s: float = PATIENCE_S,
        target: Callable[..., None] = echo,
    ) -> ChildProcess:
        made.append(
            ChildProcess("test", target, arguments, silence_s=silence_s, start_s=start_s, min_pause_s=PAUSE_S)
        )
        return made[-1]

    yield child
    for each in made:
        each.end(0.1)


def wait_for(child: ChildProcess, found: Callable[[object], bool]) -> Any:
    """Watch until a message comes that is looked for."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        child.watch()
        message = child.receive()
        if message is not None and found(message):
            return message
        time.sleep(0.002)
    raise AssertionError(f"no such message in {PATIENCE_S:g} s; the last fault: {child.fault}")


def mute_at_first(
    connection: Connection, heartbeat: Heartbeat, folder: Path, times: int, mute_s: float
) -> None:
    """End without a word after `mute_s`, so many times, and then greet."""
    before = len(list(folder.iterdir()))
    (folder / str(before)).touch()
    if before < times:
        time.sleep(mute_s)
        return
    connection.send("here")
    while not connection.poll(0.02):
        heartbeat.beat()


def asleep(_connection: Connection, _heartbeat: Heartbeat) -> None:
    """Never begin."""
    time.sleep(2 * PATIENCE_S)


def is_there(pid: int) -> bool:
    """Tell whether a process is there, or its status has not been fetched yet: by whoever starts the next."""
    multiprocessing.active_children()
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_greeting(message: object) -> bool:
    return isinstance(message, tuple)


def test_what_is_sent_arrives_and_is_answered(make: Make) -> None:
    child = make("a")
    assert wait_for(child, is_greeting) == ("a", child.pid)
    assert child.send({"bar": 3})
    assert wait_for(child, lambda message: message == {"bar": 3})
    assert child.restarts == 0


@pytest.mark.parametrize(("mute", "heard", "started"), [(0, "here", 1), (1, "here", 2), (2, None, 2)])
def test_who_ends_without_a_first_word_is_started_once_more(
    make: Make, tmp_path: Path, mute: int, heard: str | None, started: int
) -> None:
    child = make(tmp_path, mute, 0.0, target=mute_at_first)
    assert child.first_message() == heard
    assert len(list(tmp_path.iterdir())) == started
    assert child.take_fault() == (None if heard else "it ended")


def test_who_hangs_without_a_first_word_is_started_once_more(make: Make, tmp_path: Path) -> None:
    child = make(tmp_path, 1, 2 * PATIENCE_S, target=mute_at_first, start_s=5.0)
    assert child.first_message() == "here"
    assert (child.hung, child.restarts, child.take_fault()) == (False, 1, None)


def test_who_never_begins_is_not_started_a_third_time(make: Make) -> None:
    child = make(target=asleep, start_s=0.3)
    assert child.first_message() is None
    assert (child.hung, child.restarts, child.fault) == (True, 1, "it did not start in 0.3 s")


def test_who_is_not_wanted_any_more_is_not_waited_for(make: Make) -> None:
    child = make(target=asleep)
    unwanted = threading.Event()
    waiting = threading.Thread(target=child.first_message, args=(unwanted.is_set,))
    waiting.start()
    unwanted.set()
    waiting.join(PATIENCE_S / 2)
    assert not waiting.is_alive()


def busy(connection: Connection, heartbeat: Heartbeat) -> None:
    """Beat once, and then work without a beat."""
    heartbeat.beat()
    connection.send(("busy", os.getpid()))
    while True:
        pass


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who waits for a core")
def test_a_child_that_could_run_is_given_more_time_but_not_for_ever(make: Make) -> None:
    silence_s = 0.4
    child = make(target=busy, silence_s=silence_s)
    wait_for(child, is_greeting)
    began = time.monotonic()
    while not child.gone:
        child.watch()
        assert time.monotonic() < began + PATIENCE_S
        time.sleep(0.01)
    assert time.monotonic() - began >= (STARVED_TIMES - 1) * silence_s
    assert child.hung
    assert "it was silent for" in child.fault


@posix
def test_a_full_pipe_is_an_answer_and_not_a_wait(make: Make) -> None:
    child = make(target=deaf)
    wait_for(child, lambda message: message == "here")
    sent = 0
    while child.send(b"x" * 8000):
        sent += 1
        assert sent < 10_000
    assert sent >= 8, "a plan of eight bars fits"
    assert not child.gone


@posix
@pytest.mark.parametrize("how", ["stopped", "stuck"])
def test_a_child_that_hangs_is_killed_and_replaced(make: Make, how: str) -> None:
    child = make("a", silence_s=1.0)
    _, first = wait_for(child, is_greeting)
    if how == "stopped":
        os.kill(first, signal.SIGSTOP)
    else:
        child.send("hang")
    _, second = wait_for(child, is_greeting)
    assert second != first
    assert child.restarts >= 1
    until(lambda: not is_there(first), "its end")


def test_a_child_that_ends_leaves_its_last_words_and_another_comes(make: Make) -> None:
    child = make("a")
    wait_for(child, is_greeting)
    child.send("end")
    assert wait_for(child, lambda message: message == "farewell")
    assert wait_for(child, is_greeting)
    assert (child.restarts, child.hung) == (1, False)


@posix
def test_a_fault_is_told_once_also_where_sending_finds_it(make: Make) -> None:
    child = make("a")
    _, pid = wait_for(child, is_greeting)
    assert child.take_fault() is None
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_S
    while not child.gone:  # a pipe that is full until it is dead refuses too
        child.send("anything")
        assert time.monotonic() < deadline
    assert child.take_fault() == "its pipe broke"
    assert child.take_fault() is None
    wait_for(child, is_greeting)
    assert child.restarts == 1


@posix
def test_a_child_that_hung_is_known_as_such_until_the_next_one(make: Make) -> None:
    child = make("a", silence_s=1.0)
    _, pid = wait_for(child, is_greeting)
    os.kill(pid, signal.SIGSTOP)
    while not child.gone:
        child.watch()
    assert child.hung
    wait_for(child, is_greeting)
    assert not child.hung


def test_children_that_die_young_come_back_more_and_more_slowly(make: Make) -> None:
    child = make("a")
    pauses: list[float] = []
    for _ in range(3):
        wait_for(child, is_greeting)
        child.send("end")
        wait_for(child, lambda message: message == "farewell")
        while not child.gone:
            assert child.receive() is None
        assert not child.send("anything")
        assert child.receive() is None
        gone_at = time.monotonic()
        while child.gone:
            child.watch()
        pauses.append(time.monotonic() - gone_at)
    assert pauses[1] >= 1.9 * PAUSE_S
    assert pauses[2] >= 3.9 * PAUSE_S


def test_a_system_without_room_for_another_child_is_asked_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = make("a")
    first = wait_for(child, is_greeting)[1]
    refused = []

    def full(_process: object) -> None:
        refused.append(1)
        if len(refused) > 2:
            monkeypatch.undo()
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("liveengine.processes.child.start_alone", full)
    child.send("end")
    while not refused:
        child.watch()
        child.receive()
    assert child.gone
    assert "could not be started: [Errno" in (child.take_fault() or "")
    assert not child.send("lost")
    assert wait_for(child, is_greeting)[1] != first
    assert len(refused) == 3
    assert child.restarts == 1


def test_the_end_is_clean_where_it_can_be(make: Make) -> None:
    child = make("a")
    wait_for(child, is_greeting)
    assert not child.end(PATIENCE_S)
    hard = make(target=stubborn)
    wait_for(hard, lambda message: message == "here")
    assert hard.end(0.05)


def test_a_heartbeat_is_seen_from_outside(make: Make, tmp_path: Path) -> None:
    heartbeat = Heartbeat()
    assert heartbeat.at_s == 0
    before = time.monotonic()
    heartbeat.beat()
    assert before <= heartbeat.at_s <= time.monotonic()


def test_how_long_a_child_has_been_quiet_counts_from_its_first_beat(make: Make) -> None:
    child = make("a")
    wait_for(child, is_greeting)
    wait_for_beat = time.monotonic() + PATIENCE_S
    while child.quiet_s == 0.0 and time.monotonic() < wait_for_beat:
        child.watch()
    child.send("hang")
    deadline = time.monotonic() + PATIENCE_S
    while child.quiet_s < 0.5:
        child.watch()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_next_child_may_have_other_arguments(make: Make) -> None:
    child = make("a")
    wait_for(child, is_greeting)
    child.start_next_with(("b",))
    child.send("end")
    assert wait_for(child, lambda message: is_greeting(message) and message != ("a", child.pid))[0] == "b"
