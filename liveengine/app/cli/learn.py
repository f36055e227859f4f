"""`liveengine learn`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liveengine.app.cli.live_options import HOST, PORT, REPLY_PORT, LiveHost, LivePort, LiveReplyPort


def learn(  # noqa: PLR0917 - typer makes options of parameters
    folder: Annotated[
        str,
        typer.Argument(
            help="Folder with your MIDI files (.mid), subfolders too; or live:TRACK, all clips of it in Live."
        ),
    ],
    name: Annotated[str, typer.Option(help="What to call the style.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; else where `play` looks for your styles.")
    ] = None,
    kit: Annotated[str | None, typer.Option(help="The kit of the files: see `kits`; or a file.")] = None,
    drum_map: Annotated[
        Path | None, typer.Option("--map", help="YAML file of `note: voice` for notes of a kit of your own.")
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(help="Read this track, by number or name, instead of those that are drums."),
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, max=600, help="Most that learning takes.")] = 6.0,
    seed: Annotated[int, typer.Option(min=0, help="Repeats the choice of held-out bars.")] = 1,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
    live_host: LiveHost = HOST,
    live_port: LivePort = PORT,
    live_reply_port: LiveReplyPort = REPLY_PORT,
    force: Annotated[
        bool,
        typer.Option("--force", help="Learn that style anew; else the next free name is taken."),
    ] = False,
) -> None:
    """Learn a style of your own from MIDI files; `play --style NAME` plays it."""
    from contextlib import nullcontext

    from liveengine.app import style_learning
    from liveengine.app.console import open_console
    from liveengine.app.live_clips import LiveAddress, as_folder, is_in_live

    live = LiveAddress(live_host, live_port, live_reply_port)
    with as_folder(folder, live) if is_in_live(folder) else nullcontext(Path(folder)) as files:
        style_learning.learn(
            style_learning.LearnOptions(
                files, name, out, kit, drum_map, tuple(track or ()), minutes, seed, checkpoint, force
            ),
            open_console(),
        )
