"""The plain types of a value's fields, checked where anybody's program may fill them."""

from __future__ import annotations

import math
from dataclasses import fields
from types import NoneType
from typing import Any, get_args, get_type_hints

from liveengine.errors import ContractError

EXPECTED = {str: "text", bool: "true or false", int: "a whole number", float: "a number", NoneType: "None"}


def check_field_types(value: Any) -> None:
    """Raise ContractError, naming the field, where one of a dataclass is of another type than it says.

    Its fields are texts, numbers, truths or None. A whole number is a number too; true and false are none.
    """
    hints = get_type_hints(type(value))
    for field in fields(value):
        wanted, given = get_args(hints[field.name]) or (hints[field.name],), getattr(value, field.name)
        if not any(_is(given, each) for each in wanted):
            expected = " or ".join(EXPECTED[each] for each in wanted)
            raise ContractError(f"{field.name}: expected {expected}, got {given!r}")


def _is(given: object, wanted: type) -> bool:
    if wanted is float:
        return isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
    if wanted is int:
        return isinstance(given, int) and not isinstance(given, bool)
    return isinstance(given, wanted)
