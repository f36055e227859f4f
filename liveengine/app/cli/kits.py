"""`liveengine kits` and `liveengine kit-from`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ExportFormat(StrEnum):
    """What a kit's note names may be written for."""

    REAPER = "reaper"
    MIDNAM = "midnam"
    CUBASE = "cubase"


def kits(
    name: Annotated[str | None, typer.Argument(help="One kit: its notes, and what stands for what.")] = None,
    export: Annotated[
        ExportFormat | None, typer.Option(help="Write its note names for another program.", metavar="FORMAT")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file; else NAME here.")] = None,
) -> None:
    """List the kits, your own after the shipped: what --kit takes. With a name, show or export one.

    The formats are reaper (note names), midnam (MIDI name document) and cubase (drum map).
    """
    if name is None:
        _list()
    elif export is None:
        _show(name)
    else:
        _export(name, export.value, out)


def _list() -> None:
    from rich.table import Table

    from liveengine.app.console import open_console
    from liveengine.config.kits import kit_paths, load_kit_file
    from liveengine.errors import LiveEngineError

    console = open_console()
    table = Table("name", "title", "articulations", "hi-hat", box=None)
    faults: list[str] = []
    for path in kit_paths():
        try:
            kit = load_kit_file(path)
        except LiveEngineError as error:
            faults.append(str(error))
            continue
        hat = f"CC {kit.pedal.controller}" if kit.pedal else "notes"
        table.add_row(kit.name, kit.title, str(len(kit.sounds)), hat)
    console.print(table)
    for fault in faults:
        open_console(stderr=True).print(fault, style="yellow")


def _show(name: str) -> None:
    from rich.table import Table

    from liveengine.app.console import open_console
    from liveengine.config.kits import find_kit

    kit = find_kit(name)
    console = open_console()
    console.print(f"{kit.title or kit.name}. {kit.source}")
    table = Table("channel", "note", "articulation", box=None)
    for (channel, note), articulation in sorted(kit.table().items()):
        table.add_row(str(channel), str(note), articulation)
    console.print(table)
    for articulation, nearest in kit.folded().items():
        console.print(f"{articulation} is played as {nearest}")


def _export(name: str, how: str, out: Path | None) -> None:
    from liveengine.config.kits import find_kit
    from liveengine.config.user_files import free_path, save_text
    from liveengine.music.kit_export import EXPORTS

    kit = find_kit(name)
    end, written = EXPORTS[how]
    path = save_text(out or free_path(Path(f"{kit.name}{end}")), written(kit))
    typer.echo(f"written: {path}")


def kit_from(
    take: Annotated[Path, typer.Argument(help="A MIDI file in which your kit is played.")],
    title: Annotated[str | None, typer.Option(help="What to call it; else as the file is called.")] = None,
    out: Annotated[Path | None, typer.Option(help="The file; else NAME.yaml here.")] = None,
) -> None:
    """Propose a kit from a played take: the kit that explains its notes, and what no kit explains."""
    from liveengine.app.cli.new import typed
    from liveengine.app.kit_proposal import propose, write_proposal
    from liveengine.errors import as_started

    proposal = propose(take, title or take.stem)
    path = write_proposal(proposal, out or Path(f"{take.stem}.yaml"))
    typer.echo(f"written: {path}, like {proposal.like.name}")
    if proposal.unexplained:
        notes = ", ".join(map(str, proposal.unexplained))
        typer.echo(f"unexplained: {notes}; the file says how each was struck")
    typer.echo(f"play it: {as_started('play')} --kit {typed(path)}")
