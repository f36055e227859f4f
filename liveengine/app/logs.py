"""Logging of the commands: lines on standard error, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from liveengine.errors import ConfigError

LEVELS = ("debug", "info", "warning", "error")


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


def set_up_logging(level: str = "warning", *, as_json: bool = False) -> None:
    """Log what `liveengine` says from a level on. Raises ConfigError for an unknown level."""
    if level not in LEVELS:
        raise ConfigError(f"--log-level: expected one of {', '.join(LEVELS)}; got {level!r}")
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if as_json else plain)
    logger = logging.getLogger("liveengine")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
