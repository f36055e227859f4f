"""The man page, made from the commands and their options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperGroup, TyperOption

import liveengine

SEE_ALSO = "https://www.ableton.com/link, jackd(1), systemd(1)"


def man_page(group: TyperGroup, name: str = "liveengine") -> str:
    """Return the man page of a command line in roff (man(7)), with every option, hidden ones too."""
    root = typer.Context(group, info_name=name)
    lines = [
        f'.TH {name.upper()} 1 "" "{name} {liveengine.__version__}" "User Commands"',
        ".SH NAME",
        f"{name} \\- a live drummer for Ableton Link",
        ".SH SYNOPSIS",
        f".B {name}",
        "COMMAND [OPTIONS]",
        ".SH DESCRIPTION",
        _escaped(group.help or ""),
        ".SH OPTIONS",
        *_options(group, root),
        ".SH COMMANDS",
        *_commands(group, root),
        ".SH SEE ALSO",
        _escaped(SEE_ALSO),
    ]
    return "\n".join(lines) + "\n"


def _commands(group: TyperGroup, parent: typer.Context) -> Iterator[str]:
    for name, command in group.commands.items():
        context = typer.Context(command, info_name=name, parent=parent)
        if isinstance(command, TyperGroup):
            yield from _commands(command, context)
            continue
        usage = command.get_usage(context).removeprefix("Usage:").strip()
        yield f".SS {_escaped(usage)}"
        yield _escaped(command.help or "")
        yield from _options(command, context)


def _options(command: Any, context: typer.Context) -> Iterator[str]:
    for each in command.params:
        is_hidden = isinstance(each, TyperOption) and each.hidden
        if is_hidden:
            each.hidden = False
        record = each.get_help_record(context)
        if is_hidden:
            each.hidden = True
        if record is not None:
            yield from (".TP", f".B {_escaped(record[0])}", _escaped(record[1]))


def _escaped(text: str) -> str:
    """Return text that roff takes literally: no escapes, no line that begins as a request does."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{plain}" if plain.startswith((".", "'")) else plain
