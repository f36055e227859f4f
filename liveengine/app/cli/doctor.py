"""`liveengine doctor`."""

from __future__ import annotations

import typer


def doctor() -> None:
    """Check what playing needs, one line each, with the cure where something is missing."""
    from rich.console import Console

    from liveengine.app.diagnosis import examine

    console = Console(soft_wrap=True)
    findings = examine()
    for finding in findings:
        mark = "[green]ok[/]  " if finding.good else "[red]bad[/] " if finding.vital else "[yellow]note[/]"
        cure = f"; {finding.cure}" if finding.cure else ""
        console.print(f"{mark} {finding.subject}: {finding.found}{cure}", highlight=False)
    if any(finding.vital and not finding.good for finding in findings):
        raise typer.Exit(1)
