"""The trace: one JSON object a line, each with its `type`, from which all checks of timing are made."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from liveengine.errors import ConfigError


class Trace:
    """Writes lines to a file; nowhere without one, and once that has failed. Used by the engine's thread."""

    def __init__(self, path: Path | None, option: str = "--trace") -> None:
        """Open the file that an option asked for. Raises ConfigError where it cannot be written."""
        self._file: TextIO | None = None
        self.path = path
        self._option = option
        self._fault: str | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{option} {path}: expected a place to write, got: {error}") from error

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Append a line."""
        if self._file is not None:
            try:
                self._file.write(json.dumps({"type": kind, **fields}) + "\n")
            except OSError as error:
                self._turn_off(error)

    def flush(self) -> None:
        """Bring the lines to the file."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as error:
                self._turn_off(error)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError as error:
                self._fault = self._told(error)

    def fault(self) -> str | None:
        """Return, once, why nothing more is written, if that is so."""
        fault, self._fault = self._fault, None
        return fault

    def _turn_off(self, error: OSError) -> None:
        """Write nothing more: a full disk ends the trace, not the music."""
        file, self._file = self._file, None
        self._fault = self._told(error)
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written cannot be now
                file.close()

    def _told(self, error: OSError) -> str:
        return f"{self._option} {self.path}: expected to write on, got: {error}; nothing more goes there"
