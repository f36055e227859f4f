"""Controls as they are read: the value of each by its name, and what a style says of them."""

from __future__ import annotations

from liveengine.music.control import (
    CHOICES,
    KIT,
    PLAIN_LEVELS,
    RANGES,
    STYLE_CONTROLS,
    TIME_FEELS,
    TOGGLE_FIELDS,
    ControlState,
)
from liveengine.music.drums import GROUP_PLACE, GROUPS
from liveengine.music.style import Style


def value_of(state: ControlState, name: str) -> float | None:
    """Return the value of a control of `RANGES`; None where it is as the style says."""
    if name in PLAIN_LEVELS:
        value: float | None = getattr(state, name)
        return value
    what, _, group = name.partition("_")
    return (state.levels if what == "level" else state.pushes_ms)[GROUP_PLACE[group]]


def own_levels(style: Style) -> dict[str, float | None]:
    """Return what a style says of the controls of `STYLES_OWN`; None is left to the model."""
    feel = style.feel
    return {
        "swing_percent": feel.swing_percent,
        "humanize": feel.humanize,
        "density": style.density,
        "energy": style.energy,
    }


def values_of(state: ControlState) -> dict[str, str | float | bool | None]:
    """Return every control by its name."""
    toggles = {
        f"{what}_{group}": group in getattr(state, field)
        for what, field in TOGGLE_FIELDS.items()
        for group in GROUPS
    }
    named = {name: getattr(state, name) for name in (*STYLE_CONTROLS, KIT, *CHOICES, *TIME_FEELS)}
    return {**named, **{name: value_of(state, name) for name in RANGES}, **toggles}
