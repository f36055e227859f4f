"""The player's own folder: where it is, and what is kept in it beside styles."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from liveengine.config.yaml_reader import read_yaml
from liveengine.errors import ConfigError
from liveengine.midi.port_names import NUMBERS
from liveengine.music.control import check_level

OWN_STYLES_VARIABLE = "LIVEENGINE_STYLES"
"""Environment variable with the folder of the player's own styles."""
OWN_FOLDER_VARIABLE = "LIVEENGINE_HOME"
"""Environment variable with the player's own folder."""
LATENCIES = "latency.yaml"


def own_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the player's own folder: $LIVEENGINE_HOME, else where the system keeps settings.

    It need not exist.
    """
    if environment.get(OWN_FOLDER_VARIABLE):
        return Path(environment[OWN_FOLDER_VARIABLE]).expanduser()
    if platform == "win32" and environment.get("APPDATA"):
        return Path(environment["APPDATA"]) / "liveengine"
    if platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "liveengine"
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "liveengine"


def own_styles_folder(environment: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """Return the folder of the player's own styles: $LIVEENGINE_STYLES, else `styles` in the own folder.

    It need not exist.
    """
    if environment.get(OWN_STYLES_VARIABLE):
        return Path(environment[OWN_STYLES_VARIABLE]).expanduser()
    return own_folder(environment, platform) / "styles"


def _port_key(backend: str, port: str) -> str:
    return f"{backend}: {NUMBERS.sub('', port)}"


def _saved_latencies(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    entries = read_yaml(path, "latencies by port").pairs("port: milliseconds")
    saved = {}
    for port, entry in entries.items():
        saved[port] = check_level("latency_ms", entry.number(-500, 500))
    return saved


def saved_latency_ms(backend: str, port: str) -> float | None:
    """Return the latency that was calibrated for a port, or None. Raises ConfigError for a faulty file."""
    return _saved_latencies(own_folder() / LATENCIES).get(_port_key(backend, port))


def save_latency_ms(backend: str, port: str, latency_ms: float) -> Path:
    """Keep a port's latency beside those of other ports; return the file.

    Raises ConfigError where it cannot be written, ContractError for a latency out of range.
    """
    path = own_folder() / LATENCIES
    saved = _saved_latencies(path) | {_port_key(backend, port): check_level("latency_ms", latency_ms)}
    return save_text(path, yaml.safe_dump(saved, allow_unicode=True))


def file_name(title: str) -> str:
    """Return what a file of a title is called, without its ending.

    Raises ConfigError for a title without letters or digits.
    """
    name = "".join(each if each.isalnum() else "_" for each in title.lower()).strip("_")
    if not name:
        raise ConfigError(f"NAME: expected a name with letters or digits, got {title!r}")
    return name


def free_path(path: Path) -> Path:
    """Return a path for a new file: this one, or where there is a file already, NAME-2, NAME-3 and so on."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def save_text(path: Path, text: str) -> Path:
    """Put text in the place of a file, as `save_bytes` does."""
    return save_bytes(path, text.encode("utf-8"))


def save_bytes(path: Path, content: bytes) -> Path:
    """Put content in the place of a file, all of it or nothing; return the file.

    Raises ConfigError where it cannot be written.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(content)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise ConfigError(f"{path}: expected a place to write, got: {error.strerror}") from error
    return path
