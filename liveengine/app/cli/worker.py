"""`liveengine worker`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from liveengine.app.cli.choices import Device


def worker(  # noqa: PLR0917 - typer makes options of parameters
    broker: Annotated[str, typer.Option(envvar="LIVEENGINE_BROKER", help="redis://host:6379/0")],
    store: Annotated[
        str | None, typer.Option(help="The same as of `liveengine api`: a folder, or s3://bucket/prefix.")
    ] = None,
    queues: Annotated[
        str, typer.Option(help="What to work at: generation (a GPU helps), files (no model), bars (live).")
    ] = "generation,files,bars",
    device: Annotated[Device, typer.Option(help="Where the model runs.")] = Device.AUTO,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
    visibility_s: Annotated[
        int, typer.Option(min=5, help="A dead worker's jobs go to another after so long.")
    ] = 60,
    log_level: Annotated[str, typer.Option(help="What is logged: debug, info, warning, error.")] = "warning",
) -> None:
    """Work for a service: decode patterns and live bars that come over a broker."""
    from liveengine.errors import ConfigError
    from liveengine.service.server import default_store

    try:
        from liveengine.service.celery_app import WorkerOptions, work
    except ImportError as error:
        raise ConfigError(f"workers need `pip install liveengine[workers]`: {error}") from error

    names = tuple(name.strip() for name in queues.split(",") if name.strip())
    work(
        WorkerOptions(
            broker, store or default_store(), names, device.value, checkpoint, visibility_s, log_level
        )
    )
