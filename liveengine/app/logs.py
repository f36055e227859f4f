"""Logging of the commands: lines on standard error, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from liveengine.errors import ConfigError

LEVELS = ("debug", "info", "warning", "error")
MAX_REPEATS, REPEATS_S = 5, 10.0
"""How often one message is logged within how long."""
MAX_KINDS, KEY_LENGTH = 1000, 200
OTHERS = ("asyncio", "uvicorn")
"""Whose complaints about the network go the same way."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


class RepeatFilter(logging.Filter):
    """Lets a message through so often within a while; then it says how often it did not.

    A fault that comes a thousand times a second, such as one of the network's, must not fill a disk.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing logged."""
        super().__init__()
        self._now_s = now_s
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is logged; the first after a flood tells of it."""
        key, now = (record.name, str(record.msg)[:KEY_LENGTH]), self._now_s()
        since, count = self._seen.get(key, (now, 0))
        left_out = max(0, count - MAX_REPEATS)
        if now >= since + REPEATS_S:
            since, count = now, 0
            if left_out:
                record.msg = f"{record.getMessage()} ({left_out} more of these were left out)"
                record.args = None
        if len(self._seen) >= MAX_KINDS:
            self._seen.clear()
        self._seen[key] = since, count + 1
        return count < MAX_REPEATS


def set_up_logging(level: str = "warning", *, as_json: bool = False) -> None:
    """Log what `liveengine` says from a level on. Raises ConfigError for an unknown level."""
    if level not in LEVELS:
        raise ConfigError(f"--log-level: expected one of {', '.join(LEVELS)}; got {level!r}")
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if as_json else plain)
    handler.addFilter(RepeatFilter())
    for name in ("liveengine", *OTHERS):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level.upper() if name == "liveengine" else logging.WARNING)
        logger.propagate = False
