"""The man page holds every command and option, and roff has nothing to say against it."""

from __future__ import annotations

import shutil
import subprocess

import pytest
import typer
from typer.core import TyperGroup

from liveengine.app.cli.main import app
from liveengine.app.manual import man_page


@pytest.fixture(scope="module")
def group() -> TyperGroup:
    made = typer.main.get_command(app)
    assert isinstance(made, TyperGroup)
    return made


def test_every_command_and_every_option_is_in_it(group: TyperGroup) -> None:
    page = man_page(group).replace("\\-", "-")
    for name, command in group.commands.items():
        for sub_name, sub in (
            command.commands if isinstance(command, TyperGroup) else {name: command}
        ).items():
            whole = name if sub_name == name else f"{name} {sub_name}"
            assert f".SS liveengine {whole}" in page
            for option in sub.params:
                assert not option.opts[-1].startswith("--") or option.opts[-1] in page, option.opts


def test_hidden_options_are_told_and_stay_hidden(group: TyperGroup) -> None:
    page = man_page(group)
    assert "\\-\\-quantum" in page
    hidden = {option.name for option in group.commands["play"].params if getattr(option, "hidden", False)}
    assert "quantum" in hidden


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_roff_reads_it_without_a_warning(group: TyperGroup) -> None:
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"],
        input=man_page(group),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
