"""The doctor on kits: what stands for what, and faulty files."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveengine.app.diagnosis import kit_findings
from liveengine.config.kits import own_kits_folder


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
