"""The light check of a saved tokenizer, against what MidiTok saves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from liveengine.errors import CheckpointError
from liveengine.tokens import vocabulary
from liveengine.tokens.saved import CLASS_NAME, FINGERPRINT_FIELD, check_saved_tokenizer, fingerprint


def saved(path: Path, **fields: object) -> Path:
    path.write_text(json.dumps({"tokenization": CLASS_NAME, FINGERPRINT_FIELD: fingerprint(), **fields}))
    return path


def test_a_tokenizer_of_this_version_fits(tmp_path: Path) -> None:
    assert check_saved_tokenizer(saved(tmp_path / "tokenizer.json")) == vocabulary.VOCABULARY_SIZE


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tokenization": "REMI"}, "expected a DrumTokenizer, got 'REMI'"),
        ({"tokenization": None}, "expected a DrumTokenizer, got None"),
        (
            {FINGERPRINT_FIELD: "0" * 64},
            r"expected the tokens of this version \(\w{12}\), got others \(0{12}\)",
        ),
        ({FINGERPRINT_FIELD: None}, r"got others \(None\)"),
    ],
)
def test_another_tokenizer_is_refused(tmp_path: Path, fields: dict[str, object], expected: str) -> None:
    with pytest.raises(CheckpointError, match=expected):
        check_saved_tokenizer(saved(tmp_path / "tokenizer.json", **fields))


@pytest.mark.parametrize("content", ["", "[1, 2]", "3", '{"tokenization"', "\x00\xff"])
def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: expected a tokenizer saved by MidiTok"):
        check_saved_tokenizer(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json: expected a tokenizer saved by MidiTok"):
        check_saved_tokenizer(tmp_path / "tokenizer.json")
