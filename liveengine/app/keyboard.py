"""The terminal's keys, each as it is pressed: POSIX terminals, and the console of Windows."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import sys
from collections.abc import Callable
from typing import Any

if sys.platform != "win32":
    import termios
else:
    import msvcrt

ESCAPE_S = 0.1
"""An escape that nothing follows for this long is the key itself, and no beginning of another."""
LOOK_S = 0.02
"""How often the console of Windows is looked at."""
READ_BYTES = 4096
HANGUP = "hangup"
"""Comes in the place of a key when the terminal has gone."""
NAMES = {
    **{
        f"\x1b{kind}{end}": name
        for kind in "[O"
        for end, name in zip("ABCD", ("up", "down", "right", "left"), strict=True)
    },
    "\x1bOM": "enter",
    "\r": "enter",
    "\n": "enter",
    "\x1b": "escape",
    " ": "space",
    "\x03": "ctrl-c",
    "\x04": "ctrl-d",
}
"""Keys that are no character, or none that can be seen."""
CONSOLE_NAMES = {"H": "up", "P": "down", "M": "right", "K": "left"}
"""What the console of Windows sends after a NUL or an 0xE0."""
WHOLE = re.compile(r"\x1b\[\[.|\x1b\[[0-?]*[ -/]*[@-Z\\-~]|\x1bO.|\x1b[^\x1b\[O]|[^\x1b]", re.DOTALL)
"""A character, or an escape sequence as ECMA-48, the VT100's keypad, the Linux console and Alt send it."""
BEGUN = re.compile(r"\x1b(\[\[|\[[0-?]*[ -/]*|O)?")


class KeyDecoder:
    """Makes keys of what a terminal sends, however many come together and wherever they are cut."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def waits(self) -> bool:
        """Whether an escape sequence has begun and not ended."""
        return bool(self._rest)

    def feed(self, sent: bytes) -> list[str]:
        """Return the keys that are complete: characters, or names of `NAMES`; unknown sequences are none."""
        self._rest += self._characters.decode(sent)
        keys = []
        while self._rest and not BEGUN.fullmatch(self._rest):
            whole = WHOLE.match(self._rest)
            keys.append(whole.group() if whole else "\x1b")
            self._rest = self._rest[len(keys[-1]) :]
        return _named(keys)

    def give_up(self) -> list[str]:
        """Return what has begun as the keys that it is made of: nothing more will come."""
        rest, self._rest = self._rest, ""
        return _named(list(rest))


def _named(keys: list[str]) -> list[str]:
    return [NAMES.get(key, key) for key in keys if key in NAMES or not key.startswith("\x1b")]


class Keyboard:
    """Hands over each key on the event loop's thread, while this program is in the terminal's foreground.

    The terminal echoes nothing and waits for no line meanwhile. The rest stays as it is: output is processed,
    ctrl-C and ctrl-Z are signals; only ctrl-S does not hold up the output, and with it the program.
    """

    def __init__(self, pressed: Callable[[str], None]) -> None:
        """Call `pressed` with each key from the first `attend` on; needs a running event loop."""
        self._pressed = pressed
        self._loop = asyncio.get_running_loop()
        self._decoder = KeyDecoder()
        self._given_up: asyncio.TimerHandle | None = None
        self._reading = False
        self._settings: list[Any] | None = None

    def attend(self) -> bool:
        """Read keys if this program may have them now; return whether it may.

        To be called often: nothing tells a program that a shell has brought it to the foreground.
        """
        if in_background():
            self._leave()
            return False
        if not sys.stdin.isatty():
            return False
        self._quieten()
        if not self._reading:
            self._reading = True
            self._listen()
        return True

    def close(self) -> None:
        """Read no more, and leave the terminal as it was; a later `attend` begins again."""
        self._leave()
        if self._given_up is not None:
            self._given_up.cancel()
        settings, self._settings = self._settings, None
        if sys.platform != "win32" and settings is not None and not in_background():
            with contextlib.suppress(OSError, termios.error):  # it has gone
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, settings)

    def _hand_over(self, keys: list[str]) -> None:
        for key in keys:
            self._pressed(key)

    if sys.platform != "win32":

        def _quieten(self) -> None:
            """Set the terminal up, also after a shell has set it up for itself in between."""
            try:
                settings = termios.tcgetattr(sys.stdin.fileno())
                if settings[3] & (termios.ICANON | termios.ECHO):
                    self._settings = [*settings[:6], list(settings[6])]
                    settings[0] &= ~termios.IXON
                    settings[3] &= ~(termios.ICANON | termios.ECHO)
                    settings[6][termios.VMIN], settings[6][termios.VTIME] = 1, 0
                    termios.tcsetattr(sys.stdin.fileno(), termios.TCSANOW, settings)
            except (OSError, termios.error):  # it has gone: reading says so
                return

        def _listen(self) -> None:
            self._loop.add_reader(sys.stdin.fileno(), self._read)

        def _leave(self) -> None:
            if self._reading:
                self._loop.remove_reader(sys.stdin.fileno())
                self._reading = False

        def _read(self) -> None:
            if in_background():
                self._leave()
                return
            try:
                sent = os.read(sys.stdin.fileno(), READ_BYTES)
            except OSError:
                sent = b""
            if self._given_up is not None:
                self._given_up.cancel()
            if not sent:
                self._loop.remove_reader(sys.stdin.fileno())  # for good: `_reading` stays
            self._hand_over(self._decoder.feed(sent) if sent else [HANGUP])
            if self._decoder.waits:
                self._given_up = self._loop.call_later(ESCAPE_S, self._give_up)

        def _give_up(self) -> None:
            self._hand_over(self._decoder.give_up())

    else:

        def _quieten(self) -> None:
            """Nothing is echoed by `getwch`."""

        def _listen(self) -> None:
            self._given_up = self._loop.call_later(LOOK_S, self._read)

        def _leave(self) -> None:
            self._reading = False

        def _read(self) -> None:
            while self._reading and msvcrt.kbhit():
                key = msvcrt.getwch()
                special = key in ("\x00", "\xe0")
                name = CONSOLE_NAMES.get(msvcrt.getwch()) if special else NAMES.get(key, key)
                self._hand_over([name] if name else [])
            if self._reading:
                self._listen()


def in_background() -> bool:
    """Whether a shell has the terminal that is standard input: to read from it would stop this program."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp()
    except (OSError, ValueError):  # no terminal, or one that controls no programs
        return False
