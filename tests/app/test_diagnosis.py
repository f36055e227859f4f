"""What the doctor finds: a cure that is a command goes with what it mends, and with nothing that is well."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from liveengine.app import cures, diagnosis
from liveengine.app.diagnosis import Finding, examine, kit_findings
from liveengine.config.kits import own_kits_folder
from liveengine.midi import ports


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path))
    own_kits_folder().mkdir()


def test_what_a_kit_has_no_note_for_is_told_with_what_is_played_instead() -> None:
    (usual,) = kit_findings()
    assert usual.good
    assert "gm (General MIDI); plays half_open_hat as open_hat" in usual.found
    (machine,) = kit_findings("TR-808")
    assert not machine.good
    assert not machine.vital
    assert "pedal_hat as closed_hat" in machine.found
    assert "ride as crash" in machine.found
    (whole,) = kit_findings("Steven Slate Drums 5")
    assert "half_open_hat as" not in whole.found


def test_faulty_kits_are_told() -> None:
    (unknown,) = kit_findings("spoons")
    assert (unknown.good, "spoons" in unknown.found) == (False, True)
    (own_kits_folder() / "bad.yaml").write_text("title: Bad\n")
    found = list(kit_findings())
    assert [each.good for each in found] == [True, False]
    assert "bad.yaml, line 1" in found[1].found


def finding(subject: str) -> Finding:
    return next(each for each in examine() if each.subject == subject)


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is of Linux")
def test_a_sequencer_that_is_not_there_is_loaded_and_one_that_is_shut_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "choose_backend", lambda _: None)
    monkeypatch.setattr(diagnosis, "SEQUENCER", tmp_path / "seq")
    assert finding("MIDI").fix == cures.sequencer_module()
    (tmp_path / "seq").touch()
    assert finding("MIDI").fix == cures.sequencer_rights()


@pytest.mark.parametrize("granted", [True, False, None])
def test_limits_are_mended_where_they_are_refused(
    granted: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "can_take_real_time", lambda: granted)
    found = finding("real-time priority")
    assert found.fix == (cures.limits() if granted is False else None)
    assert ("usermod -aG audio" in found.cure) == (granted is False)


def test_what_is_well_needs_no_cure() -> None:
    for each in examine():
        assert not (each.good and each.fix), each


def test_the_binding_in_use_is_said() -> None:
    assert finding("MIDI binding").found in {"python-rtmidi", "rtmidi2"}
