"""The terminal views in real terminals: whole lines in every size, keys that act, nothing left behind."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from liveengine.app.view import HELD_S
from tests.live.engine import command
from tests.live.jack import JackServer
from tests.live.tmux import Tmux

pytestmark = pytest.mark.live
SIZES = ((120, 40), (80, 24), (60, 24))
SMALL = (46, 18)
PLAY = ("play", "--clock", "system", "--backend", "none", "--no-web", "--style", "funk", "--seed", "3")
COUNTS = ("lateness: typical", "95 %", "99 %", "worst", "notes", "late bars 0", "dropped 0", "bar made in")
LOOKS, LOOK_S = 6, 0.1
PLAYING = ", beat "
Shell = Callable[[int, int], Tmux]
SERIALS = itertools.count()
"""Of all tests: a server that is ending must not be given the next one's terminal."""


@pytest.fixture
def open_shell(live_machine: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Return a function that opens a terminal of a size with a shell in it."""
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("PS1", "shell$ ")
    opened: list[Tmux] = []

    def start(columns: int, rows: int) -> Tmux:
        opened.append(Tmux(f"shell-{next(SERIALS)}", ["bash", "--norc", "--noprofile", "-i"], columns, rows))
        opened[-1].wait_for("shell$")
        opened[-1].type("stty -g > before; clear\n")
        return opened[-1]

    monkeypatch.chdir(tmp_path)
    yield start
    for terminal in opened:
        terminal.close()


def run(terminal: Tmux, arguments: Sequence[str]) -> None:
    terminal.type(f"{shlex.join([*command(), *arguments])}; stty -g > after; echo status $?\n")


def is_whole(screen: str, columns: int, boxes: int) -> bool:
    """Tell whether all frames are closed and as wide as each other, and no line is broken by the terminal."""
    lines = screen.splitlines()
    frames = [line for line in lines if line[:1] in tuple("╭│╰")]
    drawn = lines[next((index for index, line in enumerate(lines) if " bpm" in line), 0) :]
    return (
        {screen.count(corner) for corner in "╭╮╰╯"} == {boxes}
        and all(line[-1] in "╮│╯" for line in frames)
        and len({len(line) for line in frames}) <= 1
        and all(len(line) < columns for line in drawn)
        and screen.count(" bpm") == 1
    )


def whole_screen(terminal: Tmux, columns: int, boxes: int) -> str:
    """Return the screen once it is whole; it must stay so while it is drawn again and again."""
    terminal.wait_for(lambda screen: is_whole(screen, columns, boxes))
    for _ in range(LOOKS):
        time.sleep(LOOK_S)
        screen = terminal.screen()
        assert is_whole(screen, columns, boxes), screen
    return screen


def controls(trace: Path) -> list[tuple[str, Any]]:
    lines = [json.loads(line) for line in trace.read_text().splitlines() if '"control"' in line]
    return [(line["name"], line["value"]) for line in lines if line["type"] == "control"]


def boxes_at(columns: int) -> int:
    return 2 if columns >= 80 else 1 if columns >= 60 else 0


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_view_is_whole_through_every_size_and_its_keys_act(
    open_shell: Shell, tmp_path: Path, size: tuple[int, int]
) -> None:
    trace = tmp_path / "trace.jsonl"
    terminal = open_shell(*size)
    run(terminal, [*PLAY, "--trace", str(trace)])
    terminal.wait_for(PLAYING)
    for columns, rows in (size, *SIZES, SMALL, *reversed(SIZES)):
        terminal.resize(columns, rows)
        boxes = boxes_at(columns)
        screen = whole_screen(terminal, columns, boxes)
        assert screen.count("Q quit") == screen.count("F fill") == 1, screen
        assert screen.count("kick ┃") == max(1, boxes), screen
        for count in COUNTS:
            assert screen.count(count) == 1, f"{count}:\n{screen}"
    terminal.type("fb2")
    terminal.wait_for("Metro Boomin  ")
    terminal.type("z")
    terminal.wait_for("Funk  ")
    terminal.type(" ")
    terminal.wait_for("bpm   stopped")
    time.sleep(2 * HELD_S)
    terminal.type(" ")
    terminal.wait_for(PLAYING)
    terminal.type("q")
    screen = terminal.wait_for("status 0")
    for line in ("played: ", "late bars: 0", "lateness: typical", f"trace: {trace}"):
        assert line in screen.replace("\n", ""), screen
    assert "╭" not in screen, screen
    wanted = [
        ("do", "fill"),
        ("do", "break"),
        ("style", "metro_boomin"),
        ("do", "undo"),
        ("do", "stop"),
        ("do", "start"),
    ]
    assert controls(trace) == wanted
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()


def test_without_a_keyboard_the_view_names_no_keys(open_shell: Shell, tmp_path: Path) -> None:
    terminal = open_shell(80, 24)
    trace = tmp_path / "trace.jsonl"
    terminal.type(f"{shlex.join([*command(), *PLAY, '--trace', str(trace)])} < /dev/null\n")
    terminal.wait_for(PLAYING)
    terminal.type("f")
    assert "Q quit" not in whole_screen(terminal, 80, 2)
    terminal.press("C-c")
    terminal.wait_for("played: ")
    assert controls(trace) == []


@pytest.mark.parametrize("leave", ["ctrl-C", "SIGTERM"])
def test_signals_leave_the_terminal_as_it_was(open_shell: Shell, tmp_path: Path, leave: str) -> None:
    terminal = open_shell(80, 24)
    trace = tmp_path / "trace.jsonl"
    run(terminal, [*PLAY, "--trace", str(trace)])
    terminal.wait_for(PLAYING)
    if leave == "ctrl-C":
        terminal.press("C-c")
    else:
        header = json.loads(trace.read_text().splitlines()[0])
        os.kill(header["pids"]["engine"], signal.SIGTERM)
    terminal.wait_for("played: ")
    terminal.wait_for(lambda screen: screen.rstrip().endswith("shell$"))
    assert "╭" not in terminal.screen()
    terminal.type("stty -g > last; echo left with $?\n")
    terminal.wait_for("left with 0")
    assert (tmp_path / "last").read_text() == (tmp_path / "before").read_text()


def test_ctrl_z_gives_the_terminal_back_until_the_engine_is_continued(
    open_shell: Shell, tmp_path: Path
) -> None:
    terminal = open_shell(80, 24)
    run(terminal, PLAY)
    terminal.wait_for(PLAYING)
    terminal.press("C-z")
    assert "╭" not in terminal.wait_for("Stopped")
    terminal.type("stty -g > after; clear; fg\n")
    whole_screen(terminal, 80, 2)
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
    terminal.type("q")
    terminal.wait_for("played: ")


@pytest.mark.parametrize("size", [(130, 40), *SIZES], ids=lambda size: f"{size[0]}x{size[1]}")
def test_calibrate_draws_nothing_over_itself_and_loses_no_key(
    open_shell: Shell, jack_server: JackServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    terminal = open_shell(*size)
    run(terminal, ["calibrate", "--clock", "system", "--backend", "jack", "--bpm", "100"])
    terminal.wait_for("100.00 bpm")
    terminal.press("Right", times=25)
    terminal.press("Down")
    terminal.type("++-")
    for columns, rows in (size, (80, 24), (60, 24), size):
        terminal.resize(columns, rows)
        terminal.wait_for("│ +16 ms")
        screen = whole_screen(terminal, columns, 1)
        for text in ("100.00 bpm", "drums", "earlier 10 ms", "Enter save", "Q leave"):
            assert screen.count(text) == 1, screen
    terminal.press("Enter")
    screen = terminal.wait_for("status 0")
    assert "+16 ms saved for jack: " in screen
    assert "16.0" in (tmp_path / "own" / "latency.yaml").read_text()
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()
