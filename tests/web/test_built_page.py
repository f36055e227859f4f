"""The page as it ships."""

from __future__ import annotations

from liveengine.web.stage import built_page

MOST_BYTES = 200_000
"""A page that a phone has at once over any network."""


LANGUAGES = ("de-", "es-", "ja-")
"""What the files begin with of which a browser fetches one at most: English is in the page."""


def test_the_page_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in built_page().rglob("*") if path.is_file()}
    languages = {name: size for name, size in sizes.items() if name.startswith(LANGUAGES)}
    assert len(languages) == len(LANGUAGES)
    fetched = sum(sizes.values()) - sum(languages.values()) + max(languages.values())
    assert 0 < fetched < MOST_BYTES, sizes
