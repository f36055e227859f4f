"""`liveengine live-set`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def live_set(  # noqa: PLR0917 - typer makes options of parameters
    file: Annotated[Path, typer.Argument(help="The set.")] = Path("liveengine.als"),
    port: Annotated[
        str | None, typer.Option(help="The MIDI input as Live calls it; else 'liveengine drums'.")
    ] = None,
    track: Annotated[str, typer.Option(help="What to call the track.")] = "Drummer",
    tempo: Annotated[float, typer.Option(help="Tempo, 20-999.")] = 120.0,
    time_signature: Annotated[str, typer.Option(help="Such as 4/4, 7/8.")] = "4/4",
    force: Annotated[
        bool, typer.Option("--force", help="Write over a file; else the next free name is taken.")
    ] = False,
) -> None:
    """Write a set for Live 11 and 12: a track that plays our port, armed, and locators as an example."""
    from liveengine.app.live_sets import REMARK, write_live_set

    path = write_live_set(file, port, track, tempo, time_signature, force=force)
    typer.echo(f"written: {path}\n{REMARK}")
