"""The libjack that rtmidi2's wheel brings along, and how it is replaced by the system's."""

from __future__ import annotations

import ctypes
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from liveengine.midi.rtmidi2_binding import bundled_libjacks, use_system_libjack

BROUGHT = "libjack-47d4404a.so.0.1.0"


@pytest.fixture
def libs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of libraries beside an rtmidi2 that is installed as its wheel is."""
    folder = tmp_path / "rtmidi2.libs"
    folder.mkdir()
    for name in (BROUGHT, "libasound-0ceed182.so.2.0.0"):
        (folder / name).write_bytes(b"library")
    found = ModuleSpec("rtmidi2", None, origin=str(tmp_path / "rtmidi2.so"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: found)
    return folder


def test_only_libjack_is_replaced_and_only_once(libs: Path) -> None:
    try:
        ctypes.CDLL("libjack.so.0")
    except OSError:
        pytest.skip("there is no libjack here")
    assert bundled_libjacks() == [libs / BROUGHT]
    system = use_system_libjack()
    assert system is not None
    assert (libs / BROUGHT).resolve() == system.resolve()
    assert bundled_libjacks() == []
    assert use_system_libjack() is None
    assert sorted(each.name for each in libs.iterdir()) == ["libasound-0ceed182.so.2.0.0", BROUGHT]
    assert (libs / "libasound-0ceed182.so.2.0.0").read_bytes() == b"library"


def test_without_a_libjack_what_was_brought_stays(libs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_here(_: str) -> None:
        raise OSError("libjack.so.0: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", none_here)
    with pytest.raises(OSError, match=r"libjack\.so\.0"):
        use_system_libjack()
    assert (libs / BROUGHT).read_bytes() == b"library"


def test_where_rtmidi2_is_not_installed_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert bundled_libjacks() == []
    assert use_system_libjack() is None
