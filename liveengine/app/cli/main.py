"""The command line: every command, each in a file of its name."""

from __future__ import annotations

import sys

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
from liveengine.errors import LiveEngineError

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A live drummer for Ableton Link: plays drums bar-ahead, in time, through a virtual MIDI port.",
)
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
