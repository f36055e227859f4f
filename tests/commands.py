"""A Python command run in this process, where torch is loaded already."""

from __future__ import annotations

import io
import runpy
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

TOOLS = Path(__file__).parents[1] / "tools"


def run_script(script: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script as the main program; it prints and ends as it does in a process of its own."""
    argv = [str(script), *map(str, arguments)]
    out, err, status = io.StringIO(), io.StringIO(), 0
    with patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as ended:
            if isinstance(ended.code, str):
                err.write(ended.code)
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return subprocess.CompletedProcess(argv, status, out.getvalue(), err.getvalue())
