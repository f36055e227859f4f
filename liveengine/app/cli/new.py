"""`liveengine new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

new = typer.Typer(no_args_is_help=True, help="Begin a file of your own: a style, a kit, a control map.")

Name = Annotated[str, typer.Argument(help="What to call it.")]
Out = Annotated[Path | None, typer.Option(help="The file; else NAME.yaml here.")]


@new.command()
def style(
    name: Name,
    like: Annotated[str, typer.Option(help="The style to begin from, by any spelling.")] = "funk",
    out: Out = None,
) -> None:
    """Write a commented style file to change by hand."""
    from liveengine.app.templates import new_style
    from liveengine.errors import as_started

    path = new_style(name, like, out)
    typer.echo(f"written: {path}\nplay it: {as_started('play')} --style {typed(path)}")


@new.command()
def kit(
    name: Name,
    like: Annotated[str, typer.Option(help="The kit to begin from; see `liveengine kits`.")] = "gm",
    out: Out = None,
) -> None:
    """Write a commented kit file to change by hand."""
    from liveengine.app.templates import new_kit
    from liveengine.errors import as_started

    path = new_kit(name, like, out)
    typer.echo(f"written: {path}\nplay it: {as_started('play')} --kit {typed(path)}")


@new.command(name="map")
def control_map(
    name: Name,
    like: Annotated[str, typer.Option(help="The map to begin from; see `liveengine maps`.")],
    out: Out = None,
) -> None:
    """Write a control map like a ready one, to change by hand."""
    from liveengine.app.templates import new_map
    from liveengine.errors import as_started

    path = new_map(name, like, out)
    typer.echo(f"written: {path}\nplay it: {as_started('play')} --map {typed(path)}")


def typed(path: Path) -> str:
    """Return a path as it is typed: with a folder, so that it is taken for a file."""
    return str(path) if path.is_absolute() else f"./{path}"
