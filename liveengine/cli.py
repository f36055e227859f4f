"""The command line."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from liveengine.errors import LiveEngineError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A live drummer for Ableton Link: plays drums bar-ahead, in time, through a virtual MIDI port.",
)


class Backend(StrEnum):
    """MIDI systems."""

    AUTO = "auto"
    ALSA = "alsa"
    JACK = "jack"
    COREMIDI = "coremidi"
    WINMM = "winmm"
    FILE = "file"
    NONE = "none"


class Device(StrEnum):
    """Where the model runs."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class ClockKind(StrEnum):
    """Whose time is played in."""

    LINK = "link"
    SYSTEM = "system"
    VIRTUAL = "virtual"


class GeneratorKind(StrEnum):
    """Who makes the bars."""

    LOCAL = "local"
    CELERY = "celery"


class SwitchMode(StrEnum):
    """From where a control that needs new bars is heard."""

    INSTANT = "instant"
    BEAT = "beat"
    BAR = "bar"
    PHRASE_4 = "phrase_4"
    PHRASE = "phrase"


@app.command()
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

    from liveengine import bootstrap
    from liveengine.settings import load_engine_settings

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
    bootstrap.play(
        bootstrap.PlayOptions(
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


@app.command()
def calibrate(  # noqa: PLR0917 - typer makes options of parameters
    bpm: Annotated[
        float | None, typer.Option(help="Tempo, 20-999; a running Link session keeps its own.")
    ] = None,
    quantum: Annotated[float | None, typer.Option(help="Link quantum in beats.")] = None,
    backend: Annotated[Backend | None, typer.Option(help="MIDI system.")] = None,
    port: Annotated[
        str | None, typer.Option(help="An existing output port by (part of) its name; else a virtual one.")
    ] = None,
    kit: Annotated[str | None, typer.Option(help="Kit map: gm, ableton, gmd, 808.")] = None,
    voice: Annotated[str, typer.Option(help="The drum that clicks.")] = "rim",
    clock: Annotated[ClockKind, typer.Option(help="Link, or the machine's own clock.")] = ClockKind.LINK,
    config: Annotated[Path | None, typer.Option(help="Settings file (see configs/engine.yaml).")] = None,
) -> None:
    """Click on every beat, nudge it by key until it sits, and save the latency for this port."""
    from rich.console import Console

    from liveengine import bootstrap
    from liveengine import calibrate as calibration
    from liveengine.settings import load_engine_settings

    given: dict[str, Any] = {
        "quantum": quantum,
        "backend": backend.value if backend else None,
        "port": port,
        "kit": kit,
    }
    settings = replace(
        load_engine_settings(config), **{name: value for name, value in given.items() if value is not None}
    )
    calibration.calibrate(
        bootstrap.PlayOptions(settings=settings, clock=clock.value, bpm=bpm), voice, Console(soft_wrap=True)
    )


@app.command(name="learn-midi")
def learn_midi(
    control: Annotated[str | None, typer.Argument(help="The control to learn; else it asks.")] = None,
    backend: Annotated[Backend, typer.Option(help="MIDI system.")] = Backend.AUTO,
    control_port: Annotated[
        str | None, typer.Option(help="An existing input port by (part of) its name; else a virtual one.")
    ] = None,
) -> None:
    """Touch a knob or pad and name its control: it is kept in your own control map."""
    from rich.console import Console

    from liveengine import learn_midi as learning

    learning.learn_midi(backend.value, control_port, control, Console(soft_wrap=True))


@app.command()
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
    kit: Annotated[str | None, typer.Option(help="Kit map: gm, ableton, gmd, 808.")] = None,
    section: Annotated[
        str | None, typer.Option(help="Part of a song: intro, verse, chorus, break, outro.")
    ] = None,
    given: Annotated[
        Path | None, typer.Option("--input", help="A MIDI file with a beat to go on from.")
    ] = None,
    fill_bars: Annotated[
        str | None, typer.Option(help="Make only these bars of --input again, such as 3,7.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.AUTO,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """Write drum patterns as MIDI files."""
    import random

    from rich.console import Console

    from liveengine import files

    asked = files.asked(
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
        remade=fill_bars,
    )
    files.generate(
        asked, output, Console(soft_wrap=True), count=count, device=device.value, checkpoint=checkpoint
    )


@app.command()
def api(  # noqa: PLR0917 - typer makes options of parameters
    host: Annotated[
        str, typer.Option(help="Address to listen on; beyond 127.0.0.1 keys are needed.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on, 0 for any.")] = 8000,
    store: Annotated[
        str | None, typer.Option(help="Where jobs and files are kept: a folder, or s3://bucket/prefix.")
    ] = None,
    broker: Annotated[
        str | None, typer.Option(help="redis://... hands the jobs to `liveengine worker`; else it does them.")
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", envvar="LIVEENGINE_API_KEYS", help="A key that callers must have; may repeat."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Most that one caller may ask, such as 600/minute.")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.AUTO,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """Serve patterns over HTTP (REST, OpenAPI under /api/v1/docs)."""
    from rich.console import Console

    from liveengine.service import server

    server.serve(
        server.ServiceOptions(host, port, store, broker, device.value, checkpoint, tuple(key or ()), rate),
        Console(soft_wrap=True),
    )


@app.command()
def worker(  # noqa: PLR0917 - typer makes options of parameters
    broker: Annotated[str, typer.Option(envvar="LIVEENGINE_BROKER", help="redis://host:6379/0")],
    store: Annotated[
        str | None, typer.Option(help="The same as of `liveengine api`: a folder, or s3://bucket/prefix.")
    ] = None,
    queues: Annotated[
        str, typer.Option(help="What to work at: generation (a GPU helps), files (no model), bars (live).")
    ] = "generation,files,bars",
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.AUTO,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
    visibility_s: Annotated[
        int, typer.Option(min=5, help="A dead worker's jobs go to another after so long.")
    ] = 60,
    log_level: Annotated[str, typer.Option(help="What is told: info, warning, error.")] = "warning",
) -> None:
    """Work for a service: decode patterns and live bars that come over a broker."""
    from liveengine.errors import ConfigError
    from liveengine.service.server import default_store

    try:
        from liveengine.service.celery_app import WorkerOptions, work
    except ImportError as error:
        raise ConfigError(f"workers need `pip install liveengine[workers]`: {error}") from error

    names = tuple(name.strip() for name in queues.split(",") if name.strip())
    work(
        WorkerOptions(
            broker, store or default_store(), names, device.value, checkpoint, visibility_s, log_level
        )
    )


@app.command()
def learn(  # noqa: PLR0917 - typer makes options of parameters
    folder: Annotated[Path, typer.Argument(help="Folder with your MIDI files (.mid), subfolders too.")],
    name: Annotated[str, typer.Option(help="What to call the style.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write it; else where `play` looks for your styles.")
    ] = None,
    kit: Annotated[str | None, typer.Option(help="Kit map of the files: gm, ableton, gmd, 808.")] = None,
    drum_map: Annotated[
        Path | None, typer.Option("--map", help="YAML file of `note: voice` for notes of a kit of your own.")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0.01, max=600, help="Most that learning takes.")] = 6.0,
    seed: Annotated[int, typer.Option(min=0, help="Repeats the choice of held-out bars.")] = 1,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """Learn a style of your own from MIDI files; `play --style NAME` plays it."""
    from rich.console import Console

    from liveengine import own_style

    own_style.learn(
        own_style.LearnOptions(folder, name, out, kit, drum_map, minutes, seed, checkpoint),
        Console(soft_wrap=True),
    )


@app.command()
def report(
    trace: Annotated[Path, typer.Argument(help="A trace that `play --trace` has written.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page; else beside the trace, as .html.")
    ] = None,
) -> None:
    """Show a performance's timing as an HTML page: lateness, generation against its deadline, tempo."""
    from liveengine.errors import ConfigError
    from liveengine.view.performance import read_performance
    from liveengine.view.report import report_page

    page = report_page(read_performance(trace), f"liveengine: {trace.stem}")
    out = out or trace.with_suffix(".html")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {out}: expected a place to write, got: {error}") from error
    typer.echo(f"{out}")


@app.command()
def replay(
    played: Annotated[Path, typer.Argument(help="A trace, a take or a capture of `play`.")],
    bar: Annotated[int | None, typer.Option(min=0, help="Only this bar; else all.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the take again, from nothing but what made it.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="The checkpoint that played.")] = None,
) -> None:
    """Make bars of a performance again from what made them, and say whether each came out the same."""
    from liveengine.replay import Replay

    again = Replay(played, checkpoint)
    decodes = []
    for each in again.decodes(bar if out is None else None):
        decodes.append(each)
        if bar is not None or not each.same:
            verdict = "the same" if each.same else "NOT the same"
            typer.echo(f"bar {each.bar} from step {each.step} (decode {each.decode_id}): {verdict}")
    notes = again.notes(bar)
    same = sum(each.same for each in decodes), sum(each.same for each in notes)
    typer.echo(
        f"{len(decodes)} decodes, {same[0]} the same to the byte; {len(notes)} notes, {same[1]} the same"
    )
    written = out is None or again.write(out)
    if out is not None:
        typer.echo(f"{out}: {'the same' if written else 'NOT the same'} to the byte")
    if not written or same != (len(decodes), len(notes)):
        raise typer.Exit(1)


@app.command()
def styles(
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """List the styles, your own after the shipped; the number is what Program Change selects."""
    from rich.console import Console
    from rich.table import Table

    from liveengine.repertoire import load_repertoire
    from liveengine.settings import default_checkpoint

    repertoire = load_repertoire(checkpoint or default_checkpoint())
    table = Table("PC", "name", "title", "bpm", "learned genres", box=None)
    for number, each in enumerate(repertoire.styles.styles):
        low, high = each.tempo_bpm
        mixture = ", ".join(f"{genre} {weight:.0%}" for genre, weight in each.genres)
        table.add_row(str(number), each.name, each.title, f"{low:g}-{high:g}", mixture)
    Console().print(table)
    for note in repertoire.notes:
        Console(soft_wrap=True, stderr=True).print(note, style="yellow", highlight=False, markup=False)


@app.command()
def ports() -> None:
    """List the MIDI systems and ports on this machine."""
    from rich.console import Console

    from liveengine.midi import ports as midi_ports

    console = Console(soft_wrap=True)
    found = [name for name in midi_ports.BACKENDS if midi_ports.available_backend(name)]
    if not found:
        cure = midi_ports.NO_MIDI_CURE.get(sys.platform, "start a MIDI system")
        console.print(f"No MIDI system runs here: {cure}.")
    for backend in found:
        listed = midi_ports.list_ports(backend)
        console.print(f"{backend}: outputs: {', '.join(listed.outputs) or 'none'}", highlight=False)
        console.print(f"{backend}: inputs: {', '.join(listed.inputs) or 'none'}", highlight=False)


@app.command()
def doctor() -> None:
    """Check what playing needs, one line each, with the cure where something is missing."""
    from rich.console import Console

    from liveengine.doctor import examine

    console = Console(soft_wrap=True)
    findings = examine()
    for finding in findings:
        mark = "[green]ok[/]  " if finding.good else "[red]bad[/] " if finding.vital else "[yellow]note[/]"
        cure = f"; {finding.cure}" if finding.cure else ""
        console.print(f"{mark} {finding.subject}: {finding.found}{cure}", highlight=False)
    if any(finding.vital and not finding.good for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error of the user's is one clear line and exit status 2."""
    try:
        app()
    except LiveEngineError as error:
        typer.echo(f"liveengine: {error}", err=True)
        sys.exit(2)
