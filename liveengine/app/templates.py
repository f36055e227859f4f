"""Style, kit and control map files to begin from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from liveengine.config.control_maps import find_map, read_map_file
from liveengine.config.kits import find_kit, kit_text
from liveengine.config.settings import configs_folder, load_all_styles
from liveengine.config.user_files import file_name, free_path, save_text


def new_style(title: str, like: str, out: Path | None = None) -> Path:
    """Write a style that plays as `like` does, to be changed by hand; return its file.

    Raises UnknownNameError for `like`, ConfigError for a title without letters and where nothing can be
    written. No file is written over.
    """
    model = load_all_styles()[0].find(like)
    low, high = model.tempo_bpm
    return _write(
        "style",
        title,
        out,
        {
            "GENRES": ", ".join(f"{genre}: {share:g}" for genre, share in model.genres),
            "TEMPO": f"{low:g}, {high:g}",
            "SWING": f"{model.feel.learned_swing_percent:g}",
        },
    )


def new_kit(title: str, like: str, out: Path | None = None) -> Path:
    """Write a kit with the notes of `like`, to be changed by hand; return its file.

    Raises and writes as `new_style`.
    """
    name = file_name(title)
    head = (configs_folder() / "templates" / "kit.yaml").read_text(encoding="utf-8")
    text = head + kit_text(replace(find_kit(like), title=title, source=""))
    return save_text(free_path(out or Path(f"{name}.yaml")), text)


def new_map(title: str, like: str, out: Path | None = None) -> Path:
    """Write a control map that is `like` with its comments, under another title; return its file.

    Raises and writes as `new_style`, and raises ConfigError for a faulty `like`.
    """
    model = read_map_file(find_map(like))
    text = model.path.read_text(encoding="utf-8")
    titled = re.sub(r"^title:.*$", lambda _: f"title: {json.dumps(title)}", text, flags=re.MULTILINE)
    return save_text(free_path(out or Path(f"{file_name(title)}.yaml")), titled)


def _write(kind: str, title: str, out: Path | None, values: dict[str, str]) -> Path:
    name = file_name(title)
    text = (configs_folder() / "templates" / f"{kind}.yaml").read_text(encoding="utf-8")
    for field, value in {"TITLE": f'"{title}"' if title != name else title, **values}.items():
        text = text.replace(field, value)
    return save_text(free_path(out or Path(f"{name}.yaml")), text)
