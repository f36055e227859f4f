"""Starting processes of our own from anybody's program."""

from __future__ import annotations

import signal
import sys
import threading
from multiprocessing.process import BaseProcess
from types import ModuleType

_MAIN = threading.Lock()


def start_alone(process: BaseProcess) -> None:
    """Start a spawned process that does not run the caller's main module again.

    `spawn` imports the main module in the child, since what it is to run may lie there; ours never does. So a
    script needs no `if __name__ == "__main__"`, and a process that is started again runs nothing of it.
    """
    with _MAIN:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            process.start()
        finally:
            sys.modules["__main__"] = main


def ignore_terminal() -> None:
    """Let ctrl-C and a closed terminal, which reach every process of a terminal, be the parent's affair.

    To be called in a child process; the end of its pipe is its sign to stop.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
