"""What a terminal shows while the engine plays, the keys pressed there, and the figures at the end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from rich.console import Console
from rich.text import Text

from liveengine.app.screen import FRAMES_HZ, can_draw, showing
from liveengine.app.terminal import LogLines, dropped_text, view
from liveengine.engine.session import Session
from liveengine.engine.snapshot import snapshot
from liveengine.music.control import SetStyle, TriggerAction
from liveengine.recording.performance_log import PerformanceLog

log = logging.getLogger(__name__)

ACTION_KEYS: Mapping[str, str] = {
    "f": "fill",
    "b": "break",
    "z": "undo",
    "l": "lock_1",
    "j": "lock_4",
    "u": "unlock",
    "c": "capture_16",
    "n": "next_scene",
}
"""The same keys as on the stage page."""
STYLE_KEYS = "123456789"
LEAVE = "q"
HELD_S = 0.08
"""A key that comes again within this is held down and repeats itself: it does not act again."""
LIT_S = 0.4


class ViewKeys:
    """Turns keys into commands to a session, through the same inbox as everybody's."""

    def __init__(self, session: Session) -> None:
        """Begin with no key pressed."""
        self._session = session
        self._last = ""
        self._last_at = 0.0

    def press(self, key: str, now_s: float) -> None:
        """Do what a key stands for, if anything, at a moment of a steady clock."""
        key = key.lower()
        held = key == self._last and now_s - self._last_at < HELD_S
        self._last, self._last_at = key, now_s
        if held:
            return
        if key == LEAVE:
            self._session.stop()
        elif key == "space":
            action = "stop" if self._session.conductor.sounding else "start"
            self._session.post(TriggerAction(action))
        elif key in ACTION_KEYS:
            self._session.post(TriggerAction(ACTION_KEYS[key]))
        elif len(key) == 1 and key in STYLE_KEYS:
            style = self._session.conductor.styles.at(STYLE_KEYS.index(key))
            if style is not None:
                self._session.post(SetStyle(style.name))

    def legend(self, now_s: float) -> list[tuple[str, str, bool]]:
        """Return the keys, what each does now, whether it was just pressed; the most important first."""
        lit = self._last if now_s - self._last_at < LIT_S else ""
        space = "stop" if self._session.conductor.sounding else "start"
        return [
            ("F", "fill", lit == "f"),
            ("B", "break", lit == "b"),
            ("1-9", "style", bool(lit) and lit in STYLE_KEYS),
            ("Space", space, lit == "space"),
            ("Z", "undo", lit == "z"),
            ("L", "lock", lit == "l"),
            ("U", "unlock", lit == "u"),
            ("C", "capture", lit == "c"),
            ("J", "lock 4 bars", lit == "j"),
            *([("N", "next scene", lit == "n")] if self._session.conductor.set_walk else []),
            ("Q", "quit", False),
        ]


@contextlib.asynccontextmanager
async def start_view(
    session: Session, port: str, page: str, console: Console, show_view: bool
) -> AsyncIterator[None]:
    """Show the terminal view and read its keys, or print plain lines, meanwhile.

    `port` is where the notes go and `page` the address of the stage page, both empty for none. Keys are read
    only where standard input is a terminal.
    """
    if show_view and can_draw(console):
        if sys.stderr.isatty():  # lines would tear the view, which shows the same as notices
            logging.getLogger("liveengine").setLevel(logging.CRITICAL)
        keys = ViewKeys(session) if sys.stdin.isatty() else None

        def lines(width: int, height: int) -> list[Text]:
            legend = keys.legend(time.monotonic()) if keys else []
            return view(snapshot(session), legend, width, height, port=port, page=page)

        pressed = (lambda key: keys.press(key, time.monotonic())) if keys else None
        async with showing(console, lines, pressed):
            yield
        return
    printing = asyncio.create_task(_print_lines(session, console))
    try:
        yield
    finally:
        printing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await printing


async def _print_lines(session: Session, console: Console) -> None:
    """Print what changes, until cancelled."""
    news = LogLines()
    while True:
        try:
            for line in news.lines(snapshot(session)):
                console.print(line)
        except Exception:
            log.exception("the status lines failed and are off")
            return
        await asyncio.sleep(1 / FRAMES_HZ)


def tell_summary(record: PerformanceLog, trace: Path | None, console: Console) -> None:
    """Print the figures of a performance that has ended, and where its trace is."""
    late = record.lateness_of_all()
    lines = [
        f"played: {record.bars} bars, {record.notes} notes; "
        f"late bars: {record.late_bars}; dropped: {dropped_text(record.dropped)}"
    ]
    if record.notes:
        lines.append(
            f"lateness: typical {late.p50:.2f} ms, 95 % within {late.p95:.2f} ms, "
            f"99 % within {late.p99:.2f} ms, worst {late.most:.2f} ms"
        )
    lines += [f"capture: {path} ({bars} bars)" for path, bars in record.captures]
    if trace is not None:
        lines.append(f"trace: {trace}")
    for line in lines:
        console.print(line)
