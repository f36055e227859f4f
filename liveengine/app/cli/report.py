"""`liveengine report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    trace: Annotated[Path, typer.Argument(help="A trace that `play --trace` has written.")],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the page; else beside the trace, as .html.")
    ] = None,
) -> None:
    """Show a performance's timing as an HTML page: lateness, generation against its deadline, tempo."""
    from liveengine.errors import ConfigError
    from liveengine.recording.trace_reader import read_performance
    from liveengine.reports.performance import report_page

    page = report_page(read_performance(trace), f"liveengine: {trace.stem}")
    out = out or trace.with_suffix(".html")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"--out {out}: expected a place to write, got: {error}") from error
    typer.echo(f"{out}")
