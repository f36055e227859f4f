"""The journal of a take: written as it is played, so that a crash loses nothing of it."""

from __future__ import annotations

import json
from pathlib import Path

from liveengine.errors import ConfigError, ContractError
from liveengine.music.beats import read_meter
from liveengine.recording.take_recorder import TakeRecorder

SUFFIX = ".journal"


def journal_of(take: Path) -> Path:
    """Return where the journal of a take lies: beside it."""
    return take.with_name(take.name + SUFFIX)


def read_journal(path: Path) -> TakeRecorder:
    """Return what had been played when a journal ended; a last line cut off by the crash is left out.

    Raises ConfigError, naming the line, where the file is no journal.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected the journal of a take, got: {error}") from error
    whole = text[: text.rfind("\n") + 1].split("\n")[:-1]
    recorder: TakeRecorder | None = None
    for number, written in enumerate(whole, 1):
        try:
            line = json.loads(written)
            if recorder is None:
                recorder = TakeRecorder(read_meter(line["meter"]), line["channel"], everything=True)
            else:
                recorder.put(line)
        except (ValueError, KeyError, TypeError, ContractError) as error:
            raise ConfigError(
                f"{path}, line {number}: expected a line of a take's journal, got: {written[:60]}"
            ) from error
    if recorder is None:
        raise ConfigError(f"{path}: expected the journal of a take, found no whole line")
    return recorder
