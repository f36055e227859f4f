"""Lines in a terminal: how they flow, how they are drawn over each other, and how they go."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import termios

import pytest
from rich.console import Console
from rich.text import Text

from liveengine.app.screen import Screen, boxed, can_draw, flow, showing


def plain(lines: list[Text]) -> list[str]:
    return [line.plain for line in lines]


def test_fields_flow_into_as_many_lines_as_they_need_and_are_never_broken() -> None:
    fields = [Text("one two"), Text("three"), Text("four")]
    assert plain(flow(fields, 40)) == ["one two   three   four"]
    assert plain(flow(fields, 15)) == ["one two   three", "four"]
    assert plain(flow(fields, 14)) == ["one two", "three   four"]
    assert plain(flow(fields, 4)) == ["one…", "thr…", "four"]


def test_a_box_has_its_width_and_both_titles() -> None:
    assert plain(boxed("now", [Text("abc")], 12, "next")) == ["╭─ now ────╮", "│ abc      │", "╰─ next ───╯"]


class Teletype:
    """A console on a terminal of a size that can change, and what was written to it."""

    def __init__(self, width: int, height: int) -> None:
        self.out = io.StringIO()
        self.console = Console(
            file=self.out, force_terminal=True, width=width, height=height, color_system=None
        )

    def written(self) -> str:
        text = self.out.getvalue()
        self.out.seek(0)
        self.out.truncate()
        return text


def test_lines_are_drawn_over_those_before() -> None:
    teletype = Teletype(20, 10)
    screen = Screen(teletype.console)
    screen.draw(lambda *_: [Text("a"), Text("b"), Text("c")])
    assert "\x1b[2J" not in teletype.written(), "what was there before stays"
    screen.draw(lambda *_: [Text("d")])
    assert "\r\x1b[2Ad\x1b[J" in teletype.written()
    screen.erase()
    assert teletype.written() == "\r\x1b[J\x1b[?25h"
    screen.erase()
    assert not teletype.written()


def test_a_terminal_of_another_size_is_cleared_first() -> None:
    teletype = Teletype(20, 10)
    screen = Screen(teletype.console)
    sizes: list[tuple[int, int]] = []

    def lines(width: int, height: int) -> list[Text]:
        sizes.append((width, height))
        return [Text("x" * 30)] * 12

    screen.draw(lines)
    assert teletype.written().count("x" * 18 + "…") == 10, "neither wider nor higher than the terminal"
    teletype.console.width = 10
    screen.draw(lines)
    assert teletype.written().startswith("\x1b[?25l\x1b[H\x1b[2Jxxxxxxxx…\x1b[K")
    assert sizes == [(19, 10), (9, 10)]


def test_the_size_is_the_terminals_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    hand, fd = pty.openpty()
    widths: list[int] = []

    def lines(width: int, height: int) -> list[Text]:
        widths.append(width)
        return [Text("x")]

    with os.fdopen(fd, "w") as file:
        screen = Screen(Console(file=file, force_terminal=True))
        for columns in (80, 60):
            termios.tcsetwinsize(hand, (24, columns))
            screen.draw(lines)
    os.close(hand)
    assert widths == [79, 59]


def test_a_terminal_is_left_as_it_was_whatever_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    hand, fd = pty.openpty()
    monkeypatch.setattr("sys.stdin", os.fdopen(fd))
    before = termios.tcgetattr(fd)
    quiet = asyncio.Event()

    def lines(width: int, height: int) -> list[Text]:
        assert not termios.tcgetattr(fd)[3] & termios.ECHO
        quiet.set()
        raise ZeroDivisionError

    async def show() -> None:
        async with showing(Teletype(80, 24).console, lines, lambda _: None):
            await quiet.wait()

    asyncio.run(show())
    assert termios.tcgetattr(fd) == before
    os.close(hand)


@pytest.mark.parametrize(("terminal", "drawn"), [("xterm-256color", True), ("dumb", False)])
def test_only_terminals_that_move_their_cursor_are_drawn_on(terminal: str, drawn: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, _environ={"TERM": terminal})
    assert can_draw(console) is drawn
    assert not can_draw(Console(file=io.StringIO()))
