"""`liveengine calibrate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from liveengine.app.cli.choices import Backend, ClockKind
from liveengine.app.cli.live_options import HOST_HELP, PORT_HELP, REPLY_HELP


def calibrate(  # noqa: PLR0917 - typer makes options of parameters
    bpm: Annotated[
        float | None, typer.Option(help="Tempo, 20-999; a running Link session keeps its own.")
    ] = None,
    quantum: Annotated[float | None, typer.Option(help="Link quantum in beats.")] = None,
    backend: Annotated[Backend | None, typer.Option(help="MIDI system.")] = None,
    port: Annotated[
        str | None, typer.Option(help="An existing output port by (part of) its name; else a virtual one.")
    ] = None,
    kit: Annotated[str | None, typer.Option(help="A kit by its name, see `kits`, or a file.")] = None,
    voice: Annotated[str, typer.Option(help="The drum that clicks.")] = "rim",
    listen: Annotated[
        bool, typer.Option("--listen", help="Of an instrument you play: play with the click for 8 bars.")
    ] = False,
    listen_port: Annotated[
        str | None, typer.Option(help="The input it plays into, by part of its name; else a virtual one.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Let Ableton Live record the click, by AbletonOSC, and compare.")
    ] = False,
    live_input: Annotated[
        str | None, typer.Option(help="With --live, the port as Live calls it; else 'liveengine drums'.")
    ] = None,
    live_host: Annotated[str | None, typer.Option(help=HOST_HELP)] = None,
    live_port: Annotated[int | None, typer.Option(help=PORT_HELP)] = None,
    live_reply_port: Annotated[int | None, typer.Option(help=REPLY_HELP)] = None,
    clock: Annotated[ClockKind, typer.Option(help="Link, or the machine's own clock.")] = ClockKind.LINK,
    config: Annotated[Path | None, typer.Option(help="Settings file (see configs/engine.yaml).")] = None,
) -> None:
    """Click on every beat, and save the latency that the keys, or your own notes, find for a port."""
    from liveengine.app import calibration
    from liveengine.app.console import open_console
    from liveengine.app.live_sets import SHOWN
    from liveengine.app.loading import PlayOptions
    from liveengine.config.settings import load_engine_settings

    given: dict[str, Any] = {
        "quantum": quantum,
        "backend": backend.value if backend else None,
        "port": port,
        "kit": kit,
        "listen_port": listen_port,
        "live_host": live_host,
        "live_port": live_port,
        "live_reply_port": live_reply_port,
    }
    settings = replace(
        load_engine_settings(config), **{name: value for name, value in given.items() if value is not None}
    )
    options = PlayOptions(settings=settings, clock=clock.value, bpm=bpm)
    heard_as = (live_input or port or SHOWN) if live else None
    calibration.calibrate(options, voice, open_console(), listening=listen, live_input=heard_as)
