"""The examples, started as their docstrings say, and what comes of them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import mido
import pytest

from tests.waiting import PATIENCE_S

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
pytestmark = pytest.mark.timeout(4 * PATIENCE_S)
NO_PORT = ("--clock", "system", "--backend", "none")


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a program whose own folder is `home`."""
    paths = os.pathsep.join([str(REPOSITORY), *sys.path])
    return {**os.environ, "PYTHONPATH": paths, "LIVEENGINE_HOME": str(home)}


def run(name: str, *arguments: object, home: Path, expected: int = 0) -> str:
    """Run an example in the folder `home`; return what it printed, errors too."""
    finished = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        cwd=home,
        env=environment(home),
    )
    assert finished.returncode == expected, finished.stdout
    return finished.stdout


def notes_of(path: Path) -> list[mido.Message]:
    """Return the note-ons of a MIDI file."""
    return [message for message in mido.MidiFile(path) if message.type == "note_on" and message.velocity]


def test_a_jam_turns_controls_recalls_its_scene_and_captures(tmp_path: Path) -> None:
    take = tmp_path / "jam.mid"
    printed = run("jam.py", *NO_PORT, "--bpm", 240, "--take", take, home=tmp_path).splitlines()
    assert printed[:3] == [
        "verse: 0.7 0.8",
        "break: 0.3 kick muted: True",
        "verse again: 0.7 kick muted: False",
    ]
    (capture,) = (tmp_path / "captures").glob("*.mid")
    assert printed[3] == f"last notice: kept: {capture}"
    assert notes_of(capture)
    assert notes_of(take)
    assert "density: 0.7" in (tmp_path / "scenes" / "jam verse.yaml").read_text()


def test_a_set_built_in_code_changes_scene_at_its_bars(tmp_path: Path) -> None:
    written = tmp_path / "set.mid"
    assert f"take: {written}" in run("set_in_code.py", "--out", written, home=tmp_path)
    conductor, drums = mido.MidiFile(written).tracks
    bar_ticks, at, markers = 4 * 960, 0, {}
    for message in conductor:
        at += message.time
        if message.type == "marker":
            markers[message.text] = at / bar_ticks
    assert (markers["set verse"], markers["set drop"], markers["house"]) == (4, 8, 8)
    at, snares = 0, []
    for message in drums:
        at += message.time
        if message.type == "note_on" and message.velocity and message.note in (38, 40):
            snares.append(at / bar_ticks)
    early = 0.1  # micro-timing and push may bring a stroke before its bar line
    assert snares
    assert min(snares) > 4 - early, "the intro mutes the snare"


def test_a_set_built_in_code_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    files = [tmp_path / "one.mid", tmp_path / "two.mid", tmp_path / "other.mid"]
    for file, seed in zip(files, (3, 3, 4), strict=True):
        run("set_in_code.py", "--bars", 3, "--seed", seed, "--out", file, home=tmp_path)
    one, two, other = (file.read_bytes() for file in files)
    assert one == two
    assert one != other


def test_lateness_is_that_of_the_trace(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    lines: list[dict[str, object]] = [{"type": "header", "version": "0"}]
    for number in range(100):
        due_us = number * 125_000.0
        lines.append({"type": "note", "due_us": due_us, "sent_us": due_us + number * 10})
    trace.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("lateness.py", trace, home=tmp_path) == "100 notes: p50 0.500 ms, p99 0.990 ms\n"


def test_lateness_reads_what_play_has_written(tmp_path: Path) -> None:
    trace = tmp_path / "t.jsonl"
    command = [
        "play",
        "--clock",
        "virtual",
        "--duration",
        "4",
        "--seed",
        "1",
        "--no-ui",
        "--trace",
        str(trace),
    ]
    subprocess.run(
        [sys.executable, "-m", "liveengine", *command],
        check=True,
        timeout=PATIENCE_S,
        cwd=tmp_path,
        env=environment(tmp_path),
    )
    notes = sum(json.loads(line)["type"] == "note" for line in trace.read_text().splitlines())
    assert notes > 0
    # Virtual time is never late.
    assert run("lateness.py", trace, home=tmp_path) == f"{notes} notes: p50 0.000 ms, p99 0.000 ms\n"


def test_lateness_says_what_it_lacks(tmp_path: Path) -> None:
    assert "expected a trace or --port" in run("lateness.py", home=tmp_path, expected=2)
    printed = run("lateness.py", "--port", "no such port", home=tmp_path, expected=1)
    assert re.search("no MIDI system on this machine|port 'no such port': expected the name of a", printed)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a service of its own."""
    log = tmp_path / "log"
    with log.open("wb") as out:
        command = ["api", "--port", "0", "--device", "cpu", "--store", str(tmp_path / "store")]
        process = subprocess.Popen(
            [sys.executable, "-m", "liveengine", *command],
            stdout=out,
            stderr=out,
            cwd=tmp_path,
            env={**environment(tmp_path), "PYTHONUNBUFFERED": "1"},
        )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while (found := re.search(r"(http://127\.0\.0\.1:\d+)/api", log.read_text())) is None:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def test_the_rest_client_downloads_the_pattern_that_it_asked_for(service: str, tmp_path: Path) -> None:
    out = tmp_path / "pattern.mid"
    address = ("--url", service)
    printed = run("rest_client.py", *address, "--bars", 2, "--seed", 7, "--out", out, home=tmp_path)
    assert printed == f"{out}: {out.stat().st_size} bytes, seed 7\n"
    assert notes_of(out)
    file = mido.MidiFile(out)
    assert sum(message.time for message in file.tracks[0]) == 2 * 4 * 960

    refused = run("rest_client.py", *address, "--style", "no such style", home=tmp_path, expected=1)
    assert "no such style" in refused


def test_the_rest_client_says_where_no_service_is(tmp_path: Path) -> None:
    with socket.socket() as deaf:  # bound, so that nobody else listens there, but not listening
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        printed = run("rest_client.py", "--url", url, home=tmp_path, expected=1)
    assert "is `liveengine api` running?" in printed
