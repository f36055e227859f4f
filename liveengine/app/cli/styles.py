"""`liveengine styles`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def styles(
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """List the styles, your own after the shipped; the number is what Program Change selects."""
    from rich.table import Table

    from liveengine.app.console import open_console
    from liveengine.config.settings import default_checkpoint
    from liveengine.config.style_library import load_repertoire

    repertoire = load_repertoire(checkpoint or default_checkpoint())
    table = Table("PC", "name", "title", "bpm", "learned genres", box=None)
    for number, each in enumerate(repertoire.styles.styles):
        low, high = each.tempo_bpm
        mixture = ", ".join(f"{genre} {weight:.0%}" for genre, weight in each.genres)
        table.add_row(str(number), each.name, each.title, f"{low:g}-{high:g}", mixture)
    open_console().print(table, soft_wrap=False)
    for note in repertoire.notes:
        open_console(stderr=True).print(note, style="yellow")
