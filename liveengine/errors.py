"""The one exception tree, and how its messages name a command that cures.

Every error a user can cause derives from LiveEngineError.
"""

from __future__ import annotations

import os

LAUNCHER = "LIVEENGINE_LAUNCHER"
"""Holds how the user started this program; its processes inherit it."""


def as_started(arguments: str) -> str:
    """Return a command line of ours that can be pasted, whichever way this program was started."""
    return f"{os.environ.get(LAUNCHER, 'liveengine')} {arguments}"


class LiveEngineError(Exception):
    """Base of all errors that the command line turns into one clear line and exit status 2."""


class ConfigError(LiveEngineError):
    """A configuration file or option holds something else than what was expected."""


class PortTakenError(ConfigError):
    """A port to listen on that another program has."""


class UnknownNameError(LiveEngineError):
    """A style, kit, port or device was asked for by a name that nothing answers to."""


class MidiError(LiveEngineError):
    """The MIDI system or a port is missing, or refused to open."""


class LiveSilentError(LiveEngineError):
    """Ableton Live, or its AbletonOSC, did not answer what it was asked."""


class LiveChangedError(LiveEngineError):
    """What was found in a set of Ableton Live is not there any more."""


class CheckpointError(LiveEngineError):
    """A checkpoint is unreadable, incomplete, or does not match its tokenizer."""


class CorpusError(LiveEngineError):
    """A folder or archive of training MIDI is missing, damaged, or empty of drums."""


class GenerationError(LiveEngineError):
    """The generator could not produce the bar it was asked for."""


class StoreError(LiveEngineError):
    """The store of a service cannot be read or written."""


class BusyError(LiveEngineError):
    """A service cannot take on what is asked for now; later it may: `retry_after_s` says when."""

    def __init__(self, message: str, retry_after_s: int = 5) -> None:
        """Say what was expected and what came, and when to ask again."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ContractError(LiveEngineError):
    """A value outside the range its type promises: a fault of the caller, with the value in its message."""
