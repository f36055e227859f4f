"""The command line: every command, each in a file of its name."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from liveengine.app.cli import (
    api,
    calibrate,
    doctor,
    generate,
    learn,
    learn_midi,
    play,
    ports,
    replay,
    report,
    styles,
    worker,
)
from liveengine.app.logs import set_up_logging
from liveengine.errors import LiveEngineError

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A live drummer for Ableton Link: plays drums bar-ahead, in time, through a virtual MIDI port.",
)


@app.callback()
def options(
    log_level: Annotated[
        str, typer.Option(help="What is logged to standard error: debug, info, warning, error.")
    ] = "warning",
    log_json: Annotated[bool, typer.Option("--log-json", help="One JSON object a line.")] = False,
) -> None:
    """A live drummer for Ableton Link: plays drums bar-ahead, in time, through a virtual MIDI port."""
    set_up_logging(log_level, as_json=log_json)


for _command in (
    play.play,
    calibrate.calibrate,
    learn_midi.learn_midi,
    generate.generate,
    api.api,
    worker.worker,
    learn.learn,
    report.report,
    replay.replay,
    styles.styles,
    ports.ports,
    doctor.doctor,
):
    app.command()(_command)


def main() -> None:
    """Run the command line; an error of the user's is one clear line and exit status 2."""
    try:
        app()
    except LiveEngineError as error:
        typer.echo(f"liveengine: {error}", err=True)
        sys.exit(2)
