"""`liveengine integrate`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

PARTS = "man, bash, zsh, fish, desktop, service"


def integrate(
    names: Annotated[list[str] | None, typer.Argument(help=f"Which of {PARTS}; else all.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Print them and write nothing.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Take them away again; own files stay.")] = False,
) -> None:
    """Put man page, shell completion, desktop entry and a user service in place."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    from liveengine.app.cli.main import COMPLETE_VARIABLE, app
    from liveengine.app.integration import parts, put_in_place, take_away
    from liveengine.app.manual import man_page
    from liveengine.errors import UnknownNameError

    def manual() -> str:
        group = typer.main.get_command(app)
        assert isinstance(group, typer.core.TyperGroup)
        return man_page(group)

    def completion(shell: str) -> str:
        return (
            get_completion_script(prog_name="liveengine", complete_var=COMPLETE_VARIABLE, shell=shell) + "\n"
        )

    found = parts(_program(), manual, completion)
    for name in names or ():
        if name not in {part.name for part in found}:
            raise UnknownNameError(f"integrate: expected {PARTS}, got {name!r}")
    chosen = [part for part in found if not names or part.name in names]
    if show:
        for part in chosen:
            typer.echo(part.text(), nl=False)
        return
    for path in take_away(chosen) if remove else put_in_place(chosen):
        typer.echo(f"{'removed' if remove else 'written'}: {path}")


def _program() -> str:
    """Return the full path of the command `liveengine` of this environment, else of the one on the path."""
    beside = Path(sys.executable).with_name("liveengine")
    return str(beside) if beside.exists() else shutil.which("liveengine") or str(Path(sys.argv[0]).resolve())
