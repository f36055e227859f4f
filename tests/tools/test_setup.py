"""tools/setup.sh: which Python is taken, and that one too old stops before any download."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo {version} ;;
    *) echo arm64 ;;
esac
"""


def find_python(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run find_python where the only Pythons are those of a folder."""
    for program in ("bash", "dirname", "uname", "rm"):
        found = next(Path(each) / program for each in ("/usr/bin", "/bin") if (Path(each) / program).exists())
        (folder / program).symlink_to(found)
    return subprocess.run(
        ["bash", "-c", f". {ROOT}/tools/setup.sh; find_python; echo $PYTHON"],
        capture_output=True,
        text=True,
        env={"PATH": str(folder), **environment},
        check=False,
    )


def put_python(folder: Path, name: str, version: str) -> Path:
    python = folder / name
    python.write_text(PYTHON.format(version=version))
    python.chmod(0o755)
    return python


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_each_python_that_it_runs_on_is_taken_alone(tmp_path: Path, minor: int) -> None:
    put_python(tmp_path, "python3", f"3 {minor}")
    assert find_python(tmp_path).stdout == "python3\n"


def test_one_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    put_python(tmp_path, "python3", "3 9")
    put_python(tmp_path, "python3.14", "3 14")
    assert find_python(tmp_path).stdout == "python3.14\n"


@pytest.mark.parametrize("version", ["3 9", "3 10", "3 15", "2 7"])
def test_without_one_it_stops_and_says_what_to_install(tmp_path: Path, version: str) -> None:
    put_python(tmp_path, "python3", version)
    done = find_python(tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "found no Python 3.11 to 3.14" in done.stderr
    assert "sudo apt install" in done.stderr


def test_one_that_was_asked_for_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    put_python(tmp_path, "python3.12", "3 12")
    done = find_python(tmp_path, LIVEENGINE_PYTHON=str(put_python(tmp_path, "old", "3 10")))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"expected LIVEENGINE_PYTHON to be a Python 3.11 to 3.14, got {tmp_path}/old (3 10)" in done.stderr
