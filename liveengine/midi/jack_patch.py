"""Whom a port of ours is connected to on JACK, so that one which takes its place is connected likewise."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from liveengine.midi.ports import OpenPort

LOOK_S = 1.0
"""How often the connections are looked at: people make them, not programs."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The ports, by their full names, that one of ours is connected to from now on."""

    ports: tuple[str, ...]


class JackPatch:
    """The connections of one port: JACK forgets them with the process. Used by one thread."""

    def __init__(self, client: Any, port: str, besides: str | None = None, *, look_s: float = LOOK_S) -> None:
        """Look through a client of JACK-Client at the port of a full name, every `look_s` seconds.

        Connections to a client whose name begins with `besides` do not count.
        """
        self._client, self._port, self._besides = client, port, besides
        self._look_s, self._next_s = look_s, 0.0
        self._known: tuple[str, ...] | None = None

    def restore(self, ports: Iterable[str]) -> None:
        """Connect to those of the ports that are there; who has gone meanwhile is left out."""
        import jack

        with contextlib.suppress(jack.JackError):
            sends = self._client.get_port_by_name(self._port).is_output
            for other in ports:
                with contextlib.suppress(jack.JackError):  # one that is not there must not hide the next
                    self._client.connect(*((self._port, other) if sends else (other, self._port)))

    def changed(self) -> Connected | None:
        """Return the connections where they are others than at the last look, and it is time for another.

        The first look always tells: whoever kept those of a port that was open before learns what is left.

        A look takes 11 µs in the median.
        """
        if monotonic() < self._next_s:
            return None
        self._next_s = monotonic() + self._look_s
        import jack

        try:
            port = self._client.get_port_by_name(self._port)
            names = sorted(each.name for each in self._client.get_all_connections(port))
        except jack.JackError:  # the server has gone, or the port with it: that is no change of the player's
            return None
        counted = tuple(each for each in names if self._besides is None or not each.startswith(self._besides))
        if counted == self._known:
            return None
        self._known = counted
        return Connected(counted)


def patched(
    client: Any, port: OpenPort, again: OpenPort | None, besides: str | None = None
) -> JackPatch | None:
    """Connect a port of ours as it was when it was open before, and look after its connections from then on.

    None for another program's port: that connection is ours to make.
    """
    if not port.is_virtual:
        return None
    patch = JackPatch(client, port.shown, besides)
    patch.restore(again.connected if again else ())
    return patch
