"""`liveengine recover`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def recover(
    journal: Annotated[Path, typer.Argument(help="A .journal file that a crash left beside a take.")],
    output: Annotated[Path | None, typer.Option(help="The MIDI file; else where the take was to go.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file; else the next free name is taken.")
    ] = False,
) -> None:
    """Write the take of a performance that ended in a crash, up to its last half second."""
    from liveengine.app import takes
    from liveengine.app.console import open_console

    takes.recover(journal, output, open_console(), force=force)
