"""Waiting for what must come: long enough for a machine whose cores are busy with something else."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 240.0
"""A test that passes waits for a moment; beside the live tests this share of the cores is a tenth."""
POLL_S = 0.02


def until(wanted: Callable[[], bool], what: str) -> None:
    """Wait until something holds. Raises AssertionError, with what was waited for, where it never does."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not wanted():
        assert time.monotonic() < deadline_s, f"{what}: not within {PATIENCE_S:g} s"
        time.sleep(POLL_S)
