"""Who listens at a port, by what the kernel says of its sequencer."""

from __future__ import annotations

from liveengine.midi.listeners import Listeners, alsa_heard, look_of
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
        listeners = Listeners(backend, OpenPort("drums", "liveengine:drums"))
        assert listeners.heard() is None
        assert listeners._looking is None
        listeners.close()


def test_without_a_server_jack_says_nothing() -> None:
    look = look_of("jack", OpenPort("drums", "liveengine:drums"))
    assert look is not None
    assert look() is None
