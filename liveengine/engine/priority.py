"""Real-time priority for the player, as far as the system grants it."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

FIFO_PRIORITY = 60
MCL_CURRENT_AND_FUTURE = 3
"""mlockall(2): keep all present and future pages in memory."""


def can_take_real_time() -> bool | None:
    """Tell whether this user may take real-time priority; None where that cannot be known beforehand."""
    if not hasattr(os, "sched_setscheduler"):
        return None
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    except OSError:
        return False
    return True


def raise_priority() -> str:
    """Take real-time priority and lock memory where allowed; return what was granted, for the player."""
    if hasattr(os, "sched_setscheduler"):
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(FIFO_PRIORITY))
        except (PermissionError, OSError):
            return "no real-time priority (see `liveengine doctor`)"
        return "real-time priority" + (", memory locked" if lock_memory() else "")
    if sys.platform == "win32":
        high_priority_class = 0x00000080  # HIGH_PRIORITY_CLASS, SetPriorityClass in the Windows API
        kernel = ctypes.windll.kernel32
        if kernel.SetPriorityClass(kernel.GetCurrentProcess(), high_priority_class):
            return "high priority"
    return "ordinary priority"


def lock_memory() -> bool:
    """Keep this process in memory; tell whether that was allowed."""
    try:
        return bool(ctypes.CDLL(None).mlockall(MCL_CURRENT_AND_FUTURE) == 0)
    except (OSError, AttributeError):
        return False


def still_garbage_collection() -> None:
    """Collect once and never again: the loop makes no cycles."""
    gc.collect()
    gc.freeze()
    gc.disable()
