"""Commands by their names, with values as text and numbers: what OSC, HTTP and Python speak."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from liveengine.errors import ContractError
from liveengine.music.checks import checked_number, checked_text, checked_whole, shown
from liveengine.music.control import (
    ACTIONS,
    CHOICES,
    KIT,
    RANGES,
    STYLE_CONTROLS,
    STYLES_OWN,
    TOGGLES,
    Command,
    JumpToMarker,
    LearnMidi,
    RecallScene,
    SaveScene,
    SetBlendStyle,
    SetChoice,
    SetKit,
    SetSeed,
    SetStyle,
    SetToggle,
    SetValue,
    StateCommand,
    TriggerAction,
    controls,
)
from liveengine.music.drawing_commands import DrawCommand, DrawStroke, EraseStroke
from liveengine.music.drums import Voice, voice_named
from liveengine.music.kit_commands import STRUCK_VELOCITY, StrikePad, articulation_named
from liveengine.music.style import StyleBook

NAMES = ("scene", "save_scene", "marker", "learn_midi", "seed", "draw", "erase", "strike")
"""What else `named_command` takes, beside `controls()`."""
MOST_VALUES = {"scene": 2, "save_scene": 2, "draw": 5, "erase": 3, "strike": 3}
"""How many values a command takes that takes more than one."""
"""How much of a wrong value an error shows."""
DRAWN_VELOCITY = 100
"""Of a stroke that is drawn without one."""


def named_command(name: str, values: Sequence[object], styles: StyleBook) -> Command | None:
    """Return the command of a control by its name, given as text and numbers are from outside.

    None where an action is given 0 or false. A value of None leaves a control of `STYLES_OWN` to the style.
    Raises ContractError for an unknown control, too many values or one that it cannot take, UnknownNameError
    for a style that is not in the book.
    """
    if not isinstance(name, str):
        raise ContractError(f"control: expected its name, got {shown(name)}")
    most = MOST_VALUES.get(name, 1)
    if len(values) > most:
        raise ContractError(f"{name}: expected {most} value{'s' if most > 1 else ''}, got {len(values)}")
    value = values[0] if values else None
    if name in RANGES:
        left_to_style = bool(values) and value is None and name in STYLES_OWN
        return SetValue(name, None if left_to_style else checked_number(name, value))
    if name in TOGGLES:
        return SetToggle(name, _truth(name, value))
    if name in ACTIONS:
        return TriggerAction(name) if value is None or _truth(name, value) else None
    if name in CHOICES:
        return SetChoice(name, _text(name, value))
    if name in STYLE_CONTROLS:
        style = styles.find(_text(name, value)).name
        return SetStyle(style) if name == "style" else SetBlendStyle(style)
    maker = _BY_NAME.get(name)
    if maker is None:
        raise ContractError(f"control: expected one of {', '.join((*controls(), *NAMES))}; got {name!r}")
    return maker(name, values)


def recorded(command: StateCommand | DrawCommand) -> tuple[str, str | float | bool | None]:
    """Return the name of a control and its value, as they are recorded."""
    if isinstance(command, DrawStroke | EraseStroke):
        return _recorded_stroke(command)
    if isinstance(command, SetStyle):
        return "style", command.name
    if isinstance(command, SetBlendStyle):
        return "blend_style", command.name
    if isinstance(command, SetKit):
        return KIT, command.name
    if isinstance(command, SetChoice):
        return command.control, command.word
    return command.control, command.on if isinstance(command, SetToggle) else command.value


def _recorded_stroke(command: DrawCommand) -> tuple[str, str]:
    where = f"bar {command.bar}, step {command.step}, {command.voice.label}"
    if isinstance(command, EraseStroke):
        return "erase", where
    return "draw", f"{where}, {command.velocity}{', kept' if command.keep else ''}"


def _learn(name: str, values: Sequence[object]) -> LearnMidi:
    if not values or values[0] == "":
        return LearnMidi(None)
    control = _text(name, values[0])
    if control not in controls():
        raise ContractError(f"{name}: expected one of {', '.join(controls())}; got {control!r}")
    return LearnMidi(control)


def _whole(name: str, values: Sequence[object], place: int) -> int | None:
    return checked_whole(name, values[place]) if len(values) > place else None


def _draw(name: str, values: Sequence[object]) -> DrawStroke:
    velocity = _whole(name, values, 3)
    keep = len(values) > 4 and _truth(name, values[4])
    return DrawStroke(*_cell(name, values), DRAWN_VELOCITY if velocity is None else velocity, keep)


def _erase(name: str, values: Sequence[object]) -> EraseStroke:
    return EraseStroke(*_cell(name, values))


def _strike(name: str, values: Sequence[object]) -> StrikePad:
    articulation = articulation_named(_text(name, *values[:1]), name)
    velocity, note = (None if value is None else checked_whole(name, value) for value in _two(values[1:]))
    return StrikePad(articulation, STRUCK_VELOCITY if velocity is None else velocity, note)


def _two(values: Sequence[object]) -> tuple[object, object]:
    first, second = (*values, None, None)[:2]
    return first, second


def _cell(name: str, values: Sequence[object]) -> tuple[int, int, Voice]:
    """Return the bar, step and voice that values begin with; a voice by its name or its number."""
    if len(values) < 3:
        raise ContractError(f"{name}: expected a bar, a step and a voice, got {len(values)} of them")
    bar, step, voice = values[:3]
    cell = checked_whole(name, bar), checked_whole(name, step)
    if isinstance(voice, str):
        return *cell, voice_named(voice, name)
    number = checked_whole(name, voice)
    if number not in list(Voice):
        raise ContractError(f"{name}: expected a voice from 0 to {len(Voice) - 1}, got {voice!r}")
    return *cell, Voice(number)


_BY_NAME: Mapping[str, Callable[[str, Sequence[object]], Command]] = {
    KIT: lambda name, values: SetKit(None if values and values[0] is None else _text(name, *values[:1])),
    "seed": lambda name, values: SetSeed(checked_whole(name, next(iter(values), None))),
    "marker": lambda name, values: JumpToMarker(_text(name, *values[:1])),
    "scene": lambda name, values: RecallScene(_text(name, *values[:1]), _whole(name, values, 1) or 0),
    "save_scene": lambda name, values: SaveScene(_text(name, *values[:1]), _whole(name, values, 1)),
    "learn_midi": _learn,
    "draw": _draw,
    "erase": _erase,
    "strike": _strike,
}


def _text(name: str, value: object = None) -> str:
    return checked_text(name, value)


def _truth(name: str, value: object) -> bool:
    """Return true or false, also where it comes as a number."""
    return value if isinstance(value, bool) else bool(checked_number(name, value))
