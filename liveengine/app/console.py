"""What commands print on: text as it is, to an output that may fail without ending anything."""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, Any, TextIO, cast

from rich.console import Console

log = logging.getLogger(__name__)


def open_console(*, stderr: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    Names of files, styles, scenes and ports are printed among other text, so nothing in it is taken for
    markup, an emoji's name or something to highlight. An output that fails (closed, on a full disk) is
    reported once and then off.
    """
    name, stream = ("standard error", sys.stderr) if stderr else ("standard output", sys.stdout)
    if stream is None:  # closed before the program began
        return Console(quiet=True)
    output = cast(IO[str], _Output(stream, name))
    return Console(file=output, markup=False, emoji=False, highlight=False, soft_wrap=True)


class _Output:
    """A stream that writes what it can: an error turns it off, a character that it lacks is escaped."""

    def __init__(self, stream: TextIO, name: str) -> None:
        """Write to a stream that errors call by a name."""
        self._stream, self._name = stream, name
        self._off = False

    def __getattr__(self, name: str) -> Any:
        """Be the stream in everything else: whether it is a terminal, its encoding, its number."""
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, unless that has failed before."""
        if not self._off:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                encoding = self._stream.encoding or "ascii"
                return self.write(text.encode(encoding, "backslashreplace").decode(encoding))
            except (OSError, ValueError) as error:  # ValueError: somebody has closed it
                self._turn_off(error)
        return len(text)

    def flush(self) -> None:
        """Flush, unless writing has failed before."""
        if not self._off:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._turn_off(error)

    def _turn_off(self, error: Exception) -> None:
        self._off = True
        try:  # what the stream still holds goes nowhere, and cannot fail again as the program ends
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            pass
        log.warning("%s failed and is off: %s", self._name, error)
