"""`liveengine play`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from liveengine.app.cli.choices import Backend, ClockKind, Device, GeneratorKind, SwitchMode


def play(  # noqa: PLR0917 - typer makes options of parameters
    style: Annotated[str | None, typer.Option(help="Style by any spelling: 'J Dilla', jdilla.")] = None,
    bpm: Annotated[
        float | None, typer.Option(help="Tempo, 20-999; a running Link session keeps its own.")
    ] = None,
    quantum: Annotated[
        float | None, typer.Option(help="Link quantum in beats; the bar fits it (3 is 3/4).")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeats a performance.")] = None,
    duration: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds to play, from the first downbeat.")
    ] = None,
    backend: Annotated[Backend | None, typer.Option(help="MIDI system.")] = None,
    port: Annotated[
        str | None, typer.Option(help="An existing output port by (part of) its name; else a virtual one.")
    ] = None,
    control_port: Annotated[
        str | None, typer.Option(help="An existing input port for controls; else a virtual one.")
    ] = None,
    kit: Annotated[str | None, typer.Option(help="Kit map: gm, ableton, gmd, 808.")] = None,
    latency_ms: Annotated[
        float | None, typer.Option(help="Compensation; positive sends earlier (-500 to 500).")
    ] = None,
    swing: Annotated[
        float | None, typer.Option(help="Swing in percent, 50 straight, 66.7 triplet, up to 75.")
    ] = None,
    humanize: Annotated[float | None, typer.Option(help="0 on the grid to 1 human.")] = None,
    fill_every: Annotated[
        float | None, typer.Option(help="Bars from fill to fill, up to 16; 0 for none. Default 8.")
    ] = None,
    switch: Annotated[
        SwitchMode | None, typer.Option(help="From where a new style or level is heard.")
    ] = None,
    osc_port: Annotated[
        int | None, typer.Option(help="Take controls by OSC on this UDP port, 0 for any.")
    ] = None,
    web: Annotated[
        bool | None, typer.Option("--web/--no-web", help="Serve the stage page and the HTTP interface.")
    ] = None,
    web_port: Annotated[
        int | None, typer.Option(help="Their port, 0 for any; else 8765, or another where that is taken.")
    ] = None,
    web_host: Annotated[
        str | None,
        typer.Option(help="Their address; beyond 127.0.0.1 a token is needed, shown as a QR code."),
    ] = None,
    generator: Annotated[
        GeneratorKind | None, typer.Option(help="Who makes the bars: this machine, or workers.")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(envvar="LIVEENGINE_BROKER", help="The workers' broker, redis://...")
    ] = None,
    midi_clock: Annotated[
        bool | None,
        typer.Option("--midi-clock/--no-midi-clock", help="Send MIDI clock, start, stop, song position."),
    ] = None,
    start_stop_sync: Annotated[
        bool | None,
        typer.Option(
            "--start-stop-sync/--no-start-stop-sync", help="Share starts and stops with the session."
        ),
    ] = None,
    take: Annotated[Path | None, typer.Option(help="Write what was played as a MIDI file.")] = None,
    trace: Annotated[Path | None, typer.Option(help="Write the trace as JSON Lines.")] = None,
    device: Annotated[Device | None, typer.Option(help="Where the model runs.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
    set_list: Annotated[
        Path | None, typer.Option(help="Play a set: a YAML file of scenes by bar or marker.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (see configs/engine.yaml).")] = None,
    clock: Annotated[
        ClockKind, typer.Option(help="Link, the machine's own clock, or virtual time (at once).")
    ] = ClockKind.LINK,
    ui: Annotated[bool, typer.Option("--ui/--no-ui", help="Terminal view, or plain lines.")] = True,
) -> None:
    """Join the Link session and play."""
    from rich.console import Console

    from liveengine.app.loading import PlayOptions
    from liveengine.app.play import play as play_options
    from liveengine.config.settings import load_engine_settings

    given: dict[str, Any] = {
        "style": style,
        "quantum": quantum,
        "seed": seed,
        "backend": backend.value if backend else None,
        "port": port,
        "control_port": control_port,
        "kit": kit,
        "latency_ms": latency_ms,
        "swing_percent": swing,
        "humanize": humanize,
        "fill_every": fill_every,
        "switch": switch.value if switch else None,
        "osc_port": osc_port,
        "web": web,
        "web_port": web_port,
        "web_host": web_host,
        "generator": generator.value if generator else None,
        "broker": broker,
        "midi_clock": midi_clock,
        "start_stop_sync": start_stop_sync,
        "device": device.value if device else None,
    }
    settings = replace(
        load_engine_settings(config), **{name: value for name, value in given.items() if value is not None}
    )
    play_options(
        PlayOptions(
            settings=settings,
            clock=clock.value,
            bpm=bpm,
            duration_s=duration,
            take=take,
            trace=trace,
            checkpoint=checkpoint,
            set_list=set_list,
            show_view=ui,
        ),
        Console(soft_wrap=True),
    )
