"""Trying, without being held up by it, what a service claims."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future

FRESH_S = 2.0
"""What was found so recently is answered again."""
PATIENCE_S = 3.0
"""What takes longer does not answer."""


class Check:
    """Tries one thing on a thread of its own. Used on one event loop.

    What hangs holds up its thread, of which there is one at a time, and nobody who asks.
    """

    def __init__(self, name: str, attempt: Callable[[], str], patience_s: float = PATIENCE_S) -> None:
        """Try by `attempt`, which returns what is wrong, or nothing."""
        self._name, self._attempt, self._patience_s = name, attempt, patience_s
        self._found: Future[str] | None = None
        self._began_s = 0.0

    async def fault(self) -> str:
        """Return what is wrong, or nothing."""
        if self._found is None or (self._found.done() and time.monotonic() - self._began_s > FRESH_S):
            self._found, self._began_s = Future(), time.monotonic()
            threading.Thread(
                target=self._try, args=(self._found,), name="liveengine-check", daemon=True
            ).start()
        found = asyncio.shield(asyncio.wrap_future(self._found))
        try:
            return await asyncio.wait_for(found, self._patience_s)
        except TimeoutError:
            return f"{self._name} does not answer within {self._patience_s:g} s"

    def _try(self, found: Future[str]) -> None:
        try:
            found.set_result(self._attempt())
        except Exception as error:  # whatever it is, it is what is wrong
            found.set_result(f"{self._name}: {type(error).__name__}: {error}")
