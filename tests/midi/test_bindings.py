"""Which binding is taken; what each does with ports is in tests/live/test_bindings.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from liveengine.errors import MidiError
from liveengine.midi.bindings import BINDING_VARIABLE, BINDINGS, binding


@pytest.fixture(autouse=True)
def _chosen_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(BINDING_VARIABLE, raising=False)
    binding.cache_clear()
    yield
    binding.cache_clear()


def test_the_one_that_is_installed_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert binding().name in BINDINGS
    binding.cache_clear()
    monkeypatch.setitem(sys.modules, "rtmidi", None)
    monkeypatch.setitem(sys.modules, "rtmidi2", None)
    with pytest.raises(
        MidiError, match="expected python-rtmidi or rtmidi2 to be installed; missing: python-"
    ):
        binding()


def test_a_name_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BINDING_VARIABLE, "portmidi")
    with pytest.raises(MidiError, match="expected one of python-rtmidi, rtmidi2, got 'portmidi'"):
        binding()


@pytest.mark.parametrize(("name", "module"), [("python-rtmidi", "rtmidi"), ("rtmidi2", "rtmidi2")])
def test_the_named_one_is_taken(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip(module)
    monkeypatch.setenv(BINDING_VARIABLE, name)
    assert binding().name == name


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_system_of_another_platform_is_lacking() -> None:
    assert "on this machine is built for " in binding().lacks("winmm")
