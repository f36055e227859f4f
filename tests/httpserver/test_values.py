"""JSON values that are what they say."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from liveengine.httpserver.values import Number, Switch, Text, Whole


class Body(BaseModel):
    """One of each."""

    whole: Whole | None = None
    number: Number | None = None
    text: Text | None = None
    switch: Switch | None = None


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
    assert [each["anyOf"][0]["type"] for each in described.values()] == [
        "integer",
        "number",
        "string",
        "boolean",
    ]
