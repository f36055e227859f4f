"""JSON values that are what they say."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError

from liveengine.httpserver.values import NUMBER, PRINTABLE, WHOLE, Switch, Text, Whole


class Body(BaseModel):
    """One of each."""

    whole: Whole | None = None
    number: Annotated[float, Field(ge=0, le=1), NUMBER] | None = None
    text: Text | None = None
    switch: Switch | None = None
    bars: Annotated[int, Field(ge=1, le=64), WHOLE] = 4


@pytest.mark.parametrize(
    "body",
    [
        {"whole": True},
        {"whole": "4"},
        {"whole": 1.5},
        {"number": True},
        {"number": "0.5"},
        {"number": 10**400},
        {"text": "a\0"},
        {"text": 3},
        {"switch": 1},
        {"switch": "true"},
    ],
)
def test_nothing_is_taken_for_something_else(body: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate(body)


def test_what_is_right_is_taken_and_described_as_it_is() -> None:
    body = Body.model_validate({"whole": 4.0, "number": 1, "text": "funk", "switch": False})
    assert (body.whole, body.number, body.text, body.switch) == (4, 1.0, "funk", False)
    described = Body.model_json_schema()["properties"]
    assert [each.get("anyOf", [each])[0] for each in described.values()] == [
        {"type": "integer"},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "string", "pattern": PRINTABLE},
        {"type": "boolean"},
        {"type": "integer", "minimum": 1, "maximum": 64, "default": 4, "title": "Bars"},
    ]
