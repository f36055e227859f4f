"""The control map: which MIDI messages mean what, and what a MIDI message is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from liveengine.errors import ContractError
from liveengine.music.control import controls

ENCODINGS = ("absolute", "fine", "relative_twos", "relative_offset", "relative_sign")
"""How a knob speaks: 0-127; 14 bits, the lower seven on the number 32 higher (MIDI 1.0); or steps right and
left: 1 and 127, 65 and 63, or 1 and 65."""
TAKEOVERS = ("moved", "always", "never")
"""When a knob must first come to where its control is: if something else has moved that since; always, at its
first touch too; or never."""
MOST_CONTROLLER = 119
"""The numbers above are channel mode messages."""
FINE_PAIR = 32
TRANSPORT: Mapping[int, str] = {0xFA: "start", 0xFB: "start", 0xFC: "stop"}
"""MIDI 1.0: Start, Continue and Stop."""
UNBOUND = "none"


@dataclass(frozen=True, slots=True)
class Binding:
    """A controller ("cc") or note that turns a control, on one channel 1-16 or on all."""

    kind: str
    number: int
    control: str
    encoding: str = "absolute"
    channel: int | None = None

    def __post_init__(self) -> None:
        """Refuse numbers out of range, unknown controls and encodings."""
        most = MOST_CONTROLLER if self.kind == "cc" else 127
        if self.encoding == "fine":
            most = FINE_PAIR - 1
        if not 0 <= self.number <= most:
            what = "CC" if self.kind == "cc" else "note"
            raise ContractError(f"{self.name}: expected a {what} number 0-{most}, got {self.number}")
        if self.control not in controls():
            raise ContractError(f"{self.name}: expected one of {', '.join(controls())}; got {self.control!r}")
        if self.encoding not in ENCODINGS or (self.kind == "note" and self.encoding != "absolute"):
            kinds = ENCODINGS if self.kind == "cc" else ENCODINGS[:1]
            raise ContractError(f"{self.name}: expected one of {', '.join(kinds)}; got {self.encoding!r}")
        if self.channel is not None and not 1 <= self.channel <= 16:
            raise ContractError(f"{self.name}: expected a channel 1-16, got {self.channel}")

    @property
    def name(self) -> str:
        """What it is called: CC 21, note 60 on channel 3."""
        called = f"{'CC' if self.kind == 'cc' else 'note'} {self.number}"
        return called if self.channel is None else f"{called} on channel {self.channel}"

    def meets(self, other: Binding) -> bool:
        """Tell whether one message could be for both."""
        same = (self.kind, self.number) == (other.kind, other.number)
        return same and (self.channel is None or other.channel is None or self.channel == other.channel)


@dataclass(frozen=True, slots=True)
class ControlMap:
    """Which MIDI messages mean what. `channel` 1-16 listens to one channel only; None to all.

    A controller's value counts by its half where the control is on or off, or an action; so does a note's
    velocity.
    """

    bindings: tuple[Binding, ...] = (Binding("cc", 20, "style"),)
    program_change_is_style: bool = True
    channel: int | None = None
    takeover: str = "moved"

    def __post_init__(self) -> None:
        """Refuse two bindings for one message, and an unknown way of taking over."""
        for place, binding in enumerate(self.bindings):
            for other in self.bindings[:place]:
                if binding.meets(other):
                    raise ContractError(
                        f"control map, {binding.name}: expected one control, "
                        f"got {other.control} and {binding.control}"
                    )
        if self.takeover not in TAKEOVERS:
            raise ContractError(f"takeover: expected one of {', '.join(TAKEOVERS)}, got {self.takeover!r}")

    def bound(self, kind: str, number: int, channel: int) -> Binding | None:
        """Return what a controller or note on a channel is bound to."""
        for binding in self.bindings:
            if (binding.kind, binding.number) == (kind, number) and binding.channel in (None, channel):
                return binding
        return None

    def with_binding(self, binding: Binding) -> tuple[ControlMap, str]:
        """Return the map with a binding in the place of those it meets, and a sentence about what changes."""
        given_way = [other for other in self.bindings if other.meets(binding)]
        kept = tuple(other for other in self.bindings if not other.meets(binding))
        also = [other.name for other in kept if other.control == binding.control]
        text = f"{binding.name} turns {binding.control}"
        if binding.encoding != "absolute":
            text += f" ({binding.encoding})"
        if changed := [other.control for other in given_way if other.control != binding.control]:
            text += f", no longer {' and '.join(changed)}"
        if also:
            text += f"; so does {' and '.join(also)}"
        return replace(self, bindings=(*kept, binding)), text


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
