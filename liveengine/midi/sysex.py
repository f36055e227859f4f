"""System-exclusive messages that never end: what follows one is still heard.

Only F7 ends one for RtMidi on JACK: until some client sends it, all that comes is taken for its data. So
an input there has a client beside it that sends F7 again and again, and what had been held is taken apart.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

from liveengine.midi.bindings import OutputClient, binding
from liveengine.midi.port_names import is_of_jack_client

BEGIN, END = 0xF0, 0xF7
REAL_TIME = 0xF8
"""From here on a byte is a message of its own, which may come in the middle of others."""
LENGTHS = {0xC0: 2, 0xD0: 2, 0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF4: 1, 0xF5: 1, 0xF6: 1}
"""Of messages, where it is not three."""
END_AGAIN_S = 0.1
"""How long a system-exclusive message may take; on JACK all of one comes together."""


def messages_in(received: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield the messages of what RtMidi hands over as one: without any that is system-exclusive.

    As MIDI has it, any status byte ends a system-exclusive message, but for those of real time.
    """
    if not received or received[0] not in (BEGIN, END):
        yield received
        return
    at = 1
    while at < len(received):
        status = received[at]
        if status < 0x80 or status in {BEGIN, END}:
            at += 1
        elif status >= REAL_TIME:
            yield [status]
            at += 1
        else:
            length = LENGTHS.get(status if status >= BEGIN else status & 0xF0, 3)
            yield list(received[at : at + length])
            at += length


class SysexEnder:
    """Ends what never ends, on the port of an input. Used by the thread that looks at the input."""

    def __init__(self, client: OutputClient, known: Sequence[str], owner: str) -> None:
        """Take over a client; the input's port is of the client `owner`, and was not among `known` before."""
        self._client = client
        self._next_s = 0.0
        new = [
            place
            for place, name in enumerate(client.get_ports())
            if name not in known and is_of_jack_client(name, owner)
        ]
        if new:
            client.open_port(new[0], "end")

    def step(self) -> None:
        """Send F7 if it is time to."""
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + END_AGAIN_S
            with contextlib.suppress(*binding().errors):  # the MIDI system has gone: others tell
                self._client.send_message([END])

    def close(self) -> None:
        """Leave the MIDI system."""
        self._client.close_port()
        self._client.delete()
