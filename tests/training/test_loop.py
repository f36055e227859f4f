"""The training loop, in seconds, on MIDI that the test writes: it learns, keeps the best, and stops."""

from __future__ import annotations

import math
from pathlib import Path

import mido
import pytest
import torch

from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.config import ModelConfig
from liveengine.training.corpus import condition_space, read_corpus
from liveengine.training.loop import Progress, TrainingConfig, learning_rate, train
from liveengine.training.windows import sequence_of
from tests.commands import TOOLS, run_script

HEADER = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split\n"


def write_beat(path: Path, bars: int, shift: int) -> None:
    """Write a rock beat: hats on eighths, kick on 1 and 3, snare on 2 and 4; `shift` varies velocity."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    events = []
    for bar in range(bars):
        for eighth in range(8):
            tick = (bar * 8 + eighth) * 240
            notes = [42] + ([36] if eighth in (0, 4) else []) + ([38] if eighth in (2, 6) else [])
            for note in notes:
                events.append((tick, "note_on", note, 70 + (shift * 7 + eighth * 5) % 50))
                events.append((tick + 60, "note_off", note, 0))
    now = 0
    for tick, kind, note, velocity in sorted(events, key=lambda event: (event[0], event[1])):
        track.append(mido.Message(kind, channel=9, note=note, velocity=velocity, time=tick - now))
        now = tick
    path.parent.mkdir(parents=True, exist_ok=True)
    file.save(path)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for number in range(6):
        name = f"drummer1/session1/{number}"
        file = f"{name}_rock_100_beat_4-4.mid"
        write_beat(folder / file, 6, number)
        split = "validation" if number == 5 else "train"
        rows.append(f"drummer1,drummer1/session1,{name},rock,100,beat,4-4,{file},,14.4,{split}\n")
    (folder / "info.csv").write_text(HEADER + "".join(rows))
    return folder


def test_a_few_epochs_learn_a_simple_beat_and_keep_the_best(corpus: Path, tmp_path: Path) -> None:
    takes, left_out = read_corpus(corpus)
    assert not left_out
    space = condition_space(takes)
    told: list[Progress] = []
    train(
        ModelConfig(layers=1, width=32, heads=2, window=64, condition_size=space.size, dropout=0.0),
        TrainingConfig(epochs=60, max_tokens=160, tokens_per_batch=320, learning_rate=1e-2, warmup_steps=4),
        space=space,
        training=[sequence_of(take, space) for take in takes if take.split == "train"],
        validation=[sequence_of(take, space) for take in takes if take.split == "validation"],
        out=tmp_path / "out",
        device=torch.device("cpu"),
        describe={"corpora": ["made for the test"]},
        report=told.append,
    )
    assert told[0].validation_bits > 8
    best = min(each.validation_bits for each in told)
    assert best < 0.65 * told[0].validation_bits
    loaded = load_checkpoint(tmp_path / "out")
    assert loaded.training["validation_bits_per_note"] == pytest.approx(best, abs=1e-3)
    assert loaded.space == space
    loaded.build()


def test_the_rate_warms_up_and_falls_as_half_a_cosine() -> None:
    config = TrainingConfig(
        epochs=1,
        max_tokens=1,
        tokens_per_batch=1,
        learning_rate=1.0,
        final_learning_rate=0.0,
        warmup_steps=10,
    )
    assert learning_rate(0, 110, config) == pytest.approx(0.1)
    assert learning_rate(9, 110, config) == pytest.approx(1.0)
    assert learning_rate(60, 110, config) == pytest.approx(0.5)
    assert learning_rate(35, 110, config) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert learning_rate(110, 110, config) == pytest.approx(0.0, abs=1e-9)


def test_the_command_trains_and_writes_a_checkpoint_that_loads(corpus: Path, tmp_path: Path) -> None:
    arguments = ("--gmd", corpus, "--out", tmp_path / "made", "--epochs", "1")
    result = run_script(TOOLS / "train.py", *arguments)
    assert result.returncode == 0, result.stderr
    assert "epoch 1" in result.stdout
    assert load_checkpoint(tmp_path / "made").config.width == 256
