"""`liveengine learn-midi`."""

from __future__ import annotations

from typing import Annotated

import typer

from liveengine.app.cli.choices import Backend


def learn_midi(
    control: Annotated[str | None, typer.Argument(help="The control to learn; else it asks.")] = None,
    backend: Annotated[Backend, typer.Option(help="MIDI system.")] = Backend.AUTO,
    control_port: Annotated[
        str | None, typer.Option(help="An existing input port by (part of) its name; else a virtual one.")
    ] = None,
) -> None:
    """Touch a knob or pad and name its control: it is kept in your own control map."""
    from liveengine.app import midi_learning
    from liveengine.app.console import open_console

    midi_learning.learn_midi(backend.value, control_port, control, open_console())
