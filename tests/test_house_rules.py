"""Rules of the house that no linter knows: files that can be read in one go, and plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
LINES_OF_A_FILE = 400
DIALECT = re.compile(r"\b(told|wish(es|ed)?|heed(s|ed)?|obey(s|ed)?|stir(s|red)?|keeper)\b", re.IGNORECASE)
"""Words of which this project once had a meaning of its own; docs/glossary.md has the field's."""
DIALECT_LINES = 15
WRITTEN = {".py", ".md", ".yaml", ".ts", ".tsx", ".css", ".js", ".html", ".json"}
NOT_OURS = {"node_modules", "__pycache__"}


def files(*roots: str) -> Iterator[Path]:
    """Yield the text files below folders of the repository, or the files themselves."""
    for root in roots:
        place = REPOSITORY / root
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.suffix in WRITTEN and path.is_file() and not NOT_OURS.intersection(path.parts):
                yield path


def test_no_file_of_the_package_is_too_long_to_be_read_in_one_go() -> None:
    modules = [path for path in files("liveengine") if path.suffix == ".py"]
    lengths = {path: path.read_text(encoding="utf-8").count("\n") for path in modules}
    assert [path for path, length in lengths.items() if length > LINES_OF_A_FILE] == []
    assert max(lengths.values()) > LINES_OF_A_FILE / 2, "they were read"


def test_the_words_are_the_field_s() -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:80]}"
        for path in files("liveengine", "docs", "README.md")
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
        if DIALECT.search(line)
    ]
    assert len(found) <= DIALECT_LINES, found
