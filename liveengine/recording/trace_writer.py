"""The trace: one JSON object a line, each with its `type`, from which all checks of timing are made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from liveengine.errors import ConfigError


class Trace:
    """Writes lines to a file, or nowhere without a path. Used by the engine's thread."""

    def __init__(self, path: Path | None) -> None:
        """Open the file. Raises ConfigError where it cannot be written."""
        self._file: TextIO | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"--trace {path}: expected a place to write, got: {error}") from error

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Append a line."""
        if self._file is not None:
            self._file.write(json.dumps({"type": kind, **fields}) + "\n")

    def flush(self) -> None:
        """Bring the lines to the file."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
