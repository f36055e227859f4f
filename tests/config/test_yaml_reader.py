"""Files of another version: what a newer liveengine has written is refused and said to be so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import liveengine
from liveengine.config.cards import load_card
from liveengine.config.control_maps import load_control_map
from liveengine.config.kits import load_kit_file
from liveengine.config.settings import configs_folder, load_engine_settings, load_styles
from liveengine.config.yaml_reader import read_yaml
from liveengine.errors import ConfigError


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("needs", [liveengine.__version__, "0.0.9", "0.1"])
def test_a_file_that_needs_no_more_than_this_is_read_as_without_the_field(tmp_path: Path, needs: str) -> None:
    path = write(tmp_path, f"needs: {needs}\nstyle: house\n")
    assert list(read_yaml(path, "settings").pairs("fields")) == ["style"]
    assert load_engine_settings(path).style == "house"


@pytest.mark.parametrize("needs", ["0.1.1", "0.2", "0.10.0", "1.0"])
def test_a_newer_one_is_refused_by_its_version_not_by_its_fields(tmp_path: Path, needs: str) -> None:
    path = write(tmp_path, f"# ours\nneeds: {needs}\nstyle: house\ntelepathy: true\n")
    with pytest.raises(ConfigError) as caught:
        load_engine_settings(path)
    assert str(caught.value) == (
        f"{path}, line 2, field needs: expected {liveengine.__version__}, which this liveengine is, "
        f"or earlier, got {needs}: the file is for a newer one; upgrade liveengine"
    )


@pytest.mark.parametrize("needs", ["soon", "1", "[0, 1]", "v0.1"])
def test_what_is_no_version_is_refused(tmp_path: Path, needs: str) -> None:
    with pytest.raises(ConfigError, match="field needs: expected a version of liveengine"):
        read_yaml(write(tmp_path, f"needs: {needs}\n"), "settings")


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("kits/gm.yaml", load_kit_file),
        ("styles/funk.yaml", lambda path: load_styles(extra=path)),
        ("control.yaml", load_control_map),
        ("engine.yaml", load_engine_settings),
        ("cards/funk.yaml", load_card),
    ],
)
def test_every_kind_of_file_may_say_it(tmp_path: Path, name: str, load: Callable[[Path], object]) -> None:
    text = (configs_folder() / name).read_text()
    load(write(tmp_path, f"needs: 0.1.0\n{text}", Path(name).name))
    with pytest.raises(ConfigError, match="upgrade liveengine"):
        load(write(tmp_path, f"needs: 9.0.0\n{text}", Path(name).name))
