"""Every control as a card: what it takes, and how it is turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, Field

from liveengine.music.control import ACTIONS, CHOICES, KIT, RANGES, STYLE_CONTROLS, TOGGLES
from liveengine.music.style import StyleBook

Value = str | float | bool | None
TURNABLE = (*STYLE_CONTROLS, KIT, *CHOICES, *RANGES, *TOGGLES)


class Control(BaseModel):
    """A control, what it takes, and how it is turned now."""

    name: str
    kind: str = Field(description="style, choice, number, toggle or action")
    low: float | None = None
    high: float | None = None
    choices: list[str] | None = None
    value: Value = None


def all_controls(values: Mapping[str, Value], styles: StyleBook, kits: Sequence[str] = ()) -> list[Control]:
    """Return all controls, turned to `values`; `kits` are the names that `kit` takes."""
    turned = [_control(name, values.get(name), styles) for name in (*TURNABLE, *ACTIONS)]
    for control in turned:
        if control.name == KIT:
            control.kind, control.choices = "choice", list(kits)
    return turned


def _control(name: str, value: Value, styles: StyleBook) -> Control:
    if name in RANGES:
        low, high = RANGES[name]
        return Control(name=name, kind="number", low=low, high=high, value=value)
    if name in STYLE_CONTROLS:
        names = [style.name for style in styles.styles]
        return Control(name=name, kind="style", choices=names, value=value)
    if name in CHOICES:
        return Control(name=name, kind="choice", choices=list(CHOICES[name]), value=value)
    return Control(name=name, kind="toggle" if name in TOGGLES else "action", value=value)
