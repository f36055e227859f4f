"""MIDI inputs: the ports for controls, for the notes of other players, and for MIDI clock."""

from __future__ import annotations

import abc
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import ClassVar

from liveengine.errors import MidiError
from liveengine.midi.bindings import binding
from liveengine.midi.port_names import same_port
from liveengine.midi.ports import (
    CLIENT,
    CONTROL_PORT,
    LISTEN_PORT,
    OPEN_TRIES,
    SYNC_PORT,
    OpenPort,
    control_client,
    input_client,
    open_port,
    output_client,
)
from liveengine.midi.sysex import SysexEnder, messages_in

LOOK_S = 0.002
"""How often an input is looked at."""
LOOK_AGAIN_S = 0.5
"""How often it is seen whether a port of another program is still there."""
STAMPS_KEPT_US = 10e6
"""A clock of a MIDI system drifts less than anybody hears within this."""
SYSTEM = 0xF0
"""Messages from here on are of no channel."""


class MidiInput(abc.ABC):
    """A MIDI input that is looked at on a thread of its own.

    It looks for messages instead of being called: JACK would call on the thread that carries everybody's
    audio and MIDI, and there wait for Python's lock; notes came up to 2 ms late while controls were turned.
    Another program's port that goes is opened again once it is back.
    """

    def __init__(  # noqa: PLR0917 - what it is called, to whom
        self,
        backend: str,
        port: str | None,
        client: str,
        own: str,
        what: str,
        tell: Callable[[str], None],
        again: OpenPort | None,
    ) -> None:
        """Open the virtual port `own` of a client, or an existing port by name, or one as it was before."""
        tries = 1 if again else OPEN_TRIES
        self._client = input_client(backend, client, tries)
        self.helper = f"{client}-end"
        """The client of ours beside it, which is connected to it where there is one."""
        ender = output_client(backend, self.helper, tries) if backend == "jack" else None
        known = ender.get_ports() if ender else []
        try:
            self.port = open_port(self._client, output_client, backend, port, client, own, again)
            self._ender = SysexEnder(ender, known, client) if ender else None
        except binding().errors as error:
            raise MidiError(f"MIDI {what} input on {backend}: {error}") from error
        self._own, self._tell, self._backend = own, tell, backend
        self._gone = False
        self._look_again = time.monotonic() + LOOK_AGAIN_S
        self._closing = threading.Event()
        self._looking = threading.Thread(target=self._look, name=client, daemon=True)

    def _look(self) -> None:
        while not self._closing.wait(LOOK_S):
            while (event := self._client.get_message()) is not None:
                self._take(*event)
            if self._ender is not None:
                self._ender.step()
            self._look_after()

    @abc.abstractmethod
    def _take(self, message: Sequence[int], since_s: float) -> None:
        """Hand over a message that came `since_s` after the one before."""

    def _look_after(self) -> None:
        """See whether another program's port is still there, and open it again once it is back."""
        if self.port.is_virtual or time.monotonic() < self._look_again:
            return
        self._look_again = time.monotonic() + LOOK_AGAIN_S
        names = self._client.get_ports()
        try:
            place = same_port(self.port.name, names, self._backend)
        except MidiError as error:
            if not self._gone:
                self._tell(str(error))
            self._gone = True
            return
        if (place is not None) == self._gone:
            if place is not None:
                with contextlib.suppress(*binding().errors):
                    self._client.close_port()
                try:
                    self._client.open_port(place, self._own)
                except binding().errors:
                    return  # gone once more before it was open
                self.port = OpenPort(names[place], names[place], is_virtual=False)
            self._gone = place is None
            self._tell(f"{self.port.shown}, which is listened to, {'has gone' if self._gone else 'is back'}")

    @property
    def is_looked_at(self) -> bool:
        """Whether the thread still looks that hands over what comes."""
        return self._looking.is_alive()

    def close(self) -> None:
        """Close the port and leave the MIDI system."""
        self._closing.set()
        self._looking.join()
        if self._ender is not None:
            self._ender.close()
        self._client.close_port()
        self._client.delete()


class ControlInput(MidiInput):
    """The control port; every message is handed over on a thread of its own."""

    def __init__(  # noqa: PLR0917 - where it opens, and whom it calls
        self,
        backend: str,
        port: str | None,
        received: Callable[[Sequence[int]], None],
        client: str = CLIENT,
        tell: Callable[[str], None] = lambda _: None,
        again: OpenPort | None = None,
    ) -> None:
        """Open the virtual port `control`, of a client beside `client`, or an existing port by name."""
        super().__init__(backend, port, control_client(client), CONTROL_PORT, "control", tell, again)
        # Not even sysex: what is left out in the middle of one that never ends would be left out with it.
        self._client.ignore_types(sysex=False, timing=True, active_sense=True)
        self._received = received
        self._looking.start()

    def _take(self, message: Sequence[int], since_s: float) -> None:
        del since_s
        for each in messages_in(message):
            self._received(each)


class _StampedInput(MidiInput):
    """An input whose messages come with the moment at which they came, on a thread of its own.

    The moment comes from the MIDI system's own stamps, from message to message; the soonest that one of them
    was looked at says where they lie on our clock.
    """

    OWN: ClassVar[str]
    """Name of the virtual port."""
    BESIDE: ClassVar[str]
    """What the name of its client adds to the engine's."""

    def __init__(
        self,
        backend: str,
        port: str | None,
        received: Callable[[Sequence[int], float], None],
        *,
        now_us: Callable[[], float],
        tell: Callable[[str], None],
        client: str = CLIENT,
        again: OpenPort | None = None,
    ) -> None:
        """Open the virtual port, of a client beside `client`, or an existing port by name."""
        super().__init__(backend, port, f"{client}-{self.BESIDE}", self.OWN, self.OWN, tell, again)
        # Nothing is left out by the system: what it leaves out would be missing from its stamps.
        self._client.ignore_types(sysex=False, timing=False, active_sense=False)
        self._received, self._now_us = received, now_us
        self._stamp_us = 0.0
        self._offsets_us: deque[tuple[float, float]] = deque()
        self._looking.start()

    @abc.abstractmethod
    def _is_wanted(self, status: int) -> bool:
        """Tell whether a message of a status is for this port."""

    def _take(self, message: Sequence[int], since_s: float) -> None:
        now_us = self._now_us()
        self._stamp_us += since_s * 1e6
        offset_us = now_us - self._stamp_us
        while self._offsets_us and self._offsets_us[-1][1] >= offset_us:
            self._offsets_us.pop()
        self._offsets_us.append((now_us, offset_us))
        while now_us - self._offsets_us[0][0] > STAMPS_KEPT_US:
            self._offsets_us.popleft()
        for each in messages_in(message):
            if self._is_wanted(each[0]):
                self._received(each, self._stamp_us + self._offsets_us[0][1])


class ListenInput(_StampedInput):
    """The port on which other players are heard."""

    OWN, BESIDE = LISTEN_PORT, "listen"

    def _is_wanted(self, status: int) -> bool:
        return status < SYSTEM


class ClockInput(_StampedInput):
    """The port on which MIDI clock comes, with start, stop, continue and song position."""

    OWN, BESIDE = SYNC_PORT, "sync"

    def _is_wanted(self, status: int) -> bool:
        return status >= SYSTEM
