"""`liveengine generate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liveengine.app.cli.choices import Device
from liveengine.app.cli.live_options import HOST, PORT, REPLY_PORT, LiveHost, LivePort, LiveReplyPort


def generate(  # noqa: PLR0917 - typer makes options of parameters
    style: Annotated[str, typer.Option(help="Style by any spelling: 'J Dilla', jdilla.")],
    output: Annotated[Path, typer.Option(help="The MIDI file; with --count, numbered.")] = Path(
        "pattern.mid"
    ),
    bars: Annotated[int | None, typer.Option(help="Bars, 1-64 (4, or as in --input).")] = None,
    tempo: Annotated[float | None, typer.Option(help="Tempo, 20-999; else the style's.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeats a pattern; else one is drawn.")] = None,
    count: Annotated[int, typer.Option(help="Files to make; their seeds follow one by one.")] = 1,
    time_signature: Annotated[str | None, typer.Option(help="Such as 4/4, 7/8.")] = None,
    density: Annotated[float | None, typer.Option(help="Notes, 0 few to 1 many.")] = None,
    energy: Annotated[float | None, typer.Option(help="Loudness, 0 soft to 1 hard.")] = None,
    fill_every: Annotated[int | None, typer.Option(help="A fill each so many bars; 0 for none.")] = None,
    humanize: Annotated[
        float | None, typer.Option(metavar="AMOUNT", help="0 on the grid (off) to 1 human.")
    ] = None,
    swing: Annotated[
        float | None, typer.Option(help="Swing in percent, 50 straight, 66.7 triplet, up to 75.")
    ] = None,
    kit: Annotated[str | None, typer.Option(help="A kit by its name, see `kits`, or a file.")] = None,
    section: Annotated[
        str | None, typer.Option(help="Part of a song: intro, verse, chorus, break, outro.")
    ] = None,
    given: Annotated[
        str | None,
        typer.Option(
            "--input", help="A beat to go on from: a MIDI file, or a clip of Live's, live:TRACK/SLOT."
        ),
    ] = None,
    track: Annotated[
        list[str] | None,
        typer.Option(help="Read this track of --input, by number or name, instead of its drums."),
    ] = None,
    fill_bars: Annotated[
        str | None, typer.Option(help="Make only these bars of --input again, such as 3,7.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files; else the next free name is taken.")
    ] = False,
    to_live: Annotated[
        str | None,
        typer.Option(metavar="TRACK", help="Write it into this track of Live too, in the next free slot."),
    ] = None,
    live_host: LiveHost = HOST,
    live_port: LivePort = PORT,
    live_reply_port: LiveReplyPort = REPLY_PORT,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.AUTO,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """Write drum patterns as MIDI files."""
    import random

    from liveengine.app import pattern_files
    from liveengine.app.console import open_console
    from liveengine.app.live_clips import LiveAddress

    live = LiveAddress(live_host, live_port, live_reply_port)
    asked = pattern_files.asked(
        {
            "style": style,
            "bars": bars,
            "bpm": tempo,
            "seed": random.SystemRandom().randrange(2**31) if seed is None else seed,
            "density": density,
            "energy": energy,
            "fill_every": fill_every,
            "humanize": humanize,
            "swing_percent": swing,
            "kit": kit,
            "section": section,
        },
        time_signature=time_signature,
        given=given,
        live=live,
        tracks=tuple(track or ()),
        remade=fill_bars,
    )
    pattern_files.generate(
        asked,
        output,
        open_console(),
        count=count,
        force=force,
        device=device.value,
        checkpoint=checkpoint,
        to_live=(to_live, live) if to_live is not None else None,
    )
