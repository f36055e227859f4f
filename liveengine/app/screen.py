"""Lines that are drawn again and again in a terminal of any size, and the keys that are pressed meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from liveengine.app.keyboard import Keyboard

log = logging.getLogger(__name__)

FRAMES_HZ = 8
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
CLEAR = "\x1b[H\x1b[2J"
TO_END_OF_LINE, TO_END = "\x1b[K", "\x1b[J"
GAP = 3

Lines = Callable[[int, int], Sequence[Text]]
"""Makes the lines for a width and a height in cells."""


def can_draw(console: Console) -> bool:
    """Whether lines can be drawn over others: on a terminal that moves its cursor."""
    return console.is_terminal and not console.is_dumb_terminal and not console.legacy_windows


class Screen:
    """Draws lines over those that it drew before, below whatever else is there."""

    def __init__(self, console: Console) -> None:
        """Begin with nothing drawn."""
        self._console = console
        self._size = self._size_now()
        self._drawn = 0

    def draw(self, lines: Lines) -> None:
        """Draw lines; in a terminal of another size than before they are all that it shows.

        How a terminal breaks what is drawn when it gets narrower is its own affair: nobody can go back to it.
        The last column stays free, since writing there leaves the cursor in a place that terminals disagree
        about.
        """
        began = self._to_the_beginning()
        width, height = max(1, self._size.columns - 1), self._size.lines
        rows = list(lines(width, height))[:height] or [Text()]
        for row in rows:
            row.truncate(width, overflow="ellipsis")
        with self._console.capture() as captured:
            for row in rows:
                self._console.print(row, soft_wrap=True)
        drawn = captured.get().removesuffix("\n").replace("\n", f"{TO_END_OF_LINE}\r\n")
        self._write(f"{HIDE_CURSOR}{began}{drawn}{TO_END}")
        self._drawn = len(rows)

    def erase(self) -> None:
        """Take everything away again."""
        if self._drawn:
            self._write(f"{self._to_the_beginning()}{TO_END}{SHOW_CURSOR}")
            self._drawn = 0

    def leave(self) -> None:
        """Let what is drawn stand; what comes next is drawn below it."""
        if self._drawn:
            self._write(f"\r\n{SHOW_CURSOR}")
            self._drawn = 0

    def _to_the_beginning(self) -> str:
        """Return what brings the cursor to where the first line is to be."""
        before, self._size = self._size, self._size_now()
        if not self._drawn:
            return "\r"
        if self._size != before:
            return CLEAR
        return "\r" + (f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else "")

    def _size_now(self) -> os.terminal_size:
        """Return the terminal's size; COLUMNS and LINES, which rich trusts, know nothing of a new one."""
        try:
            size = os.get_terminal_size(self._console.file.fileno())
        except (OSError, ValueError):
            size = os.terminal_size(self._console.size)
        return size if min(size) > 0 else os.terminal_size(self._console.size)

    def _write(self, text: str) -> None:
        self._console.file.write(text)
        self._console.file.flush()


def flow(fields: Sequence[Text], width: int) -> list[Text]:
    """Return fields side by side, in as many lines as a width needs; only a field too long for one is cut."""
    lines: list[Text] = []
    for field in fields:
        if lines and lines[-1].cell_len + GAP + field.cell_len <= width:
            lines[-1] = lines[-1] + " " * GAP + field
        else:
            lines.append(field)
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def boxed(title: str, rows: Sequence[Text], width: int, below: str = "") -> list[Text]:
    """Return rows in a box of a width, with a title above and another below."""
    inner = width - 4
    lines = [Text(f"╭{_ruled(title, width)}╮", "dim")]
    for row in rows:
        padding = " " * (inner - row.cell_len)
        lines.append(Text("│ ", "dim") + row + padding + Text(" │", "dim"))
    return [*lines, Text(f"╰{_ruled(below, width)}╯", "dim")]


def _ruled(title: str, width: int) -> str:
    rule = f"─ {title} " if title else ""
    return rule + "─" * (width - 2 - cell_len(rule))


@contextlib.asynccontextmanager
async def showing(
    console: Console, lines: Lines, pressed: Callable[[str], None] | None
) -> AsyncIterator[None]:
    """Show lines meanwhile, and hand over the keys that are pressed, if anybody wants them.

    Whichever way it ends, by ctrl-Z too, the terminal is left as it was.
    """
    changed = asyncio.Event()

    def key_pressed(key: str) -> None:
        if pressed is not None:
            pressed(key)
        changed.set()

    screen = Screen(console)
    keyboard = Keyboard(key_pressed) if pressed is not None and sys.stdin.isatty() else None
    view = asyncio.create_task(_draw(screen, keyboard, lines, changed))
    with _signals(screen, keyboard, changed):
        try:
            yield
        finally:
            view.cancel()
            try:
                with contextlib.suppress(asyncio.CancelledError):
                    await view
            finally:
                if keyboard is not None:
                    keyboard.close()
                with contextlib.suppress(OSError):  # the terminal has gone
                    screen.erase()


async def _draw(screen: Screen, keyboard: Keyboard | None, lines: Lines, changed: asyncio.Event) -> None:
    """Draw while this program is in the foreground, until cancelled or until the terminal has gone."""
    while True:
        try:
            if keyboard is None or keyboard.attend():
                screen.draw(lines)
        except OSError:
            return
        except Exception:
            log.exception("the terminal view failed and is off")
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), 1 / FRAMES_HZ)
        changed.clear()


@contextlib.contextmanager
def _signals(screen: Screen, keyboard: Keyboard | None, changed: asyncio.Event) -> Iterator[None]:
    """Draw at once in a terminal of a new size, and give the terminal back while this program is stopped."""
    if sys.platform == "win32":
        yield
        return
    loop = asyncio.get_running_loop()

    def stopped() -> None:
        screen.erase()
        if keyboard is not None:
            keyboard.close()
        loop.remove_signal_handler(signal.SIGTSTP)
        signal.raise_signal(signal.SIGTSTP)  # here it stands still, until it is continued
        loop.add_signal_handler(signal.SIGTSTP, stopped)

    def continued() -> None:
        screen.leave()
        changed.set()

    handlers = {signal.SIGWINCH: changed.set, signal.SIGTSTP: stopped, signal.SIGCONT: continued}
    with contextlib.ExitStack() as stack:
        for kind, handler in handlers.items():
            with contextlib.suppress(ValueError, RuntimeError):  # only the main thread has signals
                loop.add_signal_handler(kind, handler)
                stack.callback(loop.remove_signal_handler, kind)
        yield
