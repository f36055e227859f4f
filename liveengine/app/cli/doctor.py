"""`liveengine doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    kit: Annotated[str | None, typer.Option(help="A kit to look at: its name, or a file.")] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Run the cures that are commands, by sudo where root is needed.")
    ] = False,
) -> None:
    """Check what playing needs, one line each, with the cure where something is missing."""
    from rich.text import Text

    from liveengine.app.console import open_console
    from liveengine.app.cures import apply
    from liveengine.app.diagnosis import examine
    from liveengine.errors import as_started

    console = open_console()
    findings = examine(kit)
    for finding in findings:
        bad = ("bad ", "red") if finding.vital else ("note", "yellow")
        mark = Text.assemble(("ok  ", "green") if finding.good else bad)
        cure = f"; {finding.cure}" if finding.cure else ""
        console.print(mark + f" {finding.subject}: {finding.found}{cure}")
    cures = [finding.fix for finding in findings if finding.fix is not None]
    if fix:
        console.print(f"{len(cures)} to mend" if cures else "nothing to mend")
        if not apply(cures, console.print):
            raise typer.Exit(1)
    elif cures:
        console.print(f"`{as_started('doctor --fix')}` mends {len(cures)} of these")
    if any(finding.vital and not finding.good for finding in findings):
        raise typer.Exit(1)
