"""What the desktop, the shell and the service manager have of us: files for the user, and their removal."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from liveengine.config.settings import configs_folder
from liveengine.config.user_files import own_folder, save_text
from liveengine.errors import ConfigError

SETTINGS = "engine.yaml"
"""The settings of the service, in the player's own folder."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file that is put in place: its name on the command line, where it goes, and what it holds."""

    name: str
    path: Path
    text: Callable[[], str]


def parts(
    program: str,
    manual: Callable[[], str],
    completion: Callable[[str], str],
    environment: Mapping[str, str] = os.environ,
) -> list[Part]:
    """Return the parts of this system: the man page and completions, and on Linux desktop entry and unit.

    `program` is the full path of the command; `manual` and `completion` (of a shell) return texts.
    """
    home = Path.home()
    shared = Path(environment.get("XDG_DATA_HOME") or home / ".local" / "share")
    kept = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    found = [
        Part("man", shared / "man" / "man1" / "liveengine.1", manual),
        Part(
            "bash",
            shared / "bash-completion" / "completions" / "liveengine",
            lambda: completion("bash"),
        ),
        Part("zsh", shared / "zsh" / "site-functions" / "_liveengine", lambda: completion("zsh")),
        Part("fish", kept / "fish" / "completions" / "liveengine.fish", lambda: completion("fish")),
    ]
    if sys.platform == "linux":
        found += [
            Part(
                "desktop",
                shared / "applications" / "liveengine.desktop",
                lambda: _filled("liveengine.desktop", PROGRAM=_desktop_quoted(program)),
            ),
            Part(
                "service",
                kept / "systemd" / "user" / "liveengine.service",
                lambda: _filled(
                    "liveengine.service",
                    PROGRAM=_unit_quoted(program),
                    CONFIG=_unit_quoted(str(own_folder(environment) / SETTINGS)),
                ),
            ),
        ]
    return found


def put_in_place(chosen: list[Part]) -> list[Path]:
    """Write the files, and the settings of the service where there are none yet; return what was written.

    Raises ConfigError where one cannot be written.
    """
    written = [save_text(part.path, part.text()) for part in chosen]
    settings = own_folder() / SETTINGS
    if any(part.name == "service" for part in chosen) and not settings.exists():
        text = (configs_folder() / "engine.yaml").read_text(encoding="utf-8")
        written.append(save_text(settings, text))
    return written


def take_away(chosen: list[Part]) -> list[Path]:
    """Remove the files; return those that were there. The player's own folder is left as it is.

    Raises ConfigError where one cannot be removed.
    """
    removed = []
    for part in chosen:
        try:
            part.path.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigError(f"{part.path}: expected a file to remove, got: {error.strerror}") from error
        removed.append(part.path)
    return removed


def _filled(template: str, **values: str) -> str:
    text = (configs_folder() / "templates" / template).read_text(encoding="utf-8")
    for field, value in values.items():
        text = text.replace(field, value)
    return text


def _desktop_quoted(path: str) -> str:
    """Return a path as the Exec key of the Desktop Entry Specification has it."""
    if shlex.quote(path) == path:
        return path
    escaped = "".join(f"\\{each}" if each in '"`$\\' else each for each in path)
    return f'"{escaped}"'.replace("\\", "\\\\").replace("%", "%%")


def _unit_quoted(path: str) -> str:
    """Return a path as systemd.service(5) has it in a command line."""
    escaped = path.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return escaped if shlex.quote(path) == path else f'"{escaped}"'
