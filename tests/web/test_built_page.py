"""The page as it ships."""

from __future__ import annotations

from liveengine.web.stage import built_page

MOST_BYTES = 200_000
"""A page that a phone has at once over any network."""


def test_the_page_stays_small() -> None:
    sizes = {str(path): path.stat().st_size for path in built_page().rglob("*") if path.is_file()}
    assert 0 < sum(sizes.values()) < MOST_BYTES, sizes
