"""The training curve: what each epoch came to, one line of JSON each, in `history.jsonl`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from liveengine.errors import CheckpointError

HISTORY_FILE = "history.jsonl"


@dataclass(frozen=True, slots=True)
class Progress:
    """What an epoch (the first is 0) came to.

    Mean training loss in bits per note, controls left open at random; validation bits per note; seconds;
    the last step's learning rate; tokens learned from per second.
    """

    epoch: int
    training_bits: float
    validation_bits: float
    seconds: float
    learning_rate: float = 0.0
    tokens_per_s: float = 0.0


def append_history(folder: Path, progress: Progress) -> None:
    """Add an epoch to the history in a folder."""
    with (folder / HISTORY_FILE).open("a", encoding="utf-8") as history:
        history.write(json.dumps(asdict(progress)) + "\n")


def read_history(path: Path) -> list[Progress]:
    """Return the epochs of a history file. Raises CheckpointError, with the line, where it is none."""
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: expected a training history, got: {error}") from error
    for number, line in enumerate(lines, 1):
        try:
            found.append(Progress(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise CheckpointError(
                f"{path}, line {number}: expected an epoch in JSON, got: {error}"
            ) from error
    return found


def keep_history(folder: Path, epochs: int) -> None:
    """Drop what the history says of epochs after the first `epochs`: they will be trained again."""
    path = folder / HISTORY_FILE
    kept = [each for each in read_history(path) if each.epoch < epochs] if path.exists() else []
    path.write_text("".join(json.dumps(asdict(each)) + "\n" for each in kept), encoding="utf-8")
