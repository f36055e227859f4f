"""Clients of RtMidi's on JACK that leave it in good order: all is sent, and nothing goes while it is read.

Two threads of JACK's read what a port's end frees, and neither RtMidi nor libjack waits for them. RtMidi
frees the buffer of an output before it ends the thread that fetches from it (MidiOutJack's destructor). And
whenever anything changes on the server, libjack's own thread goes through the ports of each of its clients
for their latencies, and crashes where one is taken away meanwhile (JackClient::HandleLatencyCallback).
Both take microseconds: a port is closed some time after the last change that this process has made, and a
client goes some time after its port.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from liveengine.midi.bindings import Client, InputClient, OutputClient

SETTLED_S = 0.03
"""So long after a change JACK's threads have done with it, on busy cores too."""


class _JackClient:
    """What clients of both directions do."""

    def __init__(self, client: Client, send_out: Callable[[], None] = lambda: None) -> None:
        self._client, self._send_out = client, send_out
        self._is_open = False
        self.get_ports = client.get_ports

    def open_port(self, port: int, name: str) -> None:
        """Connect to a port by its index."""
        self._client.open_port(port, name)
        self._is_open = True

    def open_virtual_port(self, name: str) -> None:
        """Open a port that others connect to."""
        self._client.open_virtual_port(name)
        self._is_open = True

    def close_port(self) -> None:
        """Close the port; what was sent before goes out."""
        if self._is_open:
            self._is_open = False
            self._send_out()
            time.sleep(SETTLED_S)
            self._client.close_port()
            time.sleep(SETTLED_S)

    def delete(self) -> None:
        """Leave JACK."""
        self.close_port()
        self._client.delete()


class JackOutput(_JackClient):
    """A client that sends."""

    def __init__(self, client: OutputClient, send_out: Callable[[], None] = lambda: None) -> None:
        """Take over a client; `send_out` waits until JACK has fetched all, where closing a port does not."""
        super().__init__(client, send_out)
        self.send_message = client.send_message  # as it is: nothing is added on the way to the port


class JackInput(_JackClient):
    """A client that receives."""

    def __init__(self, client: InputClient) -> None:
        """Take over a client."""
        super().__init__(client)
        self.ignore_types, self.get_message = client.ignore_types, client.get_message
