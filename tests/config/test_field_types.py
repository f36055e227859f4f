"""Values that anybody's program fills: a field of a wrong type is refused by its name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from liveengine.config.field_types import check_field_types
from liveengine.errors import ContractError


@dataclass(frozen=True)
class Value:
    name: str = "rock"
    count: int = 4
    share: float = 0.5
    on: bool = True
    path: str | None = None
    level: float | None = None


@pytest.mark.parametrize(
    "value",
    [Value(), Value(share=1), Value(path="x", level=2), Value(level=-0.5)],
    ids=["as it is", "a whole number is a number", "what may be None is there", "below 0"],
)
def test_values_of_their_types_are_taken(value: Value) -> None:
    check_field_types(value)


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        ("name", 3, "text"),
        ("name", None, "text"),
        ("count", 4.0, "a whole number"),
        ("count", True, "a whole number"),
        ("share", "0.5", "a number"),
        ("share", False, "a number"),
        ("share", math.nan, "a number"),
        ("share", math.inf, "a number"),
        ("on", 1, "true or false"),
        ("path", 3, "text or None"),
        ("level", "loud", "a number or None"),
    ],
)
def test_another_type_is_refused_by_its_field(field: str, given: object, expected: str) -> None:
    with pytest.raises(ContractError) as refused:
        check_field_types(Value(**{field: given}))  # type: ignore[arg-type]
    assert str(refused.value) == f"{field}: expected {expected}, got {given!r}"
