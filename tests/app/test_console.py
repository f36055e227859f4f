"""What is printed: names as they are, and outputs that fail without ending anything."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

import liveengine
from liveengine.app.console import open_console

NAMES = ("x[/b].mid", "[]_[Drums]_[tqF].mid", ":drum:.mid", "[red]Intro[/]", "[link=x]")
NEEDS_FULL_DEVICE = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_text_alone_and_in_tables(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    console = open_console()
    console.print(name)
    console.print(f"kept: {name}", style="yellow")
    table = Table("name", box=None)
    table.add_row(name)
    console.print(table)
    shown = capsys.readouterr().out.splitlines()
    assert [line.strip() for line in shown] == [name, f"kept: {name}", "name", name]


def test_every_command_prints_by_this_console() -> None:
    package = Path(liveengine.__file__).parent
    makers = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bConsole\((?!quiet=True\))", path.read_text(encoding="utf-8"))
    ]
    assert makers == ["app/console.py"]


def test_a_character_that_the_output_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))
    open_console().print("d\u00fcm \udcff")
    assert written.getvalue() == b"d\\xfcm \\udcff\n"


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("liveengine"), "propagate", True)
    return caplog


@NEEDS_FULL_DEVICE
def test_an_output_on_a_full_disk_is_told_once_and_off(
    monkeypatch: pytest.MonkeyPatch, told: pytest.LogCaptureFixture
) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdout", full)
        console = open_console()
        for bar in range(100):
            console.print(f"bar {bar}")
    assert [record.getMessage().split(": ")[0] for record in told.records] == [
        "standard output failed and is off"
    ]


def test_an_output_that_is_closed_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = io.StringIO()
    monkeypatch.setattr(sys, "stdout", gone)
    console = open_console()
    gone.close()
    console.print("nobody hears this")
    monkeypatch.setattr(sys, "stdout", None)
    open_console().print("nor this")


def test_a_pipe_whose_reader_has_gone_is_told_once_and_the_program_ends_well() -> None:
    program = (
        "from liveengine.app.console import open_console\n"
        "import sys\n"
        "console = open_console()\n"
        "sys.stdin.readline()\n"
        "for bar in range(1000): console.print(f'bar {bar}')\n"
        "sys.stderr.write('ended\\n')\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    child.stdout.close()
    child.stdout = None
    _, errors = child.communicate("go\n")
    assert child.returncode == 0
    assert errors.count("standard output failed and is off") == 1
    assert errors.endswith("ended\n")
