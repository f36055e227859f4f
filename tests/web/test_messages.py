"""The schema that page and engine share."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from liveengine.web import messages


def test_every_message_says_its_type_and_all_its_fields() -> None:
    made = messages.schema()
    assert made["properties"]["version"] == {"const": messages.VERSION}
    for union in ("ToPage", "ToEngine"):
        kinds = [each["$ref"].rpartition("/")[2] for each in made["$defs"][union]["oneOf"]]
        for kind in kinds:
            written = made["$defs"][kind]
            assert "const" in written["properties"]["type"]
            assert set(written["required"]) == set(written["properties"])
            assert written["additionalProperties"] is False


@pytest.mark.parametrize(
    "said",
    [
        '{"type": "turn", "id": 1, "name": "density", "values": [0.5]}',
        '{"type": "turn", "id": 1, "name": "scene", "values": ["verse", 4]}',
        '{"type": "turn", "id": 1, "name": "swing_percent", "values": [null]}',
        '{"type": "turn", "id": 1, "name": "draw", "values": [7, 3, "snare", 100, true]}',
        '{"type": "ping", "sent_ms": 12.5}',
        '{"type": "tap", "velocity": 127, "at_us": 12.5}',
    ],
)
def test_what_a_page_says_is_understood(said: str) -> None:
    assert messages.FROM_PAGE.validate_json(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        '{"type": "turn"}',
        '{"type": "turn", "id": 1, "name": "density", "values": [1, 2, 3, 4, 5, 6]}',
        '{"type": "turn", "id": 1, "name": "density", "values": [{}]}',
        '{"type": "turn", "id": 1, "name": "density", "values": [], "more": 1}',
        '{"type": "turn", "id": 1, "name": "%s", "values": []}' % ("x" * 65),
        '{"type": "ping", "sent_ms": NaN}',
        '{"type": "tap", "velocity": 128, "at_us": null}',
        '{"type": "tap", "velocity": 64, "at_us": Infinity}',
        '{"type": "panic"}',
    ],
)
def test_what_no_page_says_is_refused(said: str) -> None:
    with pytest.raises(ValidationError):
        messages.FROM_PAGE.validate_json(said)
