"""The trace: one JSON object a line, each with its `type`, from which all checks of timing are made."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from liveengine.errors import ConfigError

GATHERED_BYTES = 1 << 16
"""So much is gathered at most before it goes to the file."""
HELD_BYTES = 1 << 26
"""So much is held back while the disk is full, some hours of a take; then it is given up."""


class Trace:
    """Writes lines to a file, nowhere without one. Used by the engine's thread.

    A full disk ends neither the music nor the trace: lines wait until there is room again.
    """

    def __init__(self, path: Path | None, option: str = "--trace") -> None:
        """Open the file that an option asked for. Raises ConfigError where it cannot be written."""
        self._file: io.FileIO | None = None
        self.path = path
        self._option = option
        self._waiting = bytearray()
        self._refused = False
        self._fault: str | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = io.FileIO(path, "w")
        except OSError as error:
            raise ConfigError(f"{option} {path}: expected a place to write, got: {error}") from error

    def write(self, kind: str, fields: Mapping[str, Any]) -> None:
        """Append a line made of fields."""
        if self._file is not None:
            self.append(json.dumps({"type": kind, **fields}))

    def append(self, line: str) -> None:
        """Append a line."""
        if self._file is None:
            return
        self._waiting += line.encode() + b"\n"
        if len(self._waiting) > (HELD_BYTES if self._refused else GATHERED_BYTES):
            self.flush()
            if self._refused and len(self._waiting) > HELD_BYTES:
                self._fault = (
                    f"{self._option} {self.path}: there was no room for long; nothing more goes there"
                )
                self._give_up()

    def flush(self) -> None:
        """Bring the lines to the file, also those that it had no room for.

        It is written without a buffer, so that no byte is lost or doubled.
        """
        if self._file is None:
            return
        try:
            while self._waiting:
                written = self._file.write(self._waiting)
                del self._waiting[:written]
        except OSError as error:
            if not self._refused:
                self._fault = (
                    f"{self._option} {self.path}: expected to write on, got: {error}; the rest waits for room"
                )
            self._refused = True
        else:
            if self._refused:
                self._fault = f"{self._option} {self.path}: there is room again, and nothing is missing"
            self._refused = False

    def close(self) -> None:
        """Close the file; the fault then says if something found no room."""
        self.flush()
        if self._waiting:
            lines = self._waiting.count(b"\n")
            self._fault = f"{self._option} {self.path}: lines that found no room in the end: {lines}"
        self._give_up()

    def fault(self) -> str | None:
        """Return, once, that lines wait for room, have been written after all, or are given up."""
        fault, self._fault = self._fault, None
        return fault

    def _give_up(self) -> None:
        file, self._file = self._file, None
        self._waiting.clear()
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()
