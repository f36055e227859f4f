"""`liveengine play`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from liveengine.app.cli.choices import (
    MORE,
    Backend,
    ClockKind,
    Device,
    GeneratorKind,
    JamMode,
    SwitchMode,
    show_all,
)
from liveengine.app.cli.live_options import HOST_HELP, PORT_HELP, REPLY_HELP
from liveengine.errors import as_started

MUSIC, CONNECTIONS, FILES, MODEL = (
    {"rich_help_panel": name} for name in ("Music", "Connections", "Files", "The model")
)


def examples() -> str:
    """Return some ways to start, as they can be pasted."""
    given = (
        '--style "J Dilla" --bpm 92',
        "--style house --swing 56 --take set.mid",
        "--set-list set.yaml --web-host 0.0.0.0",
    )
    return "\n\n".join(["Examples:", *(f"{as_started('play')} {each}" for each in given)])


def play(  # noqa: PLR0917 - typer makes options of parameters
    style: Annotated[
        str | None, typer.Option(help="'J Dilla', jdilla, or a file, ./mine.yaml.", **MUSIC)
    ] = None,
    swing: Annotated[float | None, typer.Option(help="50 straight, 66.7 triplet, to 75.", **MUSIC)] = None,
    humanize: Annotated[float | None, typer.Option(help="0 on the grid, 1 human.", **MUSIC)] = None,
    fill_every: Annotated[
        float | None, typer.Option(help="Bars from fill to fill, to 16; 0 for none.", **MUSIC)
    ] = None,
    count_in: Annotated[
        float | None, typer.Option(help="Bars of count-in at each start, to 2.", **MUSIC, **MORE)
    ] = None,
    kit: Annotated[str | None, typer.Option(help="gm, 808 ...: see `kits`; or a file.", **MUSIC)] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Repeats a performance.", **MUSIC, **MORE)] = None,
    switch: Annotated[
        SwitchMode | None,
        typer.Option(
            metavar="WHEN", help="Styles change at: instant, beat, bar, phrase_4, phrase.", **MUSIC, **MORE
        ),
    ] = None,
    bpm: Annotated[
        float | None, typer.Option(help="20-999; a running session keeps its own.", **MUSIC)
    ] = None,
    quantum: Annotated[
        float | None, typer.Option(help="Beats of Link's phase and of a bar: 3 is 3/4.", **MUSIC, **MORE)
    ] = None,
    latency_ms: Annotated[
        float | None, typer.Option(help="Send so much earlier, -500 to 500.", **CONNECTIONS)
    ] = None,
    duration: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0.1, help="How long to play.", **MUSIC, **MORE)
    ] = None,
    clock: Annotated[
        ClockKind,
        typer.Option(
            metavar="CLOCK", help="link, midi, tap, system, virtual (at once).", **CONNECTIONS, **MORE
        ),
    ] = ClockKind.LINK,
    midi_clock: Annotated[
        bool | None,
        typer.Option(
            "--midi-clock/--no-midi-clock", help="Send MIDI clock, start, stop.", **CONNECTIONS, **MORE
        ),
    ] = None,
    start_stop_sync: Annotated[
        bool | None,
        typer.Option(
            "--start-stop-sync/--no-start-stop-sync", help="Share starts and stops.", **CONNECTIONS, **MORE
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Names a second engine's ports, page, files.", **CONNECTIONS)
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="An existing output, by part of its name.", **CONNECTIONS)
    ] = None,
    control_port: Annotated[
        str | None, typer.Option(help="An existing input for controls, likewise.", **CONNECTIONS)
    ] = None,
    control_map: Annotated[
        str | None,
        typer.Option(
            "--map", help="Your controller, of `liveengine maps`, or a file.", **CONNECTIONS, **MORE
        ),
    ] = None,
    jam: Annotated[
        JamMode | None,
        typer.Option(metavar="HOW", help="Hear: follow, complement, trade, off.", **MUSIC),
    ] = None,
    drummer: Annotated[
        str | None,
        typer.Option(help="Whose personality: of `liveengine drummers`, style or none.", **MUSIC, **MORE),
    ] = None,
    sync_port: Annotated[
        str | None, typer.Option(help="An existing input of MIDI clock.", **CONNECTIONS, **MORE)
    ] = None,
    wait: Annotated[
        bool | None,
        typer.Option("--wait/--no-wait", help="Begin with the session's next start.", **CONNECTIONS, **MORE),
    ] = None,
    lead: Annotated[
        bool | None,
        typer.Option("--lead/--no-lead", help="Taps and nudges move Link.", **CONNECTIONS, **MORE),
    ] = None,
    bridge_link: Annotated[
        bool | None,
        typer.Option("--bridge-link/--no-bridge-link", help="MIDI clock leads Link.", **CONNECTIONS, **MORE),
    ] = None,
    live_clips: Annotated[
        str | None,
        typer.Option(metavar="TRACK", help="Captures go into this track of Live too.", **CONNECTIONS, **MORE),
    ] = None,
    listen_port: Annotated[
        str | None, typer.Option(help="An existing input of players to hear.", **CONNECTIONS, **MORE)
    ] = None,
    live: Annotated[
        bool | None,
        typer.Option(
            "--live/--no-live", help="Follow Ableton Live's song; else where found.", **CONNECTIONS, **MORE
        ),
    ] = None,
    live_host: Annotated[str | None, typer.Option(help=HOST_HELP, **CONNECTIONS, **MORE)] = None,
    live_port: Annotated[int | None, typer.Option(help=PORT_HELP, **CONNECTIONS, **MORE)] = None,
    live_reply_port: Annotated[int | None, typer.Option(help=REPLY_HELP, **CONNECTIONS, **MORE)] = None,
    backend: Annotated[
        Backend | None,
        typer.Option(
            metavar="SYSTEM", help="auto, alsa, jack, coremidi, winmm, file.", **CONNECTIONS, **MORE
        ),
    ] = None,
    take: Annotated[Path | None, typer.Option(help="Write what was played as MIDI.", **FILES)] = None,
    set_list: Annotated[Path | None, typer.Option(help="Play a set of scenes, a YAML file.", **FILES)] = None,
    config: Annotated[Path | None, typer.Option(help="Settings; see configs/engine.yaml.", **FILES)] = None,
    trace: Annotated[Path | None, typer.Option(help="Write all that happened.", **FILES, **MORE)] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over files; else the next free name.", **FILES, **MORE)
    ] = False,
    web_host: Annotated[
        str | None, typer.Option(help="0.0.0.0 lets a tablet in, with a token.", **CONNECTIONS)
    ] = None,
    web_port: Annotated[
        int | None, typer.Option(help="Else 8765, or the next free; 0 is any.", **CONNECTIONS, **MORE)
    ] = None,
    web: Annotated[
        bool | None, typer.Option("--web/--no-web", help="Serve page and HTTP.", **CONNECTIONS, **MORE)
    ] = None,
    osc_port: Annotated[
        int | None, typer.Option(help="Take OSC on this UDP port, 0 for any.", **CONNECTIONS, **MORE)
    ] = None,
    ui: Annotated[
        bool, typer.Option("--ui/--no-ui", help="Terminal view, or lines.", **CONNECTIONS, **MORE)
    ] = True,
    device: Annotated[
        Device | None, typer.Option(metavar="DEVICE", help="auto, cpu, cuda.", **MODEL, **MORE)
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A checkpoint folder of your own.", **MODEL, **MORE)
    ] = None,
    generator: Annotated[
        GeneratorKind | None,
        typer.Option(metavar="WHO", help="Who makes bars: local, celery.", **MODEL, **MORE),
    ] = None,
    broker: Annotated[
        str | None,
        typer.Option(
            envvar="LIVEENGINE_BROKER",
            show_envvar=False,
            help="The workers' broker, redis://...",
            **MODEL,
            **MORE,
        ),
    ] = None,
    _help_all: Annotated[
        bool, typer.Option("--help-all", help="Show all options.", is_eager=True, callback=show_all)
    ] = False,
) -> None:
    """Join the Link session and play."""
    from liveengine.app.console import open_console
    from liveengine.app.loading import PlayOptions
    from liveengine.app.play import play as play_options
    from liveengine.config.settings import load_engine_settings
    from liveengine.config.user_files import free_path

    given: dict[str, Any] = {
        "name": name,
        "style": style,
        "quantum": quantum,
        "seed": seed,
        "backend": backend.value if backend else None,
        "port": port,
        "control_port": control_port,
        "map": control_map,
        "live_clips": live_clips,
        "listen_port": listen_port,
        "sync_port": sync_port,
        "wait": wait,
        "lead": lead,
        "bridge_link": bridge_link,
        "jam": jam.value if jam else None,
        "drummer": drummer,
        "kit": kit,
        "latency_ms": latency_ms,
        "swing_percent": swing,
        "humanize": humanize,
        "fill_every": fill_every,
        "count_in": count_in,
        "switch": switch.value if switch else None,
        "osc_port": osc_port,
        "live": live,
        "live_host": live_host,
        "live_port": live_port,
        "live_reply_port": live_reply_port,
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
        load_engine_settings(config), **{key: value for key, value in given.items() if value is not None}
    )
    console = open_console()

    def kept(path: Path | None) -> Path | None:
        """Return where to write instead of over a file."""
        free = path if force or path is None else free_path(path)
        if free != path:
            console.print(f"{path} is kept: written to {free} (--force writes over it)")
        return free

    play_options(
        PlayOptions(
            settings=settings,
            clock=clock.value,
            bpm=bpm,
            duration_s=duration,
            take=kept(take),
            trace=kept(trace),
            checkpoint=checkpoint,
            set_list=set_list,
            show_view=ui,
        ),
        console,
    )
