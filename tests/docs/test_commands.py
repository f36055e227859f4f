"""Every command that README and docs print exists, with its options; those of the README run."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest
import typer
from fastapi import FastAPI
from typer.core import TyperGroup

from liveengine.app.cli.main import app
from liveengine.config.settings import load_styles
from liveengine.engine.note_learning import NoteLearning
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook
from liveengine.service.app import PREFIX as SERVICE
from liveengine.web.app import make_app
from liveengine.web.kits import add_kits
from tests.commands import run_script

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
OURS = ("./tools/play", "tools/play", "liveengine")
ELSEWHERE = ("pip", "celery", "git", "cd", "sudo", "modprobe", "pipx", "uvx", "systemctl", "loginctl", "rm")
"""Other people's programs."""
SHELL_BLOCK = re.compile(r"```(?:sh|bash)\n(.*?)```", re.DOTALL)


def commands(page: Path) -> Iterator[str]:
    """Yield the commands of a page's shell blocks, each on one line, without comments."""
    for block in SHELL_BLOCK.findall(page.read_text(encoding="utf-8")):
        joined = re.sub(r"\\\n\s*", "", block)
        whole = ""
        for line in joined.splitlines():
            whole = f"{whole}\n{line}" if whole else line
            if whole.count("'") % 2:  # a quoted text goes on
                continue
            if whole.strip() and not whole.strip().startswith("#"):
                yield whole.strip()
            whole = ""


PRINTED = [(page.name, command) for page in PAGES for command in commands(page)]


def parsed(command: str) -> list[str]:
    return shlex.split(command, comments=True)


def as_play(arguments: list[str]) -> list[str]:
    """Return the arguments of `liveengine` for those of tools/play."""
    if not arguments or arguments[0].startswith("-"):
        return ["play", *arguments]
    return arguments


@pytest.mark.parametrize(("page", "command"), PRINTED)
def test_a_printed_command_exists_with_its_options(page: str, command: str) -> None:
    program, *arguments = parsed(command)
    if program in OURS:
        if program != "liveengine":
            arguments = as_play(arguments)
        if arguments == ["help"]:  # tools/play's own
            return
        group = typer.main.get_command(app)
        assert isinstance(group, TyperGroup)
        known = group.commands.get(arguments[0])
        assert known is not None, f"{page}: {arguments[0]!r} is no command"
        known.make_context(arguments[0], arguments[1:])
    elif program == "curl":
        assert path_of(arguments) in served(), f"{page}: {command}"
    elif program.endswith("python") or program.startswith(("./tools/", "tools/")):
        script = arguments.pop(0) if program.endswith("python") else program
        text = (ROOT / script).read_text()
        options = [each for each in arguments if each.startswith("--")]
        assert all(f'"{each}"' in text or f"{each})" in text or f"{each} " in text for each in options), (
            f"{page}: {command}"
        )
    else:
        assert program in ELSEWHERE, f"{page}: {program!r} is no program of ours"


def path_of(arguments: list[str]) -> str:
    """Return the path of a curl command, with names for what it fills in."""
    address = next(each for each in arguments if "/" in each and "application/json" not in each)
    path = "/" + re.sub(r"^https?://", "", address).partition("/")[2]
    return re.sub(r"(/controls|/actions|/scenes|/kits)/[^/]+", r"\1/{name}", path)


def served() -> set[str]:
    live: FastAPI = make_app(load_styles(), lambda *_: None, dict, tuple)
    add_kits(live, lambda *_: None, KitBook(GENERAL_MIDI_KIT), NoteLearning())
    return {*live.openapi()["paths"], f"{SERVICE}/generate", f"{SERVICE}/styles", f"{SERVICE}/health"}


def test_all_pages_are_read() -> None:
    assert len(PRINTED) > 40
    assert {page for page, _ in PRINTED} >= {"README.md", "service.md", "controls.md", "CONTRIBUTING.md"}


def test_the_readme_s_commands_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Those that end by themselves, one after the other, in one folder and in virtual time."""
    from liveengine.app.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "none-such")
    shorter = ("--clock", "virtual", "--duration", "4")

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["liveengine", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        assert not ended.value.code, f"{arguments}: {printed.err}"
        return printed.out

    ours = [parsed(each) for page, each in PRINTED if page == "README.md" and parsed(each)[0] in OURS]
    done: dict[str, str] = {}
    for _, *arguments in ours:
        call = as_play(arguments)
        if call[0] == "play" and not {"--checkpoint", "My Beats", "set.yaml", "--web-host"} & set(call):
            done[" ".join(call)] = run(*call, *shorter)
        elif call[0] in {"styles", "ports", "doctor", "report", "generate"}:
            done[" ".join(call)] = run(*call)
    assert len(done) >= 7
    assert mido.MidiFile(tmp_path / "t.mid").length > 1
    assert "<svg" in (tmp_path / "t.html").read_text()
    assert mido.MidiFile(tmp_path / "patterns" / "output.mid").length == pytest.approx(
        4 * 4 * 60 / 95, abs=0.7
    )


def test_a_script_of_a_page_says_what_it_takes() -> None:
    for page, command in PRINTED:
        program, *arguments = parsed(command)
        if program.endswith("python") and page == "README.md":
            done = run_script(ROOT / arguments[0], "--help")
            assert done.returncode == 0, done.stderr
            assert all(each in done.stdout for each in arguments if each.startswith("--"))
