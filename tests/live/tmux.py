"""A program in a terminal of its own: a private tmux server with one window, whose screen can be read."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence

WINDOW = "window"
PATIENCE_S = 60.0
LOOK_S = 0.05


class Tmux:
    """A tmux server with one program in it. It ends with `close`, or by itself with its program."""

    def __init__(self, name: str, command: Sequence[str], columns: int = 120, rows: int = 40) -> None:
        """Start the program in a terminal of a size; `name` tells this server from others of this process."""
        self._server = f"liveengine-{os.getpid()}-{name}"
        size = ("-x", str(columns), "-y", str(rows))
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", WINDOW, *size, *command)

    def _tmux(self, *arguments: str) -> str:
        finished = subprocess.run(
            ["tmux", "-L", self._server, *arguments], capture_output=True, text=True, check=False
        )
        return finished.stdout

    def screen(self) -> str:
        """Return what the terminal shows now; nothing once its program has ended."""
        return self._tmux("capture-pane", "-p", "-t", WINDOW)

    def type(self, text: str) -> None:
        """Send characters, all at once."""
        self._tmux("send-keys", "-t", WINDOW, "-l", text)

    def press(self, key: str, times: int = 1) -> None:
        """Send a key by the name that tmux has for it, some times at once."""
        self._tmux("send-keys", "-t", WINDOW, "-N", str(times), key)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        self._tmux("resize-window", "-t", WINDOW, "-x", str(columns), "-y", str(rows))

    def wait_for(self, wanted: Callable[[str], bool] | str, timeout_s: float = PATIENCE_S) -> str:
        """Return the first screen that holds a text or is as wanted; raises AssertionError with the last."""
        deadline = time.monotonic() + timeout_s
        while True:
            screen = self.screen()
            if wanted in screen if isinstance(wanted, str) else wanted(screen):
                return screen
            assert time.monotonic() < deadline, f"wanted {wanted}, the screen shows:\n{screen}"
            time.sleep(LOOK_S)

    def close(self) -> None:
        """End the server and its program; a second call does nothing."""
        self._tmux("kill-server")
