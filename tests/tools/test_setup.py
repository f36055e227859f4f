"""tools/setup.sh: what keeps an installation from ending well is found before anything is downloaded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEWER = """#!/bin/sh
case "$*" in
    *version_info*) echo 3 13 ;;
    *sysconfig*) echo /nowhere/Python.h ;;
    *) echo Linux ;;
esac
"""


@pytest.mark.skipif(sys.platform != "linux", reason="headers are packages of their own on Linux")
def test_a_newer_python_without_headers_stops_before_the_download(tmp_path: Path) -> None:
    python = tmp_path / "python3.13"
    python.write_text(NEWER)
    python.chmod(0o755)
    for compiler in ("c++", "pkg-config"):
        (tmp_path / compiler).write_text("#!/bin/sh\n")
        (tmp_path / compiler).chmod(0o755)
    environment = {**os.environ, "LIVEENGINE_PYTHON": str(python), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", f". {ROOT}/tools/setup.sh; find_python; echo goes on"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 2
    assert "goes on" not in done.stdout
    assert "sudo apt install" in done.stderr
    assert "python3.13-dev" in done.stderr
    assert len(done.stderr.splitlines()) < 8
