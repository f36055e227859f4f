"""The light check of a saved tokenizer: enough to know a checkpoint fits, without loading MidiTok."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from liveengine.errors import CheckpointError
from liveengine.tokens import vocabulary

CLASS_NAME = "DrumTokenizer"
FINGERPRINT_FIELD = "vocabulary_sha256"


def fingerprint() -> str:
    """Return the hash of this version's token names, in the order of their ids."""
    return hashlib.sha256("\n".join(vocabulary.token_names()).encode()).hexdigest()


def check_saved_tokenizer(path: Path) -> int:
    """Return how many tokens the tokenizer saved at `path` has.

    Raises CheckpointError where the file is no tokenizer of this project or names its tokens otherwise.
    """
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        found = (saved.get("tokenization"), saved.get(FINGERPRINT_FIELD))
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{path}: expected a tokenizer saved by MidiTok, got: {error}") from error
    if found[0] != CLASS_NAME:
        raise CheckpointError(f"{path}: expected a {CLASS_NAME}, got {found[0]!r}")
    if found[1] != fingerprint():
        raise CheckpointError(
            f"{path}: expected the tokens of this version ({fingerprint()[:12]}), "
            f"got others ({str(found[1])[:12]})"
        )
    return vocabulary.VOCABULARY_SIZE
