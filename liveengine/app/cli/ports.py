"""`liveengine ports`."""

from __future__ import annotations

import sys


def ports() -> None:
    """List the MIDI systems and ports on this machine."""
    from liveengine.app.console import open_console
    from liveengine.midi import ports as midi_ports

    console = open_console()
    found = [name for name in midi_ports.BACKENDS if midi_ports.available_backend(name)]
    if not found:
        cure = midi_ports.NO_MIDI_CURE.get(sys.platform, "start a MIDI system")
        console.print(f"No MIDI system runs here: {cure}.")
    for backend in found:
        listed = midi_ports.list_ports(backend)
        console.print(f"{backend}: outputs: {', '.join(listed.outputs) or 'none'}")
        console.print(f"{backend}: inputs: {', '.join(listed.inputs) or 'none'}")
