"""Learning a style of one's own: it fits held-out bars better, plays at once, and faults are told."""

from __future__ import annotations

import io
import itertools
import json
import random
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from liveengine.app import style_learning
from liveengine.app.cli.main import app
from liveengine.app.loading import PlayOptions, load_session
from liveengine.app.play import play
from liveengine.app.style_learning import LearnOptions, advice, learn, style_name
from liveengine.config.kits import load_kit
from liveengine.config.settings import (
    EngineSettings,
    load_all_styles,
    load_drum_map,
    load_styles,
)
from liveengine.config.style_library import load_repertoire
from liveengine.config.user_files import own_styles_folder
from liveengine.errors import CheckpointError, ConfigError, ContractError, CorpusError, LiveEngineError
from liveengine.generation.generator import BarGenerator
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.style_pack import StylePack, load_pack, save_pack
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarRequest, Conditioning
from liveengine.training.corpus import Take
from liveengine.training.learn import LearnConfig, StyleModel, learn_style, split
from liveengine.training.learn_report import copied_share, manner, on_grid, swing_percent
from tests.midi_bytes import control, midi, strokes, tempo, track
from tests.training.test_user_midi import BEAT, write_beats

SHIPPED = len(load_styles().styles)


def swung_bar(micro: int = 2, extra: int = 0) -> Bar:
    hats = [Hit(step, Voice.CLOSED_HAT, micro * (step % 2), 70) for step in range(16)]
    kicks = [Hit(step, Voice.KICK, 0, 100) for step in (0, 6, 10 + extra)]
    return Bar(FOUR_FOUR, tuple(sorted([*hats, *kicks])))


def take(name: str, count: int, bar: Bar | None = None) -> Take:
    return Take(name, "me", "mine", "mine", 90.0, False, "train", (bar or swung_bar(),) * count)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty place for own styles; reports make do with few bars."""
    monkeypatch.setattr(style_learning, "RUNS", 1)
    monkeypatch.setattr(style_learning, "RUN_BARS", 2)
    folder = tmp_path / "styles"
    monkeypatch.setenv("LIVEENGINE_STYLES", str(folder))
    return folder


@pytest.fixture
def beats(tmp_path: Path) -> Path:
    for number in range(6):
        write_beats(tmp_path / "beats" / f"{number}.mid", 4, bpm=90 + number)
    return tmp_path / "beats"


@pytest.fixture
def learned(own_folder: Path, beats: Path, small_checkpoint: Path) -> Path:
    """A style learned by the command's own way, for a fraction of a second."""
    options = LearnOptions(beats, "My Beats", minutes=0.02, checkpoint=small_checkpoint)
    return learn(options, Console(quiet=True))


def test_the_vector_learns_and_only_the_vector(small_checkpoint: Path) -> None:
    checkpoint = load_checkpoint(small_checkpoint)
    takes = [take(f"{number}", 4) for number in range(6)]
    found = learn_style(checkpoint, takes, "mine", LearnConfig(minutes=0.1, learning_rate=0.05))
    assert found.bits_after < found.bits_before - 0.1
    assert found.bits_before == found.nearest[0][1] == min(bits for _, bits in found.nearest)
    assert found.whole_files_held_out
    assert not {each.name for each in found.training} & {each.name for each in found.held_out}
    model = StyleModel(checkpoint, "mine")
    judged = model.batches(found.held_out, LearnConfig(), None)
    assert model.bits(judged, found.nearest[0][0]) == pytest.approx(found.bits_before, rel=1e-5)
    model.vector.data.copy_(model.vector.data.new_tensor(found.vector))
    assert model.bits(judged) == pytest.approx(found.bits_after, rel=1e-5)


def test_a_model_with_one_genre_more_is_the_same_under_those_it_knows(small_checkpoint: Path) -> None:
    checkpoint = load_checkpoint(small_checkpoint)
    model = StyleModel(checkpoint, "mine")
    judged = model.batches([take("a", 3)], LearnConfig(), None)
    model.start_from("jazz")
    assert model.bits(judged) == pytest.approx(model.bits(judged, "jazz"), rel=1e-6)
    with pytest.raises(ContractError, match="jazz, a learned genre"):
        StyleModel(checkpoint, "jazz")


def test_time_ends_learning(small_checkpoint: Path) -> None:
    ticks = iter(range(10_000))
    config = LearnConfig(minutes=0.5, patience=10_000)
    found = learn_style(
        load_checkpoint(small_checkpoint), [take("a", 8)], "mine", config, now=lambda: float(next(ticks))
    )
    assert found.seconds < 40
    assert not found.whole_files_held_out


def test_few_files_hold_out_their_last_bars() -> None:
    training, held_out, whole = split([take("a", 10), take("b", 2)], random.Random(1))
    assert not whole
    assert [(each.name, len(each.bars)) for each in training] == [("a", 8), ("b", 2)]
    assert [(each.name, len(each.bars)) for each in held_out] == [("a", 2)]
    with pytest.raises(CorpusError, match="expected 5 files, or one of 4 bars or more, got 3"):
        split([take(name, 3) for name in "abc"], random.Random(1))


def test_the_style_plays_at_once(learned: Path, own_folder: Path, small_checkpoint: Path) -> None:
    assert learned == own_folder / "my_beats.yaml"
    style = load_styles(extra=learned).find("My Beats")
    assert style.genres == (("my_beats", 1.0),)
    assert style.feel.swing_percent == style.feel.learned_swing_percent == 50
    assert style.tempo_bpm == (90, 95)
    assert style.feel.jitter_ms == 0  # drawn on a grid, played on it
    book, notes = load_all_styles()
    assert book.at(SHIPPED) == style
    assert not notes
    pack = load_pack(own_folder / "my_beats.safetensors")
    pack.check(load_checkpoint(small_checkpoint).sha256)

    chosen = EngineSettings(style="my beats", seed=1)
    options = PlayOptions(chosen, clock="virtual", checkpoint=small_checkpoint, duration_s=6.0)
    parts = load_session(options)
    assert parts.packs == (own_folder / "my_beats.safetensors",)
    assert parts.bpm == pytest.approx(92.5)
    console = Console(file=io.StringIO(), record=True)
    play(options, console)
    assert "notes, seed 1" in console.export_text()

    generator = BarGenerator(small_checkpoint, "cpu", parts.packs)
    mixture = Conditioning((("my_beats", 0.5), ("jazz", 0.5)), 92.0)
    assert generator.generate(BarRequest(1, 0, FOUR_FOUR, mixture, (), 1)).bar.meter == FOUR_FOUR


def test_the_report_is_plain_figures(learned: Path) -> None:
    found = json.loads((learned.parent / "my_beats.report.json").read_text(encoding="utf-8"))
    assert found["name"] == "my_beats"
    assert found["bits_per_note_after"] <= found["bits_per_note_before"]
    assert [row["bars"] for row in found["files_used"]] == [4] * 6
    assert found["bars_learned_from"] + found["bars_held_out"] == 24
    assert found["copied_share_held_out"] == 1.0  # every bar is the same
    assert found["player"]["density_notes_per_beat"] == 3
    assert found["bars_generated"] > 0
    assert {row["drum_map"] for row in found["files_used"]} == {"General MIDI"}


def write_hats(folder: Path, opened: tuple[int, ...]) -> Path:
    """Write four files of a kit whose pedal says 127 shut and 0 open; open strokes are at these in turn."""
    folder.mkdir()
    for number in range(4):
        wide = itertools.cycle(opened)
        hats = [(step / 2, 46 if step % 4 == 3 else 42) for step in range(64)]
        pedal = [control(4, next(wide) if note == 46 else 127, beat) for beat, note in hats]
        drums = [(float(beat), 38 if beat % 2 else 36) for beat in range(32)]
        (folder / f"{number}.mid").write_bytes(midi(track(tempo(100), *pedal, *strokes([*hats, *drums]))))
    return folder


@pytest.mark.parametrize(
    ("opened", "half_open", "places"),
    [
        ((64, 64, 64, 0), 0.75, {64, 0, 127}),
        ((0,), 0.0, {0, 127}),
        ((80,), 1.0, {80, 127}),
    ],
)
def test_hats_are_as_open_as_the_player_holds_them(  # noqa: PLR0917 - fixtures
    own_folder: Path,
    tmp_path: Path,
    small_checkpoint: Path,
    opened: tuple[int, ...],
    half_open: float,
    places: set[int],
) -> None:
    folder = write_hats(tmp_path / "played", opened)
    options = LearnOptions(folder, "My Hats", minutes=0.02, checkpoint=small_checkpoint)
    found = json.loads(
        (learn(options, Console(quiet=True)).parent / "my_hats.report.json").read_text("utf-8")
    )
    assert found["player"]["half_open_share"] == pytest.approx(0.25 * half_open, abs=0.01)
    kit = load_kit("roland_td")
    generator = BarGenerator(small_checkpoint, "cpu", [own_folder / "my_hats.safetensors"])
    asked, seed = Conditioning((("my_hats", 1.0),), 100.0), 0
    told: list[int] = []
    while len(told) < 150:
        seed += 1
        for hit in generator.generate(BarRequest(seed, 0, FOUR_FOUR, asked, (), seed)).bar.hits:
            pedal = kit.strike_voice(hit.voice, hit.velocity, hit.step, hit.openness).pedal
            told += [pedal.value] if pedal and hit.voice is Voice.OPEN_HAT else []
    share = sum(value > 32 for value in told) / len(told)  # .75 open is 32 of 127
    assert share == pytest.approx(half_open, abs=0.1)
    near = [min(abs(value - place) for place in places) for value in told]
    assert sum(each <= 26 for each in near) > 0.9 * len(near), "a level is a fifth of the way"


def test_a_style_of_another_checkpoint_is_refused_and_left_out_with_a_note(
    learned: Path, small_checkpoint: Path
) -> None:
    path = learned.with_suffix(".safetensors")
    pack = load_pack(path)
    save_pack(StylePack(pack.name, "f" * 64, pack.vector, pack.scores), path)
    repertoire = load_repertoire(small_checkpoint)
    assert "my_beats" not in [style.name for style in repertoire.styles.styles]
    assert "left out my_beats: style my_beats: learned for checkpoint ffffffffffff" in repertoire.notes[0]
    options = PlayOptions(EngineSettings(style="mybeats"), checkpoint=small_checkpoint)
    with pytest.raises(CheckpointError, match=r"learned for checkpoint f+, and this is .*learn it again"):
        load_session(options)


def test_a_faulty_file_of_the_players_keeps_nobody_from_playing(
    own_folder: Path, small_checkpoint: Path
) -> None:
    own_folder.mkdir()
    (own_folder / "bad.yaml").write_text("title: [")
    (own_folder / "funk.yaml").write_text(
        "title: F\ngenres: {jazz: 1}\ntempo_bpm: [90, 100]\nsource: another funk\n"
    )
    (own_folder / "blend.yaml").write_text(
        "title: B\ngenres: {jazz: 0.5, funk: 0.5}\ntempo_bpm: [90, 100]\nsource: a blend\n"
    )
    (own_folder / "junk.safetensors").write_bytes(b"junk")
    repertoire = load_repertoire(small_checkpoint)
    assert repertoire.find("blend") == repertoire.styles.styles[-1]
    assert len(repertoire.notes) == 2
    with pytest.raises(LiveEngineError, match=r"(?s)all:.*bad\.yaml, line 1"):
        repertoire.find("bad")


def test_learning_again_keeps_the_place_and_another_name_comes_after(
    learned: Path, beats: Path, small_checkpoint: Path
) -> None:
    for name in ("a second", "My Beats"):
        options = LearnOptions(beats, name, minutes=0.01, checkpoint=small_checkpoint, force=True)
        learn(options, Console(quiet=True))
    names = [style.name for style in load_all_styles()[0].styles[SHIPPED:]]
    assert names == ["my_beats", "a_second"]


def test_a_style_that_is_there_is_kept(learned: Path, beats: Path, small_checkpoint: Path) -> None:
    before = learned.read_bytes()
    options = LearnOptions(beats, "My Beats", minutes=0.01, checkpoint=small_checkpoint)
    said = io.StringIO()
    assert learn(options, Console(file=said, width=200, markup=False)).stem == "my_beats_2"
    assert "my_beats_2 (--force learns it anew)" in said.getvalue()
    assert learned.read_bytes() == before
    assert load_all_styles()[0].find("My Beats 2").name == "my_beats_2"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "!?"}, "expected a name with letters"),
        ({"name": "Funk"}, "'Funk', a learned genre"),
        ({"name": "dilla"}, "'dilla', to which J Dilla answers"),
        ({"kit": "gm", "drum_map": Path("x.yaml")}, "expected one of them, got both"),
        ({"kit": "spoons"}, "all: 808, 909"),
        ({"drum_map": Path("nowhere.yaml")}, "expected a drum map"),
        ({"minutes": 0.0}, "minutes: expected more than 0"),
    ],
)
def test_faults_are_told_before_anything_is_learned(
    own_folder: Path, beats: Path, small_checkpoint: Path, change: dict[str, object], complaint: str
) -> None:
    given: dict[str, object] = {"name": "mine", "checkpoint": small_checkpoint, **change}
    with pytest.raises(LiveEngineError, match=complaint):
        learn(LearnOptions(beats, **given), Console(quiet=True))  # type: ignore[arg-type]
    assert not own_folder.exists()


def test_a_place_that_cannot_be_written_to_is_told_first(
    tmp_path: Path, beats: Path, small_checkpoint: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    options = LearnOptions(beats, "mine", out=tmp_path / "file", checkpoint=small_checkpoint)
    with pytest.raises(ConfigError, match="expected a folder to write to, got: File exists"):
        learn(options, Console(quiet=True))


def test_a_drum_map_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("61: rim\n88: None\n")
    assert load_drum_map(path) == {61: Voice.RIM, 88: None}
    for text, complaint in (
        ("61: tin", "line 1, field 61: expected a drum voice .* or none, got 'tin'"),
        ("kick: 36", "expected a MIDI note 0-127 before the colon, got 'kick'"),
        ("300: kick", "expected a MIDI note 0-127"),
        ("", "expected lines such as"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=complaint):
            load_drum_map(path)


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/liveengine/styles"),
        ("linux", {"LIVEENGINE_STYLES": "/mine", "XDG_CONFIG_HOME": "/x"}, "/mine"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/liveengine/styles"),
        ("darwin", {}, str(Path.home() / "Library/Application Support/liveengine/styles")),
        ("linux", {}, str(Path.home() / ".config/liveengine/styles")),
    ],
)
def test_where_own_styles_live(platform: str, environment: dict[str, str], expected: str) -> None:
    assert own_styles_folder(environment, platform) == Path(expected)


def test_names_of_files() -> None:
    assert style_name(" My Beats, Vol. 2 ") == "my_beats_vol_2"
    assert style_name("../../etc") == "etc"


@pytest.mark.parametrize(("micro", "percent"), [(0, 50.0), (2, 58.3), (4, 66.7)])
def test_swing_is_measured_at_known_values(micro: int, percent: float) -> None:
    assert swing_percent([swung_bar(micro)] * 2) == pytest.approx(percent, abs=0.05)


def test_triplets_of_eighths_are_no_swung_sixteenths() -> None:
    shuffle = Bar(FOUR_FOUR, tuple(Hit(step, Voice.RIDE, -4 * (step % 2), 80) for step in range(0, 16, 1)))
    assert swing_percent([shuffle] * 4) == 50


def test_copies_are_bars_with_the_onsets_of_a_training_bar() -> None:
    louder = Bar(FOUR_FOUR, tuple(Hit(hit.step, hit.voice, 0, 120) for hit in swung_bar().hits))
    assert copied_share([louder, swung_bar(extra=1), Bar(FOUR_FOUR, ())], [swung_bar()]) == 0.5
    assert copied_share([], [swung_bar()]) == 0


def test_manner_and_grid() -> None:
    found = manner([swung_bar(), Bar(FOUR_FOUR, ())])
    assert found.density_notes_per_beat == pytest.approx(19 / 4)
    assert found.velocity == pytest.approx((16 * 70 + 3 * 100) / 19, abs=0.01)
    assert on_grid([swung_bar()])
    rng = np.random.default_rng(1)
    played = [
        Bar(FOUR_FOUR, tuple(Hit(step, Voice.RIDE, int(rng.integers(-2, 3)), 80) for step in range(16)))
    ]
    assert not on_grid(played)


PLAYER = {"density_notes_per_beat": 4.4, "velocity": 77.0, "swing_percent": 54.0}


def test_a_poor_match_comes_with_what_to_do() -> None:
    assert advice(PLAYER, PLAYER, 40) == []
    near = {"density_notes_per_beat": 4.9, "velocity": 70.0, "swing_percent": 55.0}
    assert advice(PLAYER, near, 40) == []
    far = {"density_notes_per_beat": 5.7, "velocity": 58.0, "swing_percent": 50.0}
    notes, velocity, swing, more = advice(PLAYER, far, 40)
    assert "turn density down" in notes
    assert "turn energy up" in velocity
    assert "--swing 54" in swing
    assert "--minutes 15" in more
    assert "40 bars" in more


def test_what_was_read_of_each_file_is_told(own_folder: Path, beats: Path, small_checkpoint: Path) -> None:
    lower = [(beat, pitch - 12, velocity) for beat, pitch, velocity in BEAT]
    write_beats(beats / "lower [b].mid", 4, notes=lower, track_name="Kit", channel=2)
    write_beats(beats / "piano.mid", 4, track_name="Piano", channel=3)
    said = io.StringIO()
    options = LearnOptions(beats, "Told", minutes=0.01, checkpoint=small_checkpoint)
    learned = learn(options, Console(file=said, width=200, markup=False))
    lines = said.getvalue().splitlines()
    assert "0.mid: 4 bars at 90 bpm, General MIDI, track 1 (channel 10, 48 notes)" in lines
    told = "4 bars at 92 bpm, General MIDI, 1 octave lower, track 1 'Kit' (channel 3, 48 notes)"
    assert f"lower [b].mid: {told}" in lines
    assert "7 files, 28 bars" in lines
    assert any(line.startswith("left out piano.mid: no drums found; track 1 'Piano'") for line in lines)
    found = json.loads((learned.parent / "told.report.json").read_text(encoding="utf-8"))
    assert found["files_used"][-1]["drum_map"] == "General MIDI, 1 octave lower"
    assert found["files_used"][-1]["tracks"] == ["track 1 'Kit' (channel 3, 48 notes)"]
    again = LearnOptions(beats, "Piano", minutes=0.01, checkpoint=small_checkpoint, tracks=("1",))
    said = io.StringIO()
    learn(again, Console(file=said, width=200, markup=False))
    assert "8 files, 32 bars" in said.getvalue()


def test_a_few_bars_are_taken_with_a_warning(
    own_folder: Path, beats: Path, small_checkpoint: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short"
    short.mkdir()
    for each in sorted(beats.rglob("*.mid"))[:3]:
        (short / each.name).write_bytes(each.read_bytes())
    said = io.StringIO()
    options = LearnOptions(short, "Short", minutes=0.01, checkpoint=small_checkpoint)
    learn(options, Console(file=said, width=200, markup=False))
    assert "bars are few" in said.getvalue()


def test_the_command_reads_the_track_that_is_asked_for(
    own_folder: Path, beats: Path, small_checkpoint: Path
) -> None:
    for each in beats.glob("*.mid"):
        write_beats(each, 4, track_name="Piano", channel=2)
    asked = [
        "learn",
        str(beats),
        "--name",
        "Asked",
        "--minutes",
        "0.01",
        "--checkpoint",
        str(small_checkpoint),
    ]
    refused = CliRunner().invoke(app, [*asked, "--track", "congas"])
    assert isinstance(refused.exception, CorpusError)
    assert "--track: expected the number or name of one track, got 'congas'" in str(refused.exception)
    assert CliRunner().invoke(app, [*asked, "--track", "piano", "--track", "1"]).exit_code == 0
    assert (own_folder / "asked.yaml").is_file()
