"""Controls: commands as values, the control state, and the map from MIDI messages to commands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

from liveengine.errors import ContractError
from liveengine.music.drums import GROUPS
from liveengine.music.style import SWING_MAX_PERCENT, SWING_MIN_PERCENT, StyleBook

LATENCY_LIMIT_MS = 500.0
PUSH_LIMIT_MS = 40.0
LEVEL_MOST = 1.5
ALL_LEVELS = (1.0,) * len(GROUPS)
NO_PUSHES = (0.0,) * len(GROUPS)


@dataclass(frozen=True, slots=True)
class ControlState:
    """Everything a player can turn. None means "as the style says", or left open to the model.

    `blend` leads from `style` to `blend_style`. `variation` .5 is the style's own. `levels` and `pushes_ms`
    are those of the drums in `GROUPS`, in its order; what is soloed sounds, else what is not muted.
    """

    style: str
    blend_style: str | None = None
    blend: float = 0.0
    swing_percent: float | None = None
    humanize: float | None = None
    density: float | None = None
    energy: float | None = None
    variation: float = 0.5
    latency_ms: float = 0.0
    switch: str = "beat"
    levels: tuple[float, ...] = ALL_LEVELS
    pushes_ms: tuple[float, ...] = NO_PUSHES
    muted: frozenset[str] = frozenset()
    soloed: frozenset[str] = frozenset()

    def level(self, group: str) -> float:
        """Return how loud a drum is: 1 as it is, 0 where it is muted or another is soloed."""
        silent = group not in self.soloed if self.soloed else group in self.muted
        return 0.0 if silent else self.levels[GROUP_PLACE[group]]

    def push_ms(self, group: str) -> float:
        """Return how much later a drum is than the style has it; negative is earlier."""
        return self.pushes_ms[GROUP_PLACE[group]]


GROUP_PLACE: Mapping[str, int] = {group: place for place, group in enumerate(GROUPS)}
SWITCHES = ("instant", "beat", "bar", "phrase")
"""From where a control that needs new bars is heard: at once, or from the next beat, bar or phrase on."""
RANGES: Mapping[str, tuple[float, float]] = {
    "swing_percent": (SWING_MIN_PERCENT, SWING_MAX_PERCENT),
    "humanize": (0.0, 1.0),
    "density": (0.0, 1.0),
    "energy": (0.0, 1.0),
    "variation": (0.0, 1.0),
    "blend": (0.0, 1.0),
    "latency_ms": (-LATENCY_LIMIT_MS, LATENCY_LIMIT_MS),
    **{f"level_{group}": (0.0, LEVEL_MOST) for group in GROUPS},
    **{f"push_{group}": (-PUSH_LIMIT_MS, PUSH_LIMIT_MS) for group in GROUPS},
}
"""Continuous controls and their ranges; a controller's 0-127 spans the range."""
KNOB_SPANS: Mapping[str, tuple[float, float]] = {"latency_ms": (-64.0, 63.0)}
"""Controls of which a controller spans a part only: latency goes by milliseconds, and 64 is none."""
TOGGLES = tuple(f"{what}_{group}" for what in ("mute", "solo") for group in GROUPS)
"""Controls that are on or off."""
ACTIONS = (
    "fill",
    "break",
    "lock_1",
    "lock_2",
    "lock_4",
    "unlock",
    "undo",
    "panic",
    "start",
    "stop",
    "capture_1",
    "capture_4",
    "capture_16",
    "capture_64",
)
"""What happens once, when it is asked for."""


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Play another style; `name` as in the style book."""

    name: str


@dataclass(frozen=True, slots=True)
class SetBlendStyle:
    """Let `blend` lead to a style, or to none."""

    name: str | None


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Set a continuous control of `RANGES` to a value within its range."""

    control: str
    value: float

    def __post_init__(self) -> None:
        """Refuse an unknown control or a value out of its range."""
        check_level(self.control, self.value)


@dataclass(frozen=True, slots=True)
class SetToggle:
    """Switch a control of `TOGGLES` on or off."""

    control: str
    on: bool

    def __post_init__(self) -> None:
        """Refuse an unknown control."""
        if self.control not in TOGGLES:
            raise ContractError(f"control: expected one of {', '.join(TOGGLES)}, got {self.control!r}")


@dataclass(frozen=True, slots=True)
class SetSwitch:
    """Let styles, density and energy be heard from another place on: one of `SWITCHES`."""

    mode: str

    def __post_init__(self) -> None:
        """Refuse an unknown mode."""
        check_switch(self.mode)


@dataclass(frozen=True, slots=True)
class SetSeed:
    """Throw the dice of another performance from now on."""

    seed: int

    def __post_init__(self) -> None:
        """Refuse a seed below 0."""
        if self.seed < 0:
            raise ContractError(f"seed: expected 0 or more, got {self.seed}")


@dataclass(frozen=True, slots=True)
class Do:
    """Do one of `ACTIONS` now."""

    action: str

    def __post_init__(self) -> None:
        """Refuse an unknown action."""
        if self.action not in ACTIONS:
            raise ContractError(f"action: expected one of {', '.join(ACTIONS)}, got {self.action!r}")


StateCommand = SetStyle | SetBlendStyle | SetLevel | SetToggle | SetSwitch
"""Commands that change the control state."""
Command = StateCommand | SetSeed | Do


def check_switch(mode: str) -> str:
    """Return `mode` if it is one of `SWITCHES`; raises ContractError otherwise."""
    if mode not in SWITCHES:
        raise ContractError(f"switch: expected one of {', '.join(SWITCHES)}, got {mode!r}")
    return mode


def check_level(control: str, value: float) -> float:
    """Return `value` if it fits the control; raises ContractError otherwise."""
    if control not in RANGES:
        raise ContractError(f"control: expected one of {', '.join(RANGES)}, got {control!r}")
    low, high = RANGES[control]
    if not low <= value <= high:
        raise ContractError(f"{control}: expected {low:g} to {high:g}, got {value:g}")
    return value


_PLAIN_LEVELS = frozenset(field.name for field in fields(ControlState)) & frozenset(RANGES)


def apply(state: ControlState, command: StateCommand) -> ControlState:
    """Return the state after a command."""
    if isinstance(command, SetStyle):
        return replace(state, style=command.name)
    if isinstance(command, SetBlendStyle):
        return replace(state, blend_style=command.name)
    if isinstance(command, SetSwitch):
        return replace(state, switch=command.mode)
    return _toggled(state, command) if isinstance(command, SetToggle) else _turned_to(state, command)


def _turned_to(state: ControlState, command: SetLevel) -> ControlState:
    if command.control in _PLAIN_LEVELS:
        changed: dict[str, float] = {command.control: command.value}
        return replace(state, **changed)  # type: ignore[arg-type]
    what, _, group = command.control.partition("_")
    place = GROUP_PLACE[group]
    if what == "level":
        return replace(state, levels=_with(state.levels, place, command.value))
    return replace(state, pushes_ms=_with(state.pushes_ms, place, command.value))


def _with(values: tuple[float, ...], place: int, value: float) -> tuple[float, ...]:
    return (*values[:place], value, *values[place + 1 :])


def _toggled(state: ControlState, command: SetToggle) -> ControlState:
    what, _, group = command.control.partition("_")
    if what == "mute":
        return replace(state, muted=state.muted | {group} if command.on else state.muted - {group})
    return replace(state, soloed=state.soloed | {group} if command.on else state.soloed - {group})


TRANSPORT: Mapping[int, str] = {0xFA: "start", 0xFB: "start", 0xFC: "stop"}
"""MIDI 1.0: Start, Continue and Stop."""
STYLE_CONTROLS = ("style", "blend_style")


def controls() -> tuple[str, ...]:
    """Return the names of all controls that a message can be mapped to."""
    return (*STYLE_CONTROLS, "switch", *RANGES, *TOGGLES, *ACTIONS)


@dataclass(frozen=True, slots=True)
class ControlMap:
    """Which MIDI messages mean what. `controllers` and `notes` map numbers to a name of `controls()`.

    A controller's value counts by its half where the control is on or off, or an action; so does a note's
    velocity. `channel` 1-16 listens to one channel only; None to all.
    """

    controllers: tuple[tuple[int, str], ...] = ((20, "style"),)
    program_change_is_style: bool = True
    channel: int | None = None
    notes: tuple[tuple[int, str], ...] = ()

    def __post_init__(self) -> None:
        """Refuse numbers out of range and unknown controls."""
        for what, most, entries in (("CC", 119, self.controllers), ("note", 127, self.notes)):
            for number, name in entries:
                if not 0 <= number <= most:
                    raise ContractError(f"control map: expected a {what} number 0-{most}, got {number}")
                if name not in controls():
                    raise ContractError(
                        f"control map, {what} {number}: expected {', '.join(controls())}; got {name!r}"
                    )

    def command(self, message: Sequence[int], styles: StyleBook) -> Command | None:
        """Return the command of a MIDI message, or None where the message means nothing here.

        Raises ContractError for a malformed message: empty, data without status, wrong length, data
        bytes above 127.
        """
        check_message(message)
        status, kind = message[0], message[0] & 0xF0
        if status in TRANSPORT:
            return Do(TRANSPORT[status])
        if status >= 0xF0 or (self.channel is not None and (status & 0x0F) + 1 != self.channel):
            return None
        if kind == 0xC0 and self.program_change_is_style:
            style = styles.at(message[1])
            return SetStyle(style.name) if style else None
        if kind == 0xB0:
            return turned(dict(self.controllers).get(message[1]), message[2], styles)
        if kind in (0x80, 0x90):
            struck = message[2] if kind == 0x90 else 0
            return self._struck(dict(self.notes).get(message[1]), struck, styles)
        return None

    def _struck(self, name: str | None, velocity: int, styles: StyleBook) -> Command | None:
        """Return the command of a note: toggles hold while it is on, levels take its velocity."""
        if name in TOGGLES:
            return SetToggle(name, velocity > 0)
        if velocity == 0:
            return None
        return Do(name) if name in ACTIONS else turned(name, velocity, styles)


def turned(name: str | None, value: int, styles: StyleBook) -> Command | None:
    """Return the command of a control turned to 0-127, or None where that does nothing."""
    if name is None:
        return None
    if name in STYLE_CONTROLS:
        style = styles.at_level(value).name
        return SetStyle(style) if name == "style" else SetBlendStyle(style)
    if name == "switch":
        return SetSwitch(SWITCHES[value * len(SWITCHES) // 128])
    if name in TOGGLES:
        return SetToggle(name, value >= 64)
    if name in ACTIONS:
        return Do(name) if value >= 64 else None
    low, high = KNOB_SPANS.get(name, RANGES[name])
    return SetLevel(name, low + (high - low) * value / 127)


def named_command(name: str, value: object, styles: StyleBook) -> Command | None:
    """Return the command of a control by its name, given as text and numbers are from outside.

    None where an action is given 0 or false. Raises ContractError for an unknown control or a value that it
    cannot take, UnknownNameError for a style that is not in the book.
    """
    if name in STYLE_CONTROLS:
        style = styles.find(_text(name, value)).name
        return SetStyle(style) if name == "style" else SetBlendStyle(style)
    if name == "switch":
        return SetSwitch(_text(name, value))
    if name in RANGES:
        return SetLevel(name, _number(name, value))
    if name in TOGGLES:
        return SetToggle(name, bool(_number(name, value)))
    if name in ACTIONS:
        return Do(name) if value is None or _number(name, value) else None
    if name == "seed":
        return SetSeed(int(_number(name, value)))
    raise ContractError(f"control: expected one of {', '.join(controls())}, seed; got {name!r}")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ContractError(f"{name}: expected a name, got {value!r}")
    return value


def _number(name: str, value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ContractError(f"{name}: expected a number, got {value!r}")
    return float(value)


CHANNEL_MESSAGE_LENGTHS: Mapping[int, int] = {
    0x80: 3,
    0x90: 3,
    0xA0: 3,
    0xB0: 3,
    0xC0: 2,
    0xD0: 2,
    0xE0: 3,
}


def check_message(message: Sequence[int]) -> None:
    """Raise ContractError unless `message` is one whole MIDI 1.0 message."""
    if not message or message[0] < 0x80:
        raise ContractError(f"MIDI message: expected a status byte first, got {list(message)}")
    if message[0] >= 0xF0:
        return
    length = CHANNEL_MESSAGE_LENGTHS[message[0] & 0xF0]
    if len(message) != length or any(not 0 <= byte <= 127 for byte in message[1:]):
        raise ContractError(
            f"MIDI message {message[0]:#04x}: expected {length} bytes with data 0-127, got {list(message)}"
        )
