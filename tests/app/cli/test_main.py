"""The command line as a user meets it: playing in virtual time, lists, and clear errors with status 2.

Most of it runs in this process, where torch is loaded once; what a process of its own may change, in one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import pytest

from liveengine.app.cli.main import main
from liveengine.config.settings import configs_folder
from tests.waiting import PATIENCE_S

Run = Callable[..., subprocess.CompletedProcess[str]]
WITHOUT_JACK = "none-such"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JACK_DEFAULT_SERVER", WITHOUT_JACK)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["liveengine", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        status = ended.value.code
        assert status is None or isinstance(status, int)
        return subprocess.CompletedProcess(arguments, status or 0, printed.out, printed.err)

    return call


@pytest.fixture
def run_apart(tmp_path: Path) -> Run:
    """The command line in a process of its own."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "liveengine", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=PATIENCE_S,
            check=False,
            env={**os.environ, "JACK_DEFAULT_SERVER": WITHOUT_JACK, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    return call


def trace_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


VIRTUAL = ("play", "--clock", "virtual", "--no-ui", "--bpm", "120", "--duration", "12")


def test_two_runs_with_one_seed_are_the_same_to_the_byte(run: Run, run_apart: Run, tmp_path: Path) -> None:
    for name, call in (("a", run), ("b", run_apart)):
        result = call(*VIRTUAL, "--seed", "7", "--style", "dilla", "--take", f"{name}.mid")
        assert result.returncode == 0, result.stderr
    other = run(*VIRTUAL, "--seed", "8", "--style", "dilla", "--take", "c.mid")
    assert other.returncode == 0, other.stderr
    take_a, take_b, take_c = ((tmp_path / f"{name}.mid").read_bytes() for name in "abc")
    assert take_a == take_b
    assert take_a != take_c
    notes = [message for message in mido.MidiFile(tmp_path / "a.mid").tracks[1] if message.type == "note_on"]
    assert len(notes) > 40


def test_swing_and_no_humanizing_put_every_note_on_the_swung_grid(run: Run, tmp_path: Path) -> None:
    for swing, seconds in (("66.7", (0.0, 1 / 3)), ("50", (0.0, 0.25))):
        result = run(
            *VIRTUAL,
            "--seed",
            "1",
            "--style",
            "funk",
            "--swing",
            swing,
            "--humanize",
            "0",
            "--trace",
            "t",
            "--force",
        )
        assert result.returncode == 0, result.stderr
        notes = [line for line in trace_lines(tmp_path / "t") if line["type"] == "note"]
        halves = [note["beat"] * 2 % 1 / 2 for note in notes]
        assert all(min(abs(half - place) for place in (*seconds, 0.5)) < 0.0026 for half in halves)
        assert any(abs(half - seconds[1]) < 0.0026 for half in halves)
        assert {note["offset_ms"] for note in notes} == {0.0}


def test_the_trace_tells_what_was_played(run: Run, tmp_path: Path) -> None:
    result = run(*VIRTUAL, "--style", "jdilla", "--latency-ms", "15", "--trace", "t.jsonl")
    assert result.returncode == 0, result.stderr
    lines = trace_lines(tmp_path / "t.jsonl")
    assert lines[0]["type"] == "header"
    assert {"version", "seed", "checkpoint_sha256", "style", "quantum"} <= lines[0].keys()
    kinds = {line["type"] for line in lines}
    assert {"note", "bar", "tempo", "transport", "peers"} <= kinds
    bars = [line for line in lines if line["type"] == "bar"]
    assert [bar["bar"] for bar in bars] == list(range(len(bars)))
    assert all(not bar["late"] and not bar["fallback"] and bar["tokens"] > 1 for bar in bars)
    for note in (line for line in lines if line["type"] == "note"):
        stated_us = note["beat"] * 500_000 + (note["offset_ms"] - note["latency_ms"]) * 1000
        assert note["due_us"] == pytest.approx(stated_us, abs=1)
        assert note["latency_ms"] == 15.0
        assert note["channel"] == 10


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("play", "--style", "jdila"), "j_dilla"),
        (("play", "--style", "polka-core-xyz"), "all:"),
        (("play", "--bpm", "5"), "20 to 999"),
        (("play", "--bpm", "nan"), "20 to 999"),
        (("play", "--swing", "90"), "50 to 75"),
        (("play", "--humanize", "7"), "humanize"),
        (("play", "--latency-ms", "9000"), "latency_ms"),
        (("play", "--quantum", "0.3"), "quantum"),
        (("play", "--kit", "spoons"), "gm"),
        (("play", "--map", "theremin"), "sustain_pedal"),
        (("play", "--config", "broken.yaml"), "broken.yaml"),
        (("play", "--checkpoint", "nowhere"), "nowhere"),
        (("play", "--backend", "jack", "--clock", "system"), "jack"),
        (("play", "--backend", "winmm", "--clock", "system"), "winmm"),
    ],
)
def test_bad_input_is_one_clear_line_and_status_2(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    (tmp_path / "broken.yaml").write_text("style: funk\nquantum: [\n")
    result = run(*arguments, "--no-ui")
    assert result.returncode == 2
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_of_an_error_but_its_line_is_shown(run_apart: Run) -> None:
    result = run_apart("play", "--style", "jdila")
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("liveengine: ")
    assert result.stderr.count("\n") == 1


def test_styles_are_listed_in_the_order_of_program_change(run: Run) -> None:
    result = run("styles")
    assert result.returncode == 0
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[0].isdigit()]
    assert [row[1] for row in rows[:3]] == ["j_dilla", "metro_boomin", "questlove"]
    assert [int(row[0]) for row in rows] == list(range(len(rows)))


def test_the_ready_control_maps_are_listed_a_line_each_and_a_faulty_one_of_ones_own_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "mine.yaml").write_text("title: My Pads\nabout: all I need\n")
    (tmp_path / "maps" / "broken.yaml").write_text("notes: {60: volume}\n")
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "80")
    result = run("maps")
    assert result.returncode == 0
    rows = result.stdout.splitlines()[1:]
    shipped = sorted(path.stem for path in (configs_folder() / "maps").glob("*.yaml"))
    assert [row.split()[0] for row in rows] == [*shipped, "mine"]
    assert rows[-1].split() == ["mine", "My", "Pads", "all", "I", "need"]
    assert "broken.yaml, line 1, field notes.60" in result.stderr


def test_the_doctor_says_what_is_there_and_the_cure_for_what_is_not(run_apart: Run) -> None:
    result = run_apart("doctor")
    assert result.returncode == 0, result.stdout + result.stderr
    for subject in ("Python", "torch", "MIDI", "Link", "real-time priority", "checkpoint"):
        assert f"{subject}:" in result.stdout
    assert "Traceback" not in result.stderr


def test_the_shell_is_told_what_could_be_typed_next(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_LIVEENGINE_COMPLETE", "complete_bash")
    for words, last, expected in (("liveengine sty", 1, "styles"), ("liveengine play --jam tr", 3, "trade")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(last))
        assert run().stdout.split() == [expected]


def test_a_part_that_does_not_exist_cannot_be_put_in_place(run: Run) -> None:
    result = run("integrate", "emacs")
    assert result.returncode == 2
    assert "expected man, bash, zsh, fish, desktop, service, got 'emacs'" in result.stderr


def test_lists_and_help_load_nothing_heavy(tmp_path: Path) -> None:
    """What they take is told by tools/bench_start.py; here, that they load none of what takes long."""
    heavy = {"torch", "numpy", "numba", "mido", "fastapi", "rtmidi", "rtmidi2", "aalink", "asyncio"}
    for arguments in (("styles",), ("--help",), ("play", "--help"), ("maps",), ("integrate", "--show")):
        code = (
            "import sys\nfrom liveengine.app.cli.main import main\n"
            f"sys.argv = ['liveengine', *{arguments!r}]\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            "print('loaded:', *{each.partition('.')[0] for each in sys.modules})"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        loaded = set(done.stdout.rpartition("loaded:")[2].split())
        assert "liveengine" in loaded
        assert not loaded & heavy, arguments


def test_plays_live_without_a_midi_system_and_keeps_the_take(run_apart: Run, tmp_path: Path) -> None:
    result = run_apart(
        *("play", "--clock", "system", "--no-ui", "--style", "rock", "--bpm", "180", "--duration", "4"),
        *("--take", "takes/t.mid", "--trace", "t.jsonl"),
    )
    assert result.returncode == 0, result.stderr
    assert "No MIDI system" in result.stdout
    notes = [line for line in trace_lines(tmp_path / "t.jsonl") if line["type"] == "note"]
    assert len(notes) > 10
    ons = [
        message for message in mido.MidiFile(tmp_path / "takes/t.mid").tracks[1] if message.type == "note_on"
    ]
    assert len(notes) >= len(ons) > 10
