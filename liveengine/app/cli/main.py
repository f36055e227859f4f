"""The command line: every command, each in a file of its name."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from liveengine.app.cli import (
    api,
    calibrate,
    doctor,
    drummers,
    generate,
    integrate,
    kits,
    learn,
    learn_midi,
    live_set,
    maps,
    mcp,
    new,
    play,
    ports,
    recover,
    replay,
    report,
    styles,
    worker,
)
from liveengine.app.logs import set_up_logging
from liveengine.errors import LAUNCHER, LiveEngineError

COMPLETE_VARIABLE = "_LIVEENGINE_COMPLETE"
"""Set by the shell that asks what could be typed next."""
app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A live drummer for Ableton Link: plays drums bar-ahead, in time, through a virtual MIDI port.",
)


def _print_version(asked: bool) -> None:
    if asked:
        import liveengine

        typer.echo(f"liveengine {liveengine.__version__}")
        raise typer.Exit


@app.callback()
def options(
    log_level: Annotated[
        str, typer.Option(help="What is logged to standard error: debug, info, warning, error.")
    ] = "warning",
    log_json: Annotated[bool, typer.Option("--log-json", help="One JSON object a line.")] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
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
    live_set.live_set,
    report.report,
    replay.replay,
    recover.recover,
    styles.styles,
    drummers.drummers,
    maps.maps,
    mcp.mcp,
    kits.kits,
    kits.kit_from,
    ports.ports,
    doctor.doctor,
    integrate.integrate,
):
    app.command()(_command)
app.add_typer(new.new, name="new")


def main() -> None:
    """Run the command line; an error of the user's is one clear line and exit status 2."""
    launcher = os.environ.setdefault(LAUNCHER, launcher_of(sys.argv[0]))
    for command in app.registered_commands:
        if command.callback is play.play:
            command.epilog = play.examples()
    try:
        app(prog_name=launcher, complete_var=COMPLETE_VARIABLE)
    except LiveEngineError as error:
        typer.echo(f"liveengine: {error}", err=True)
        sys.exit(2)


def launcher_of(program: str) -> str:
    """Return what a user types before our arguments, by the program that runs (`sys.argv[0]`)."""
    if Path(program).stem == "__main__":
        return f"{_as_typed(sys.executable)} -m liveengine"
    return _as_typed(program)


def _as_typed(program: str) -> str:
    """Return a program's name where the shell finds it by that, else its path."""
    name = Path(program).name
    found = shutil.which(name)
    is_found = found is not None and Path(program).exists() and Path(found).samefile(program)
    return name if is_found else program
