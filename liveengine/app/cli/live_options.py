"""Options that say where Ableton Live is."""

from __future__ import annotations

from typing import Annotated

import typer

HOST, PORT, REPLY_PORT = "127.0.0.1", 11000, 11001
HOST_HELP, PORT_HELP, REPLY_HELP = (
    "The machine on which Live runs, with AbletonOSC.",
    "The UDP port that AbletonOSC listens on.",
    "The UDP port that it answers to.",
)
LiveHost = Annotated[str, typer.Option(help=HOST_HELP)]
LivePort = Annotated[int, typer.Option(help=PORT_HELP)]
LiveReplyPort = Annotated[int, typer.Option(help=REPLY_HELP)]
