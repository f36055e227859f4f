"""`liveengine mcp`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def mcp(  # noqa: PLR0917 - typer makes options of parameters
    url: Annotated[
        str, typer.Option(help="The engine that plays, by its page's address.")
    ] = "http://127.0.0.1:8765",
    token: Annotated[
        str | None,
        typer.Option(envvar="LIVEENGINE_TOKEN", help="The token in that address, beyond this machine."),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where patterns are written.")] = Path(),
    http: Annotated[
        int | None,
        typer.Option(help="Serve over HTTP on this port, 0 for any; else on standard input and output."),
    ] = None,
    host: Annotated[str, typer.Option(help="Address for --http.")] = "127.0.0.1",
    serve_token: Annotated[
        str | None, typer.Option(help="What callers of --http must have, beyond this machine.")
    ] = None,
    checkpoint: Annotated[Path | None, typer.Option(help="A checkpoint folder of your own.")] = None,
) -> None:
    """Let an assistant play: the drummer's commands as tools of the Model Context Protocol."""
    from liveengine.app.engine_client import EngineClient
    from liveengine.errors import ConfigError

    try:
        from liveengine.app import assistants
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mcp":
            raise
        raise ConfigError(f"mcp needs `pip install 'liveengine[mcp]'`: {error}") from error
    tools = assistants.Tools(EngineClient(url, token), folder.absolute(), checkpoint)
    if http is None:
        assistants.serve_stdio(tools)
    else:
        assistants.serve_http(tools, host, http, serve_token, typer.echo)
