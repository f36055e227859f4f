"""OSC packets from outside, read so that no bytes can hold the engine up.

Every size is checked before what it measures is read, so each step moves on through the packet or ends with
an error; python-osc's own reader repeats a bundle's element of negative size for ever. Format:
https://opensoundcontrol.stanford.edu/spec-1_0.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from liveengine.errors import ContractError

BUNDLE = b"#bundle\0"
MAX_DEPTH = 8
"""Of bundles within bundles."""
MAX_MESSAGES = 1000
"""In a packet; more than ten for each control."""
_BUNDLE_HEAD = len(BUNDLE) + 8
"""With the time tag, which is not looked at: what comes is meant now."""
_NUMBERS = {"i": ">i", "f": ">f", "h": ">q", "d": ">d"}
_CONSTANTS = {"T": True, "F": False, "N": None}
_IMPULSE = "I"
"""A button's type without a value: a message with it alone is one without values."""

OscValue = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it came: its address, and values of the types that controls take."""

    address: str
    values: tuple[OscValue, ...]


def read_packet(packet: bytes) -> list[Message]:
    """Return a packet's messages in their order.

    Raises ContractError, with what was expected, for bytes that are no OSC, a size that does not fit, bundles
    deeper than `MAX_DEPTH`, more than `MAX_MESSAGES`, and values of types that no control takes.
    """
    messages: list[Message] = []
    for content in _contents(packet, 0):
        if len(messages) == MAX_MESSAGES:
            raise ContractError(f"expected at most {MAX_MESSAGES} messages in a packet, got more")
        messages.append(_message(content))
    return messages


def _contents(packet: bytes, depth: int) -> Iterator[bytes]:
    """Yield the bytes of each message in a packet, through its bundles."""
    if not packet.startswith(BUNDLE):
        yield packet
        return
    if depth == MAX_DEPTH:
        raise ContractError(f"expected bundles at most {MAX_DEPTH} deep, got more")
    if len(packet) < _BUNDLE_HEAD:
        raise ContractError(f"expected a bundle of {_BUNDLE_HEAD} bytes or more, got {len(packet)}")
    at = _BUNDLE_HEAD
    while at < len(packet):
        size, at = _number(packet, at, ">i")
        if not 0 < size <= len(packet) - at:
            raise ContractError(
                f"expected a bundle's element of 1 to {len(packet) - at} bytes, got a size of {size}"
            )
        yield from _contents(packet[at : at + size], depth + 1)
        at += size


def _message(content: bytes) -> Message:
    if not content.startswith(b"/"):
        raise ContractError(f"expected an OSC address that begins with /, got {content[:16]!r}")
    address, at = _string(content, 0)
    if at == len(content):
        return Message(address, ())
    tags, at = _string(content, at)
    if not tags.startswith(","):
        raise ContractError(f"{address[:80]}: expected type tags that begin with a comma, got {tags[:16]!r}")
    values: list[OscValue] = []
    for tag in tags[1:]:
        value: OscValue
        if tag in _NUMBERS:
            value, at = _number(content, at, _NUMBERS[tag])
        elif tag in "sS":
            value, at = _string(content, at)
        elif tag in _CONSTANTS:
            value = _CONSTANTS[tag]
        elif tag == _IMPULSE:
            continue
        else:
            raise ContractError(
                f"{address[:80]}: expected values of types i, h, f, d, s, T, F, N; got {tag!r}"
            )
        values.append(value)
    return Message(address, tuple(values))


def _number(content: bytes, at: int, kind: str) -> tuple[int, int]:
    """Return a number and where it ends."""
    size = struct.calcsize(kind)
    if at + size > len(content):
        raise ContractError(f"expected {size} bytes of a number at byte {at}, got {len(content) - at}")
    (number,) = struct.unpack_from(kind, content, at)
    return number, at + size


def _string(content: bytes, at: int) -> tuple[str, int]:
    """Return a string, and where the next field begins: strings are padded to four bytes."""
    end = content.find(b"\0", at)
    after = at + (end - at + 4) // 4 * 4
    if end < 0 or after > len(content):
        raise ContractError(f"expected a string with its padding at byte {at}, got {len(content) - at} bytes")
    try:
        return content[at:end].decode(), after
    except UnicodeDecodeError as error:
        raise ContractError(f"expected a string in UTF-8 at byte {at}, got {error.reason}") from error
