"""A MIDI output that notices that it sends into nothing."""

from __future__ import annotations

from liveengine.errors import MidiError
from liveengine.midi.jack_patch import Connected, patched
from liveengine.midi.jack_pulse import jack_watch
from liveengine.midi.port_names import same_port
from liveengine.midi.ports import CLIENT, OpenPort, RtMidiSink


class WatchedSink(RtMidiSink):
    """An output with an eye on its port and, on JACK, on the server. Belongs to the process that opened it.

    Once it has raised it is not to be closed: that may wait for a server that is not there. The process ends.
    The client that watches is left to the process's end in any case.
    """

    def __init__(
        self, backend: str, port: str | None = None, client: str = CLIENT, again: OpenPort | None = None
    ) -> None:
        """Open a port as RtMidiSink does, and the JACK client that watches. Raises MidiError as that does.

        One of ours that was open before is connected as it was.
        """
        super().__init__(backend, port, client, again)
        self._backend = backend
        self._pulse = jack_watch() if backend == "jack" else None
        self._patch = patched(self._pulse.client, self.port, again) if self._pulse is not None else None

    def round(self) -> int | None:
        """Return how often the MIDI system has gone round; None where it takes a message as it is sent.

        Raises MidiError where the system has ended or stands still.
        """
        if self._pulse is None:
            return None
        rounds = self._pulse.round()
        return rounds if self._pulse.moves else None

    def look(self) -> Connected | None:
        """Return whom our port is connected to, where that has changed and the system tells.

        Raises MidiError where another program's port, to which we send, has gone.
        """
        if self._patch is not None:
            return self._patch.changed()
        if not self.port.is_virtual and same_port(self.port.name, self.names(), self._backend) is None:
            raise MidiError(f"the port {self.port.shown} has gone")
        return None
