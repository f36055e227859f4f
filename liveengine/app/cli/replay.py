"""`liveengine replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def replay(
    played: Annotated[Path, typer.Argument(help="A trace, a take or a capture of `play`.")],
    bar: Annotated[int | None, typer.Option(min=0, help="Only this bar; else all.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the take again, from nothing but what made it.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="The checkpoint that played.")] = None,
) -> None:
    """Make bars of a performance again from what made them, and say whether each came out the same."""
    from liveengine.app.replay import Replay

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
