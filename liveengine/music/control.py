"""Controls: commands as values, the control state, and the map from MIDI messages to commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from liveengine.errors import ContractError
from liveengine.music.style import SWING_MAX_PERCENT, SWING_MIN_PERCENT, StyleBook

LATENCY_LIMIT_MS = 500.0


@dataclass(frozen=True, slots=True)
class ControlState:
    """Everything a player can turn. None means "as the style says", or left open to the model."""

    style: str
    swing_percent: float | None = None
    humanize: float | None = None
    density: float | None = None
    energy: float | None = None
    latency_ms: float = 0.0
    switch: str = "beat"


SWITCHES = ("instant", "beat", "bar", "phrase")
"""From where a control that needs new bars is heard: at once, or from the next beat, bar or phrase on."""
RANGES: Mapping[str, tuple[float, float]] = {
    "swing_percent": (SWING_MIN_PERCENT, SWING_MAX_PERCENT),
    "humanize": (0.0, 1.0),
    "density": (0.0, 1.0),
    "energy": (0.0, 1.0),
    "latency_ms": (-LATENCY_LIMIT_MS, LATENCY_LIMIT_MS),
}
"""Continuous controls and their ranges; a controller's 0-127 spans the range."""
KNOB_SPANS: Mapping[str, tuple[float, float]] = {"latency_ms": (-64.0, 63.0)}
"""Controls of which a controller spans a part only: latency goes by milliseconds, and 64 is none."""


@dataclass(frozen=True, slots=True)
class SetStyle:
    """Play another style; `name` as in the style book."""

    name: str


@dataclass(frozen=True, slots=True)
class SetLevel:
    """Set a continuous control of `RANGES` to a value within its range."""

    control: str
    value: float

    def __post_init__(self) -> None:
        """Refuse an unknown control or a value out of its range."""
        check_level(self.control, self.value)


@dataclass(frozen=True, slots=True)
class SetSwitch:
    """Let styles, density and energy be heard from another place on: one of `SWITCHES`."""

    mode: str

    def __post_init__(self) -> None:
        """Refuse an unknown mode."""
        check_switch(self.mode)


@dataclass(frozen=True, slots=True)
class SetTransport:
    """Start or stop the session's transport, for every peer that shares it."""

    playing: bool


Command = SetStyle | SetLevel | SetSwitch | SetTransport


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


def apply(state: ControlState, command: SetStyle | SetLevel | SetSwitch) -> ControlState:
    """Return the state after a command."""
    if isinstance(command, SetStyle):
        return replace(state, style=command.name)
    if isinstance(command, SetSwitch):
        return replace(state, switch=command.mode)
    changed: dict[str, float] = {command.control: command.value}
    return replace(state, **changed)  # type: ignore[arg-type]


TRANSPORT: Mapping[int, bool] = {0xFA: True, 0xFB: True, 0xFC: False}
"""MIDI 1.0: Start, Continue and Stop."""


@dataclass(frozen=True, slots=True)
class ControlMap:
    """Which MIDI messages mean what. `controllers` maps CC numbers to style, switch or a name of `RANGES`.

    `channel` 1-16 listens to one channel only; None to all.
    """

    controllers: tuple[tuple[int, str], ...] = ((20, "style"),)
    program_change_is_style: bool = True
    channel: int | None = None

    def __post_init__(self) -> None:
        """Refuse CC numbers outside 0-119 and unknown controls."""
        for number, name in self.controllers:
            if not 0 <= number <= 119:
                raise ContractError(f"control map: expected a CC number 0-119, got {number}")
            if name not in ("style", "switch", *RANGES):
                raise ContractError(
                    f"control map, CC {number}: expected style, switch, {', '.join(RANGES)}; got {name!r}"
                )

    def command(self, message: Sequence[int], styles: StyleBook) -> Command | None:
        """Return the command of a MIDI message, or None where the message means nothing here.

        Raises ContractError for a malformed message: empty, data without status, wrong length, data
        bytes above 127.
        """
        check_message(message)
        status, kind = message[0], message[0] & 0xF0
        if status in TRANSPORT:
            return SetTransport(TRANSPORT[status])
        if status >= 0xF0 or (self.channel is not None and (status & 0x0F) + 1 != self.channel):
            return None
        if kind == 0xC0 and self.program_change_is_style:
            style = styles.at(message[1])
            return SetStyle(style.name) if style else None
        return self._turned(message[1], message[2], styles) if kind == 0xB0 else None

    def _turned(self, number: int, value: int, styles: StyleBook) -> Command | None:
        """Return the command of a controller's value 0-127."""
        name = dict(self.controllers).get(number)
        if name is None:
            return None
        if name == "style":
            return SetStyle(styles.at_level(value).name)
        if name == "switch":
            return SetSwitch(SWITCHES[value * len(SWITCHES) // 128])
        low, high = KNOB_SPANS.get(name, RANGES[name])
        return SetLevel(name, low + (high - low) * value / 127)


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
