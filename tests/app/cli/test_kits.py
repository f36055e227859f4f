"""The commands on kits: listed, shown, exported, proposed."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from liveengine.app.cli.main import app
from liveengine.config.kits import load_kit, load_kit_file, own_kits_folder
from liveengine.midi.file import TakeNote, TakeTempo, save_take, take_bytes
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.kit_export import reaper_names

RUN = CliRunner()


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    own_kits_folder().mkdir(parents=True)


def said(*arguments: str) -> str:
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def test_kits_are_listed_with_ones_own_and_faulty_ones_told() -> None:
    (own_kits_folder() / "mine.yaml").write_text("title: My Kit\nlike: gm\n")
    (own_kits_folder() / "bad.yaml").write_text("title: Bad\n")
    listed = said("kits")
    for name in ("superior_drummer_3", "Addictive Drums 2", "mine", "My Kit", "CC 4"):
        assert name in listed
    assert "bad.yaml, line 1" in listed


def test_a_kit_is_shown_with_its_source_and_what_it_folds() -> None:
    shown = said("kits", "TR-808")
    assert "TR-08 MIDI Implementation Chart" in shown
    assert "pedal_hat is played as closed_hat" in shown


def test_a_kit_is_exported_beside_what_there_is(tmp_path: Path) -> None:
    assert "gm.txt" in said("kits", "gm", "--export", "reaper")
    assert (tmp_path / "gm.txt").read_text() == reaper_names(load_kit("gm"))
    assert "gm-2.txt" in said("kits", "gm", "--export", "reaper")
    said("kits", "gm", "--export", "midnam", "--out", "names.midnam")
    assert "MIDINameDocument" in (tmp_path / "names.midnam").read_text()
    said("kits", "gm", "--export", "cubase")
    assert (tmp_path / "gm.drm").exists()


def test_a_kit_is_proposed_from_a_take(tmp_path: Path) -> None:
    notes = [TakeNote(beat, note, 90) for beat, note in enumerate((36, 38, 42, 46, 49, 51, 99))]
    content = take_bytes(
        notes=notes, tempos=[TakeTempo(0.0, 120.0)], markers=[], meters=[(0.0, FOUR_FOUR)], channel=10
    )
    save_take(tmp_path / "mine.mid", content)
    told = said("kit-from", "mine.mid", "--title", "Mine")
    assert "written: mine.yaml, like gm" in told
    assert "unexplained: 99" in told
    assert "--kit ./mine.yaml" in told
    assert load_kit_file(tmp_path / "mine.yaml").title == "Mine"
