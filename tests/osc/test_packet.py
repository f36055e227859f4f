"""OSC packets as bytes: what is read, what is refused, and that nothing takes for ever."""

from __future__ import annotations

import random
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from liveengine.errors import ContractError
from liveengine.osc.packet import MAX_DEPTH, MAX_MESSAGES, Message, read_packet

HEAD = b"#bundle\0" + bytes(7) + b"\1"
FUZZED = 30_000
LIMIT_S = 200
"""For all of them, on a machine whose cores are busy; it takes a few seconds."""


def message(address: str, *values: Any) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)
    return bytes(builder.build().dgram)


def element(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


def bundle(*contents: bytes) -> bytes:
    return HEAD + b"".join(element(content) for content in contents)


@contextmanager
def time_limit(limit_s: int) -> Iterator[None]:
    """End what takes longer, where the system has alarms."""

    def ring(*_: object) -> None:
        raise AssertionError(f"not within {limit_s} s")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(limit_s)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_messages_of_every_type_that_controls_take() -> None:
    got = read_packet(message("/liveengine/x", "J Dilla", 3, 2**40, 0.5, True, False, None))
    assert got == [Message("/liveengine/x", ("J Dilla", 3, 2**40, 0.5, True, False, None))]
    assert read_packet(b"/fill\0\0\0") == [Message("/fill", ())]
    assert read_packet(b"/fill\0\0\0,I\0\0") == [Message("/fill", ())]
    assert read_packet(b"/x\0\0,d\0\0" + struct.pack(">d", 0.1)) == [Message("/x", (0.1,))]


def test_a_bundle_of_another_librarys_is_read_in_order() -> None:
    inner = OscBundleBuilder(IMMEDIATELY)
    inner.add_content(OscMessageBuilder("/b").build())
    outer = OscBundleBuilder(IMMEDIATELY)
    outer.add_content(OscMessageBuilder("/a").build())
    outer.add_content(inner.build())
    outer.add_content(OscMessageBuilder("/c").build())
    assert [got.address for got in read_packet(outer.build().dgram)] == ["/a", "/b", "/c"]


@pytest.mark.parametrize("size", [-(2**31), -4, -1, 0, 1_000, 2**31 - 1])
def test_a_size_that_does_not_fit_is_refused(size: int) -> None:
    with time_limit(LIMIT_S), pytest.raises(ContractError, match=f"got a size of {size}"):
        read_packet(HEAD + struct.pack(">i", size))


@pytest.mark.parametrize(
    ("packet", "told"),
    [
        (b"", "expected an OSC address"),
        (b"hello\0\0\0", "expected an OSC address"),
        (b"/hello", "expected a string with its padding"),
        (b"/\xff\0\0", "expected a string in UTF-8"),
        (b"/x\0\0f\0\0\0", "type tags that begin with a comma"),
        (b"/x\0\0,f\0\0\0\0", "expected 4 bytes of a number"),
        (b"/x\0\0,b\0\0" + struct.pack(">i", -4), "expected values of types"),
        (b"/x\0\0,[[[[[[\0", "expected values of types"),
        (HEAD[:12], "expected a bundle of 16 bytes"),
        (HEAD + b"\0\0", "expected 4 bytes of a number"),
    ],
)
def test_bytes_that_are_no_osc_are_refused(packet: bytes, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        read_packet(packet)


def test_bundles_have_a_depth_and_packets_a_number_of_messages() -> None:
    nested = message("/x")
    for _ in range(MAX_DEPTH):
        nested = bundle(nested)
    assert [got.address for got in read_packet(nested)] == ["/x"]
    with pytest.raises(ContractError, match=f"at most {MAX_DEPTH} deep"):
        read_packet(bundle(nested))
    with pytest.raises(ContractError, match=f"at most {MAX_MESSAGES} messages"):
        read_packet(bundle(*[message("/x")] * (MAX_MESSAGES + 1)))


def mutants(rng: random.Random, wholes: list[bytes]) -> Iterator[bytes]:
    """Yield packets with bytes changed, cut out, doubled and put together, and sizes that lie."""
    while True:
        packet = bytearray(rng.choice(wholes))
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(packet) + 1)
            kind = rng.randrange(5)
            if kind == 0:
                packet[at : at + 1] = rng.randbytes(1)
            elif kind == 1:
                packet[at // 4 * 4 : at // 4 * 4 + 4] = struct.pack(
                    ">i", rng.choice((-8, -4, -1, 0, 4, 2**31 - 1))
                )
            elif kind == 2:
                del packet[at : at + rng.randint(1, 8)]
            elif kind == 3:
                packet[at:at] = packet[: rng.randint(1, 24)]
            else:
                packet[at:at] = rng.choice(wholes)[: rng.randint(1, 40)]
        yield bytes(packet)


def test_no_mutant_takes_for_ever_or_fails_in_another_way() -> None:
    wholes = [
        message("/liveengine/style", "J Dilla"),
        message("/liveengine/draw", 9, 3, "snare", 110, True),
        bundle(message("/liveengine/density", 0.25), bundle(message("/liveengine/fill"))),
        bundle(bundle(bundle(message("/liveengine/seed", 12)))),
    ]
    refused = 0
    made = mutants(random.Random(23), wholes)
    with time_limit(LIMIT_S):
        for _ in range(FUZZED):
            try:
                read_packet(next(made))
            except ContractError:
                refused += 1
    assert 0 < refused < FUZZED
