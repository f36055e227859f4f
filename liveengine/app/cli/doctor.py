"""`liveengine doctor`."""

from __future__ import annotations

from typing import Annotated

import typer


def doctor(
    kit: Annotated[str | None, typer.Option(help="A kit to look at: its name, or a file.")] = None,
) -> None:
    """Check what playing needs, one line each, with the cure where something is missing."""
    from rich.console import Console

    from liveengine.app.diagnosis import examine

    console = Console(soft_wrap=True)
    findings = examine(kit)
    for finding in findings:
        mark = "[green]ok[/]  " if finding.good else "[red]bad[/] " if finding.vital else "[yellow]note[/]"
        cure = f"; {finding.cure}" if finding.cure else ""
        console.print(f"{mark} {finding.subject}: {finding.found}{cure}", highlight=False)
    if any(finding.vital and not finding.good for finding in findings):
        raise typer.Exit(1)
