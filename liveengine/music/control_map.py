"""The control map: which MIDI messages mean what, and what a MIDI message is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from liveengine.errors import ContractError
from liveengine.music.control import StateCommand, TriggerAction, controls
from liveengine.music.named import recorded

ENCODINGS = ("absolute", "fine", "relative_twos", "relative_offset", "relative_sign")
"""How a knob speaks: 0-127; 14 bits, the lower seven on the number 32 higher (MIDI 1.0); or steps right and
left: 1 and 127, 65 and 63, or 1 and 65."""
TAKEOVERS = ("moved", "always", "never")
"""When a knob must first come to where its control is: if something else has moved that since; always, at its
first touch too; or never."""
MOST_CONTROLLER = 119
"""The numbers above are channel mode messages."""
MOST_NRPN = 128 * 128 - 1
FINE_PAIR = 32
CALLED: Mapping[str, str] = {"cc": "CC", "note": "note", "nrpn": "NRPN"}
"""What is bound, by its kind."""
SWITCHES = ("cc", "note")
"""What gestures can be made with."""
TRANSPORT: Mapping[int, str] = {0xFA: "start", 0xFB: "start", 0xFC: "stop"}
"""MIDI 1.0: Start, Continue and Stop."""
UNBOUND = "none"
GESTURES = ("tap", "double", "hold", "long")
"""What a foot or finger does with a switch: strikes it, strikes it twice, holds it, holds it longer."""
GestureCommand = StateCommand | TriggerAction
"""What a gesture may do: an action, or a control set to a value."""


@dataclass(frozen=True, slots=True)
class Binding:
    """A controller ("cc"), note or "nrpn" that turns a control, on one channel 1-16 or on all.

    An NRPN has 14 bits, its coarse half counts at once, and where it says steps instead they are steps.
    """

    kind: str
    number: int
    control: str
    encoding: str = "absolute"
    channel: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers out of range, unknown controls and encodings."""
        _check_number(self, FINE_PAIR - 1 if self.encoding == "fine" else MOST_CONTROLLER)
        if self.control not in controls():
            raise ContractError(f"{self.name}: expected one of {', '.join(controls())}; got {self.control!r}")
        if self.encoding not in ENCODINGS or (self.kind != "cc" and self.encoding != "absolute"):
            kinds = ENCODINGS if self.kind == "cc" else ENCODINGS[:1]
            raise ContractError(f"{self.name}: expected one of {', '.join(kinds)}; got {self.encoding!r}")
        _check_channel(self)

    @property
    def name(self) -> str:
        """What it is called: CC 21, note 60 on channel 3."""
        return _name(self)

    @property
    def turned(self) -> tuple[str, ...]:
        """The names of the controls that it turns."""
        return (self.control,)


@dataclass(frozen=True, slots=True)
class GestureBinding:
    """A switch, by its controller ("cc") or note, each of whose gestures does something of its own.

    `gestures` are pairs in the order of `GESTURES`. A controller is down from 64 on, as a sustain pedal is, a
    note as long as it is on.
    """

    kind: str
    number: int
    gestures: tuple[tuple[str, GestureCommand], ...]
    channel: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers out of range, no gesture at all, and gestures that are unknown or out of order."""
        if self.kind not in SWITCHES:
            raise ContractError(f"{self.name}: expected one control, got gestures, which only switches make")
        _check_number(self, MOST_CONTROLLER)
        hows = [how for how, _ in self.gestures]
        if not hows or hows != [how for how in GESTURES if how in hows]:
            raise ContractError(
                f"{self.name}: expected some of {', '.join(GESTURES)}, in this order; got {hows or 'none'}"
            )
        _check_channel(self)

    @property
    def name(self) -> str:
        """What it is called: CC 64, note 60 on channel 3."""
        return _name(self)

    @property
    def turned(self) -> tuple[str, ...]:
        """What its gestures do, in words: fill (tap), next_scene (hold)."""
        return tuple(f"{done(command)} ({how})" for how, command in self.gestures)


AnyBinding = Binding | GestureBinding


def done(command: GestureCommand) -> str:
    """Return what a command does, in a word or two: fill, style jazz."""
    if isinstance(command, TriggerAction):
        return command.action
    name, value = recorded(command)
    if isinstance(value, bool):
        return f"{name} {'on' if value else 'off'}"
    if value is None:
        return f"{name} as in the style"
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"


def meet(one: AnyBinding, other: AnyBinding) -> bool:
    """Tell whether one message could be for both."""
    same = (one.kind, one.number) == (other.kind, other.number)
    return same and (one.channel is None or other.channel is None or one.channel == other.channel)


def _name(binding: AnyBinding) -> str:
    called = f"{CALLED[binding.kind]} {binding.number}"
    return called if binding.channel is None else f"{called} on channel {binding.channel}"


def _check_number(binding: AnyBinding, most_controller: int) -> None:
    most = {"cc": most_controller, "note": 127, "nrpn": MOST_NRPN}[binding.kind]
    if not 0 <= binding.number <= most:
        what = CALLED[binding.kind]
        raise ContractError(f"{binding.name}: expected a {what} number 0-{most}, got {binding.number}")


def _check_channel(binding: AnyBinding) -> None:
    if binding.channel is not None and not 1 <= binding.channel <= 16:
        raise ContractError(f"{binding.name}: expected a channel 1-16, got {binding.channel}")


@dataclass(frozen=True, slots=True)
class ControlMap:
    """Which MIDI messages mean what. `channel` 1-16 listens to one channel only; None to all.

    A controller's value counts by its half where the control is on or off, or an action; so does a note's
    velocity.
    """

    bindings: tuple[AnyBinding, ...] = (Binding("cc", 20, "style"),)
    program_change_is_style: bool = True
    channel: int | None = None
    takeover: str = "moved"

    def __post_init__(self) -> None:
        """Refuse two bindings for one message, and an unknown way of taking over."""
        for place, binding in enumerate(self.bindings):
            for other in self.bindings[:place]:
                if meet(binding, other):
                    raise ContractError(
                        f"control map, {binding.name}: expected one control, "
                        f"got {' and '.join((*other.turned, *binding.turned))}"
                    )
        if self.takeover not in TAKEOVERS:
            raise ContractError(f"takeover: expected one of {', '.join(TAKEOVERS)}, got {self.takeover!r}")

    def bound(self, kind: str, number: int, channel: int) -> AnyBinding | None:
        """Return what a controller or note on a channel is bound to."""
        for binding in self.bindings:
            if (binding.kind, binding.number) == (kind, number) and binding.channel in (None, channel):
                return binding
        return None

    def with_binding(self, binding: Binding) -> tuple[ControlMap, str]:
        """Return the map with a binding in the place of those it meets, and a sentence about what changes."""
        given_way = [other for other in self.bindings if meet(other, binding)]
        kept = tuple(other for other in self.bindings if not meet(other, binding))
        text = f"{binding.name} turns {binding.control}"
        if binding.encoding != "absolute":
            text += f" ({binding.encoding})"
        if changed := [each for other in given_way for each in other.turned if each != binding.control]:
            text += f", no longer {' and '.join(changed)}"
        if also := [other.name for other in kept if _does(other, binding.control)]:
            text += f"; so does {' and '.join(also)}"
        return replace(self, bindings=(*kept, binding)), text


def _does(binding: AnyBinding, control: str) -> bool:
    """Tell whether a binding turns a control, or does an action."""
    if isinstance(binding, Binding):
        return binding.control == control
    return any(done(command).split()[0] == control for _, command in binding.gestures)


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
