"""`liveengine generate` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from typer.testing import CliRunner

from liveengine.app.cli.main import app
from liveengine.app.pattern_files import paths_for
from liveengine.errors import LiveEngineError
from tests.midi_bytes import bars, midi, name, strokes, track

CALL = CliRunner()


def generate(checkpoint: Path, *arguments: str) -> str:
    result = CALL.invoke(app, ["generate", "--checkpoint", str(checkpoint), "--device", "cpu", *arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def test_many_files_are_those_of_their_seeds(small_checkpoint: Path, tmp_path: Path) -> None:
    told = generate(
        small_checkpoint,
        "--style",
        "funk",
        "--seed",
        "5",
        "--count",
        "3",
        "--output",
        str(tmp_path / "many.mid"),
    )
    assert "many-0001.mid to many-0003.mid" in told
    assert "is kept" not in told
    generate(small_checkpoint, "--style", "Funk", "--seed", "6", "--output", str(tmp_path / "one.mid"))
    assert (tmp_path / "one.mid").read_bytes() == (tmp_path / "many-0002.mid").read_bytes()
    assert len(list(tmp_path.glob("many-*.mid"))) == 3


def test_a_kit_is_named_or_is_a_file(
    small_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path))
    path = tmp_path / "kits" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("title: Mine\nlike: gm\nchannel: 4\n")
    for named, file in (("Mine", tmp_path / "named.mid"), (str(path), tmp_path / "path.mid")):
        options = ("--style", "funk", "--seed", "5", "--bars", "2", "--kit", named)
        generate(small_checkpoint, *options, "--output", str(file))
        track = mido.MidiFile(file).tracks[1]
        assert {message.channel for message in track if message.type == "note_on"} == {3}
    assert (tmp_path / "named.mid").read_bytes() == (tmp_path / "path.mid").read_bytes()


def test_bars_of_a_file_are_made_again(small_checkpoint: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.mid", tmp_path / "b.mid"
    generate(small_checkpoint, "--style", "funk", "--seed", "5", "--bars", "3", "--output", str(first))
    generate(
        small_checkpoint,
        *(
            "--style",
            "jazz",
            "--input",
            str(first),
            "--fill-bars",
            "2",
            "--output",
            str(second),
            "--seed",
            "1",
        ),
    )
    assert second.read_bytes() != first.read_bytes()


def test_the_track_that_is_asked_for_is_read_and_told(small_checkpoint: Path, tmp_path: Path) -> None:
    song = tmp_path / "song.mid"
    parts = [
        track(name(called), *strokes(bars(count), channel=channel))
        for called, channel, count in (("Piano [/b]", 1, 2), ("Drums", 4, 3))
    ]
    song.write_bytes(midi(*parts))
    asked = ("--style", "funk", "--bars", "1", "--input", str(song), "--output", str(tmp_path / "out.mid"))
    assert "read track 2 'Drums' (channel 4, 36 notes)" in generate(small_checkpoint, *asked)
    assert "That file is kept" in generate(small_checkpoint, *asked)
    told = generate(small_checkpoint, *asked, "--track", "piano", "--force")
    assert "read track 1 'Piano [/b]' (channel 1, 24 notes); drum map: General MIDI" in told
    assert "left out track 2 'Drums' (channel 4, 36 notes): another was asked for" in told
    both = generate(small_checkpoint, *asked, "--track", "1", "--track", "2", "--force")
    assert "read track 1 'Piano [/b]' (channel 1, 24 notes), track 2" in both


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--style", "nobody"], "nobody"),
        (["--style", "funk", "--time-signature", "four"], "time signature"),
        (["--style", "funk", "--fill-bars", "2"], "beat"),
        (["--style", "funk", "--fill-bars", "two"], "--fill-bars"),
        (["--style", "funk", "--output", "pattern.wav"], "--output"),
        (["--style", "funk", "--count", "0"], "--count"),
        (["--style", "funk", "--bars", "99"], "bars"),
        (["--style", "funk", "--input", "none-such.mid"], "none-such.mid"),
        (["--style", "funk", "--track", "Drums"], "--track: expected --input"),
    ],
)
def test_what_cannot_be_is_told(
    small_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LiveEngineError, match=told):
        generate(small_checkpoint, *arguments)
    assert not list(tmp_path.iterdir())


def test_numbers_have_room_for_all() -> None:
    assert [path.name for path in paths_for(Path("x/b.mid"), 2)] == ["b-0001.mid", "b-0002.mid"]
    assert next(iter(paths_for(Path("b.mid"), 12_345))).name == "b-00001.mid"
