"""The player's own folder, and files in it that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from liveengine.config.user_files import (
    LATENCIES,
    file_name,
    free_path,
    own_folder,
    own_styles_folder,
    save_bytes,
    save_latency_ms,
    save_text,
    saved_latency_ms,
)
from liveengine.errors import ConfigError, ContractError


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, Path.home() / ".config/liveengine"),
        ("linux", {"XDG_CONFIG_HOME": "/settings"}, Path("/settings/liveengine")),
        ("darwin", {"XDG_CONFIG_HOME": "/settings"}, Path.home() / "Library/Application Support/liveengine"),
        ("win32", {"APPDATA": "/roaming"}, Path("/roaming/liveengine")),
        ("win32", {}, Path.home() / ".config/liveengine"),
        ("darwin", {"LIVEENGINE_HOME": "/mine"}, Path("/mine")),
        ("linux", {"LIVEENGINE_HOME": "~/drums"}, Path.home() / "drums"),
    ],
)
def test_the_own_folder_is_where_the_system_keeps_settings(
    platform: str, environment: dict[str, str], expected: Path
) -> None:
    assert own_folder(environment, platform) == expected
    assert own_styles_folder(environment, platform) == expected / "styles"


def test_styles_may_lie_elsewhere() -> None:
    environment = {"LIVEENGINE_HOME": "/mine", "LIVEENGINE_STYLES": "/shared/styles"}
    assert own_styles_folder(environment, "linux") == Path("/shared/styles")


@pytest.mark.parametrize(
    ("title", "name"),
    [("Verse 1", "verse_1"), ("¡Olé!", "olé"), ("a/b\\c", "a_b_c"), ("..", None), ("!!!", None), ("", None)],
)
def test_a_file_is_called_as_its_title_and_never_lies_elsewhere(title: str, name: str | None) -> None:
    if name is None:
        with pytest.raises(ConfigError, match="expected a name with letters or digits"):
            file_name(title)
    else:
        assert file_name(title) == name


def test_a_new_file_takes_the_next_free_number(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    names = []
    for _ in range(3):
        free = free_path(path)
        free.touch()
        names.append(free.name)
    assert names == ["take.mid", "take-2.mid", "take-3.mid"]


def test_what_is_saved_takes_the_place_of_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "scene.yaml"
    save_text(path, "one")
    assert save_bytes(path, b"two") == path
    assert path.read_bytes() == b"two"
    assert [each.name for each in path.parent.iterdir()] == ["scene.yaml"]


def test_what_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scene.yaml"
    path.write_text("before")

    def full(written: Path, content: bytes) -> int:
        with written.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match=r"scene\.yaml: expected a place to write, got: No space left"):
        save_text(path, "after")
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["scene.yaml"]


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="expected a place to write"):
        save_text(tmp_path / "file" / "scene.yaml", "text")


def test_latencies_are_kept_port_by_port_whatever_number_a_port_has_today(own: Path) -> None:
    assert own_folder() == own
    assert saved_latency_ms("jack", "drums") is None
    save_latency_ms("jack", "drums", 12.5)
    save_latency_ms("alsa", "Synth:Synth MIDI 1 28:0", -3)
    assert saved_latency_ms("jack", "drums") == 12.5
    assert saved_latency_ms("alsa", "Synth:Synth MIDI 1 131:0") == -3
    assert saved_latency_ms("alsa", "Synth:Synth MIDI 2 28:0") is None
    assert saved_latency_ms("alsa", "drums") is None
    with pytest.raises(ContractError, match="-500 to 500"):
        save_latency_ms("jack", "drums", 501)
    assert saved_latency_ms("jack", "drums") == 12.5


def test_a_latency_out_of_range_is_refused_and_nothing_is_written(own: Path) -> None:
    with pytest.raises(ContractError, match="latency_ms"):
        save_latency_ms("alsa", "Synth", 5_000.0)
    assert not own.exists()


def test_a_faulty_latency_is_reported_with_its_line(own: Path) -> None:
    own.mkdir()
    (own / LATENCIES).write_text("'jack: drums': much\n")
    with pytest.raises(ConfigError, match=r"latency.yaml, line 1.*expected a number from -500 to 500"):
        saved_latency_ms("jack", "drums")


def test_a_file_of_latencies_that_is_none_is_named(own: Path) -> None:
    own.mkdir()
    (own / LATENCIES).write_text("alsa: [1, 2]\n")
    with pytest.raises(ConfigError, match=LATENCIES):
        saved_latency_ms("alsa", "Synth")
    with pytest.raises(ConfigError, match=LATENCIES):
        save_latency_ms("alsa", "Synth", 1.0)
    assert (own / LATENCIES).read_text() == "alsa: [1, 2]\n"
