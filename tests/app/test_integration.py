"""What is put in place for shell, desktop and service manager, and that it goes away again."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from liveengine.app.integration import Part, parts, put_in_place, take_away
from liveengine.config.settings import load_engine_settings
from liveengine.config.user_files import own_folder
from liveengine.errors import ConfigError

linux = pytest.mark.skipif(sys.platform != "linux", reason="desktop entry and systemd are of Linux")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "LIVEENGINE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def all_parts(program: str = "/usr/bin/liveengine") -> list[Part]:
    return parts(program, lambda: "manual\n", lambda shell: f"completion of {shell}\n")


def text_of(name: str, program: str = "/usr/bin/liveengine") -> str:
    return next(part.text() for part in all_parts(program) if part.name == name)


def test_all_of_it_comes_and_goes_and_own_files_stay(home: Path) -> None:
    written = put_in_place(all_parts())
    assert all(path.is_file() and home in path.parents for path in written)
    settings = own_folder() / "engine.yaml"
    assert load_engine_settings(settings) == load_engine_settings()
    settings.write_text("style: house\n")
    assert settings not in put_in_place(all_parts())
    assert set(take_away(all_parts())) == set(written) - {settings}
    assert settings.read_text() == "style: house\n"
    assert take_away(all_parts()) == []


def test_where_nothing_can_be_written_it_is_said(home: Path) -> None:
    (home / ".local").write_text("a file")
    with pytest.raises(ConfigError, match="expected a place to write"):
        put_in_place(all_parts())


@linux
@pytest.mark.parametrize(
    ("program", "quoted"),
    [
        ("/usr/bin/liveengine", "/usr/bin/liveengine"),
        ("/home/my music/bin/liveengine", '"/home/my music/bin/liveengine"'),
        ('/home/50% "live"/liveengine', '"/home/50%% \\\\"live\\\\"/liveengine"'),
    ],
)
def test_the_desktop_entry_starts_the_program(program: str, quoted: str) -> None:
    entry = configparser.RawConfigParser(delimiters="=")
    entry.read_string(text_of("desktop", program))
    assert entry["Desktop Entry"]["Exec"] == f"{quoted} play"
    assert entry["Desktop Entry"]["Type"] == "Application"
    assert entry["Desktop Entry"]["Terminal"] == "true"


@linux
def test_the_unit_restarts_for_ever_with_real_time_limits() -> None:
    unit = configparser.RawConfigParser(delimiters="=", comment_prefixes="#")
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(text_of("service", "/opt/100%/my live/liveengine"))
    service = unit["Service"]
    config = own_folder() / "engine.yaml"
    assert service["ExecStart"] == f'"/opt/100%%/my live/liveengine" play --no-ui --config {config}'
    assert (service["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    assert (service["LimitRTPRIO"], service["LimitMEMLOCK"]) == ("70", "infinity")


@linux
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_no_fault_in_the_unit(home: Path) -> None:
    put_in_place([part for part in all_parts("/bin/true") if part.name == "service"])
    unit = home / ".config/systemd/user/liveengine.service"
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", unit],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(home)},
    )
    assert "liveengine" not in done.stderr, done.stderr
