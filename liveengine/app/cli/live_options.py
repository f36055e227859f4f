"""Options that say where Ableton Live is."""

from __future__ import annotations

from typing import Annotated

import typer

from liveengine.app.cli.choices import MORE

LiveHost = Annotated[str, typer.Option(help="The machine on which Live runs, with AbletonOSC.", **MORE)]
LivePort = Annotated[int, typer.Option(help="The UDP port that AbletonOSC listens on.", **MORE)]
LiveReplyPort = Annotated[int, typer.Option(help="The UDP port that it answers to.", **MORE)]
HOST, PORT, REPLY_PORT = "127.0.0.1", 11000, 11001
