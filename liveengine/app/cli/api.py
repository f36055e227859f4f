"""`liveengine api`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liveengine.app.cli.choices import Device


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
    keep_days: Annotated[
        int, typer.Option(min=0, help="How long the store keeps what has ended; 0 for ever.")
    ] = 30,
    max_wait_s: Annotated[
        float, typer.Option(min=1, help="What would be done later than this is refused at once.")
    ] = 600.0,
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.AUTO,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """Serve patterns over HTTP (REST, OpenAPI under /api/v1/docs)."""
    from liveengine.app.console import open_console
    from liveengine.service import server

    server.serve(
        server.ServiceOptions(
            *(host, port, store, broker, device.value, checkpoint, tuple(key or ()), rate),
            keep_days=keep_days,
            max_wait_s=max_wait_s,
        ),
        open_console(),
    )
