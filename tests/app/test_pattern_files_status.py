"""`liveengine generate` refuses what cannot be with one clear line and exit status 2."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from liveengine.app.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--style", "nobody"), "style 'nobody' is unknown"),
        (("--style", "funk", "--time-signature", "four"), "time signature: expected one such as 4/4"),
        (("--style", "funk", "--time-signature", "5/16"), "time signature: expected one of"),
        (("--style", "funk", "--fill-bars", "two"), "--fill-bars: expected numbers of bars"),
        (("--style", "funk", "--fill-bars", "2"), "expected a beat that holds them"),
        (("--style", "funk", "--output", "pattern.wav"), "--output: expected a file name that ends in .mid"),
    ],
)
def test_what_cannot_be_generated_is_one_line_and_status_2(  # noqa: PLR0917 - pytest fixtures
    small_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    weights = ("--checkpoint", str(small_checkpoint), "--device", "cpu")
    monkeypatch.setattr(sys, "argv", ["liveengine", "generate", *weights, *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert told in lines[0]
    assert list(tmp_path.iterdir()) == []
