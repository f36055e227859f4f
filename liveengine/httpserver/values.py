"""Values of JSON bodies that are what they say: neither true nor "4" is a number, nor is 1 true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool

from liveengine.errors import ContractError
from liveengine.music.checks import checked_number, checked_text, checked_whole


def _by(check: Callable[[str, object], Any]) -> BeforeValidator:
    """Return what lets one of our checks refuse a value; pydantic says where."""

    def checked(value: object) -> object:
        try:
            return value if value is None else check("value", value)
        except ContractError as error:
            raise ValueError(str(error).removeprefix("value: ")) from error

    return BeforeValidator(checked)


WHOLE, NUMBER, TEXT = _by(checked_whole), _by(checked_number), _by(checked_text)
"""What makes a type strict. It goes last (`Annotated[int, Field(ge=0), WHOLE]`): so bounds are described."""
PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Whole = Annotated[int, WHOLE]
Text = Annotated[str, Field(pattern=PRINTABLE), TEXT]
Switch = StrictBool
