"""Starting processes of our own from anybody's program."""

from __future__ import annotations

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
