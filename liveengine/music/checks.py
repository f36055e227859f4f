"""What a value from outside must be: the same check at every door."""

from __future__ import annotations

import math

from liveengine.errors import ContractError

DELETE = 127
"""With those below the space, the characters that print nothing."""


def checked_whole(name: str, value: object, low: int | None = None, high: int | None = None) -> int:
    """Return a whole number, also where it comes as 4.0; neither true nor text is one.

    Raises ContractError naming `name` for anything else, and beyond `low` to `high`.
    """
    bounds = "" if low is None else f" from {low}" + ("" if high is None else f" to {high}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = int(value) if math.isfinite(value if isinstance(value, float) else 0) else None
        if whole == value and (low is None or whole >= low) and (high is None or whole <= high):
            return whole
    raise ContractError(f"{name}: expected a whole number{bounds}, got {shown(value)}")


def checked_number(name: str, value: object) -> float:
    """Return a finite number; neither true nor text is one. Raises ContractError naming `name` otherwise."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise ContractError(f"{name}: expected a number, got {shown(value)}")


def checked_text(name: str, value: object) -> str:
    """Return text that has no control characters. Raises ContractError naming `name` otherwise."""
    if not isinstance(value, str):
        raise ContractError(f"{name}: expected a name, got {shown(value)}")
    if any(ord(each) < ord(" ") or ord(each) == DELETE for each in value):
        raise ContractError(f"{name}: expected a name without control characters, got {value!r}")
    return value


def shown(value: object) -> str:
    """Return how a value is shown; not all digits of a number that has hundreds."""
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    return f"{value:g}" if isinstance(value, float) else repr(value)
