"""Keys: every one of a read, sequences in pieces, and a terminal that is left as it was."""

from __future__ import annotations

import asyncio
import os
import pty
import termios
from collections.abc import Iterator

import pytest

from liveengine.app.keyboard import HANGUP, Keyboard, KeyDecoder
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize(
    ("sent", "keys"),
    [
        (b"\x1b[C\x1b[C\x1b[D", ["right", "right", "left"]),
        (b"++-", ["+", "+", "-"]),
        (b"\x1bOA\x1b[B", ["up", "down"]),
        (b"f \r\n1", ["f", "space", "enter", "enter", "1"]),
        ("ü→".encode(), ["ü", "→"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        (b"\x1b[15~\x1b[1;5D\x1b[[B\x1bOPf", ["f"]),  # F5, ctrl-left, F2 of the console, F1
        (b"\x1bbf", ["f"]),  # Alt-B is no B
        (b"\x03\x04", ["ctrl-c", "ctrl-d"]),
    ],
)
def test_every_key_of_a_read_is_found(sent: bytes, keys: list[str]) -> None:
    decoder = KeyDecoder()
    assert decoder.feed(sent) == keys
    assert not decoder.waits


@pytest.mark.parametrize("sent", [b"\x1b[Aq\x1b[1;5Cx\x1bOB", "ä\x1b[Dö".encode(), b"\x1b[[A\x1b[C"])
def test_keys_are_the_same_wherever_reads_are_cut(sent: bytes) -> None:
    whole = KeyDecoder().feed(sent)
    for cut in range(1, len(sent)):
        decoder = KeyDecoder()
        assert decoder.feed(sent[:cut]) + decoder.feed(sent[cut:]) == whole
    decoder = KeyDecoder()
    assert [key for byte in sent for key in decoder.feed(bytes([byte]))] == whole


def test_an_escape_that_nothing_follows_is_the_key() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b") == []
    assert decoder.waits
    assert decoder.give_up() == ["escape"]
    assert not decoder.waits


class Terminal:
    """A pseudo-terminal as standard input, and the keys that came from it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hand, self.fd = pty.openpty()
        monkeypatch.setattr("sys.stdin", os.fdopen(self.fd, closefd=False))
        self.keys: list[str] = []

    def settings(self) -> list[object]:
        return termios.tcgetattr(self.fd)

    async def wait_for(self, keys: list[str]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.keys != keys:
                await asyncio.sleep(0.01)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    made = Terminal(monkeypatch)
    yield made
    for fd in (made.hand, made.fd):
        try:
            os.close(fd)
        except OSError:
            continue


def test_output_is_processed_and_signals_stay_while_keys_are_read(terminal: Terminal) -> None:
    async def read() -> None:
        before = terminal.settings()
        keyboard = Keyboard(terminal.keys.append)
        assert keyboard.attend()
        inputs, outputs, _, local = termios.tcgetattr(terminal.fd)[:4]
        assert outputs & termios.OPOST
        assert local & termios.ISIG
        assert not local & (termios.ICANON | termios.ECHO)
        assert not inputs & termios.IXON
        os.write(terminal.hand, b"\x1b[C\x1b[C++q")
        await terminal.wait_for(["right", "right", "+", "+", "q"])
        os.write(terminal.hand, b"\x1b")
        await terminal.wait_for(["right", "right", "+", "+", "q", "escape"])
        keyboard.close()
        assert terminal.settings() == before

    asyncio.run(read())


def test_a_terminal_that_a_shell_has_set_up_anew_is_set_up_again(terminal: Terminal) -> None:
    async def read() -> None:
        keyboard = Keyboard(terminal.keys.append)
        before = termios.tcgetattr(terminal.fd)
        assert keyboard.attend()
        termios.tcsetattr(terminal.fd, termios.TCSANOW, before)
        assert keyboard.attend()
        os.write(terminal.hand, b"f")
        await terminal.wait_for(["f"])
        keyboard.close()
        assert terminal.settings() == before

    asyncio.run(read())


def test_a_terminal_that_has_gone_is_said_once(terminal: Terminal) -> None:
    async def read() -> None:
        keyboard = Keyboard(terminal.keys.append)
        assert keyboard.attend()
        os.close(terminal.hand)
        await terminal.wait_for([HANGUP])
        for _ in range(3):
            keyboard.attend()
            await asyncio.sleep(0)
        assert terminal.keys == [HANGUP]
        keyboard.close()

    asyncio.run(read())


def test_what_is_no_terminal_has_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    async def read() -> None:
        with open(os.devnull) as nothing:  # noqa: PTH123
            monkeypatch.setattr("sys.stdin", nothing)
            keyboard = Keyboard(lambda _: None)
            assert not keyboard.attend()
            keyboard.close()

    asyncio.run(read())
