"""Who listens at a port, by what the kernel says of its sequencer."""

from __future__ import annotations

from liveengine.midi.listeners import Listeners, alsa_heard
from liveengine.midi.ports import OpenPort

CLIENTS = """Client info
  cur  clients : 4
  peak clients : 4
  max  clients : 192

Client   0 : "System" [Kernel]
  Port   0 : "Timer" (Rwe-)
  Port   1 : "Announce" (R-e-)
    Connecting To: 15:0
Client 128 : "liveengine" [User Legacy]
  Port   0 : "drums" (R-e-)
{connected}Client 129 : "liveengine-control" [User Legacy]
  Port   0 : "control" (-We-)
    Connected From: 24:0
"""


def test_a_port_is_heard_once_somebody_is_connected_to_it() -> None:
    alone = CLIENTS.format(connected="")
    assert alsa_heard(alone, "liveengine:drums 128:0") is False
    heard = CLIENTS.format(connected="    Connecting To: 130:0[r:0], 131:0\n")
    assert alsa_heard(heard, "liveengine:drums 128:0") is True
    others = CLIENTS.format(connected="    Connected From: 24:0\n")
    assert alsa_heard(others, "liveengine:drums 128:0") is False


def test_a_port_that_is_not_there_is_not_known() -> None:
    assert alsa_heard(CLIENTS.format(connected=""), "liveengine:drums 131:0") is None
    assert alsa_heard("", "liveengine:drums 128:0") is None


def test_where_nothing_can_be_known_nobody_looks() -> None:
    for backend in (None, "coremidi", "winmm"):
        listeners = Listeners(backend, lambda: OpenPort("drums", "liveengine:drums"))
        assert listeners.heard() is None
        assert listeners._looking is None
        listeners.close()


def test_on_jack_it_is_known_by_whom_the_player_is_connected_to() -> None:
    connected: list[str] = []
    listeners = Listeners("jack", lambda: OpenPort("drums", "liveengine:drums", connected=tuple(connected)))
    assert listeners.heard() is False
    connected.append("synth:in")
    assert listeners.heard() is True
    connected.clear()
    assert listeners.heard() is False
    assert listeners._looking is None


def test_another_programs_port_is_heard_by_it() -> None:
    port = OpenPort("IAC", "IAC Driver Bus 1", is_virtual=False)
    assert Listeners("coremidi", lambda: port).heard() is True
    assert Listeners("coremidi", lambda: None).heard() is None
