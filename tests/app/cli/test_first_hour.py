"""What a newcomer meets: help that fits a screen, commands that can be pasted, files that are kept."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from liveengine.app.cli.main import launcher_of, main
from liveengine.errors import LAUNCHER, as_started

ROOT = Path(__file__).parents[3]
SCREEN_LINES = 40

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process, 80 columns wide: status, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv(LAUNCHER, "./tools/play")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["liveengine", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return call


def test_the_help_of_play_fits_a_screen_and_the_rest_is_a_word_away(run: Run) -> None:
    status, everyday, _ = run("play", "--help")
    assert status == 0
    assert len(everyday.splitlines()) <= SCREEN_LINES
    assert './tools/play play --style "J Dilla" --bpm 92' in everyday
    assert "--broker" not in everyday
    _, everything, _ = run("play", "--help-all")
    for option in ("--style", "--broker", "--clock", "--start-stop-sync", "--trace"):
        assert option in everything
    words = set(re.findall(r"[a-z_0-9]+", everything))
    assert {"coremidi", "phrase_4", "virtual", "celery", "cuda"} <= words, "none is broken in a word"


def test_a_command_that_is_mistyped_is_recognised(run: Run) -> None:
    status, _, said = run("stlyes")
    assert status == 2
    assert "Did you mean 'styles'?" in said
    assert "./tools/play" in said


def test_a_style_that_resembles_none_is_not_guessed(run: Run) -> None:
    _, _, said = run("play", "--style", "polkka", "--clock", "virtual", "--duration", "1")
    assert "unknown; all: " in said
    _, _, said = run("play", "--style", "queslove", "--clock", "virtual", "--duration", "1")
    assert "nearest: questlove" in said


def test_the_version_is_printed(run: Run) -> None:
    assert re.fullmatch(r"liveengine \d+\.\d+\.\d+\n", run("--version")[1])


def test_generate_keeps_what_is_there(run: Run, tmp_path: Path, small_checkpoint: Path) -> None:
    made = (
        "generate",
        "--style",
        "funk",
        "--bars",
        "1",
        "--checkpoint",
        str(small_checkpoint),
        "--seed",
        "1",
    )
    assert run(*made)[0] == 0
    first = (tmp_path / "pattern.mid").read_bytes()
    status, said, _ = run(*made[:-1], "2")
    assert status == 0
    assert "pattern-2.mid" in said
    assert "--force" in said
    assert (tmp_path / "pattern.mid").read_bytes() == first
    assert (tmp_path / "pattern-2.mid").read_bytes() != first
    assert run(*made[:-1], "2", "--force")[0] == 0
    assert (tmp_path / "pattern.mid").read_bytes() == (tmp_path / "pattern-2.mid").read_bytes()
    assert not (tmp_path / "pattern-3.mid").exists()


def test_a_take_and_a_trace_are_kept(run: Run, tmp_path: Path, small_checkpoint: Path) -> None:
    play = ("play", "--clock", "virtual", "--duration", "4", "--checkpoint", str(small_checkpoint), "--no-ui")
    for seed in ("1", "2"):
        assert run(*play, "--seed", seed, "--take", "t.mid", "--trace", "t.jsonl")[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"t.mid", "t-2.mid", "t.jsonl", "t-2.jsonl"}


def test_what_is_printed_begins_as_the_user_began(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(LAUNCHER, "./tools/play")
    assert as_started("doctor") == "./tools/play doctor"
    program = tmp_path / "liveengine"
    program.write_text("#!/bin/sh\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    assert launcher_of(str(program)) == str(program), "off the path it needs its folder"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert launcher_of(str(program)) == "liveengine"
    assert launcher_of(str(ROOT / "liveengine" / "__main__.py")).endswith(" -m liveengine")


def test_the_script_takes_every_command_and_names_itself(tmp_path: Path) -> None:
    """tools/play itself, with an environment that is there already."""
    copy = tmp_path / "tools"
    copy.mkdir()
    script = (ROOT / "tools" / "play").read_text().replace('prepare .venv ""', ":")
    (copy / "play").write_text(script)
    (copy / "setup.sh").write_text('ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)\n')
    engine = tmp_path / ".venv" / "bin" / "liveengine"
    engine.parent.mkdir(parents=True)
    engine.write_text('#!/bin/sh\necho "$LIVEENGINE_LAUNCHER:$*"\n')
    engine.chmod(0o755)

    def said(*arguments: str) -> str:
        command = ["bash", "tools/play", *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert said() == "tools/play:play"
    assert said("--style", "funk") == "tools/play:play --style funk"
    assert said("stlyes") == "tools/play:stlyes"
    assert said("generate", "--bars", "4") == "tools/play:generate --bars 4"
    assert said("--version") == "tools/play:--version"
    assert said("help") == "tools/play:--help"
