"""Port names: what is called so comes before what only holds it, and several are told."""

from __future__ import annotations

import re

import pytest

from liveengine.errors import MidiError
from liveengine.midi.port_names import is_of_jack_client, port_named, same_port

JACK = ("loopA:Port 10", "loopB:Port 1", "usb:Kit", "usb:Kit 2", "TR-8S:TR-8S MIDI 1")
ALSA = ("Midi Through:Midi Through Port-0 14:0", "TR-8S:TR-8S MIDI 1 20:0", "SPD-SX:SPD-SX MIDI 1 24:0")


@pytest.mark.parametrize(
    ("wanted", "names", "meant"),
    [
        ("Port 1", JACK, "loopB:Port 1"),
        ("port 10", JACK, "loopA:Port 10"),
        ("loopB:Port 1", JACK, "loopB:Port 1"),
        ("Kit", JACK, "usb:Kit"),
        ("loopa", JACK, "loopA:Port 10"),
        ("8S", JACK, "TR-8S:TR-8S MIDI 1"),
        ("tr-8s", ALSA, "TR-8S:TR-8S MIDI 1 20:0"),
        ("SPD-SX:SPD-SX MIDI 1 28:0", (*ALSA, "SPD-SX:SPD-SX MIDI 1 28:0"), "SPD-SX:SPD-SX MIDI 1 28:0"),
        ("TR-8S MIDI 1", ALSA, "TR-8S:TR-8S MIDI 1 20:0"),
        ("USB [/b]", ("other:USB [/b]", "other:USB"), "other:USB [/b]"),
    ],
)
def test_the_port_that_is_called_so_is_meant(wanted: str, names: tuple[str, ...], meant: str) -> None:
    place = port_named(wanted, names, "test")
    assert place is not None
    assert names[place] == meant


def test_none_is_none() -> None:
    assert port_named("SP-404", JACK, "jack") is None
    assert port_named("Kit", (), "jack") is None


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("usb", "port 'usb': expected one jack port, got 2 that fit: usb:Kit, usb:Kit 2"),
        ("ort", "port 'ort': expected one jack port, got 2 that fit: loopA:Port 10, loopB:Port 1"),
    ],
)
def test_several_are_told(wanted: str, told: str) -> None:
    with pytest.raises(MidiError, match=re.escape(told)):
        port_named(wanted, JACK, "jack")


@pytest.mark.parametrize(
    ("before", "names", "again"),
    [
        ("usb:Kit", JACK, "usb:Kit"),
        ("TR-8S:TR-8S MIDI 1 24:0", ALSA, "TR-8S:TR-8S MIDI 1 20:0"),
        ("TR-8S:TR-8S MIDI 1 20:0", (*ALSA, "TR-8S:TR-8S MIDI 1 32:0"), "TR-8S:TR-8S MIDI 1 20:0"),
    ],
)
def test_a_port_that_comes_back_is_known_by_its_name(before: str, names: tuple[str, ...], again: str) -> None:
    place = same_port(before, names, "test")
    assert place is not None
    assert names[place] == again


def test_a_part_of_a_name_is_no_port_that_comes_back() -> None:
    assert same_port("Kit", JACK, "jack") is None


def test_two_that_come_back_are_told() -> None:
    with pytest.raises(MidiError, match=re.escape("got 2 that fit: TR-8S:TR-8S MIDI 1 20:0, TR-8S:TR-8S")):
        same_port("TR-8S:TR-8S MIDI 1 24:0", (*ALSA, "TR-8S:TR-8S MIDI 1 32:0"), "alsa")


@pytest.mark.parametrize(
    ("port", "is_ours"),
    [
        ("band-control:control", True),
        ("band-control-01:control", True),
        ("band-control-end:end", False),
        ("other band-control:control", False),
        ("band:band-control", False),
    ],
)
def test_a_port_of_a_jack_client_is_known_by_all_of_the_clients_name(port: str, is_ours: bool) -> None:
    assert is_of_jack_client(port, "band-control") == is_ours
