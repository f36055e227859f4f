"""Training that stops and goes on: bit for bit the same, in parts where memory is short, in any precision."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from liveengine.errors import CheckpointError, ConfigError, CorpusError, LiveEngineError
from liveengine.model.checkpoint import Checkpoint, load_checkpoint
from liveengine.model.config import ModelConfig
from liveengine.model.network import DrumModel
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.training import loop
from liveengine.training.corpus import Take
from liveengine.training.history import HISTORY_FILE, read_history
from liveengine.training.initial import initial_weights
from liveengine.training.loop import Progress, Tick, train
from liveengine.training.micro_batches import MicroBatches, split
from liveengine.training.options import RunOptions, TrainingConfig
from liveengine.training.precision import Precision, choose_precision
from liveengine.training.state import STATE_FILE, read_counters
from liveengine.training.windows import Batch, TokenSequence, batches, sequence_of
from tests.conftest import SPACE, untrained_model

CPU = torch.device("cpu")
MODEL = ModelConfig(layers=2, width=16, heads=2, window=32, condition_size=SPACE.size, dropout=0.2)
CONFIG = TrainingConfig(epochs=4, max_tokens=60, tokens_per_batch=240, learning_rate=1e-2, warmup_steps=3)


def a_take(seed: int, bars: int, split: str) -> Take:
    rng = random.Random(seed)
    played = []
    for _ in range(bars):
        steps = sorted(rng.sample(range(16), 5))
        played.append(
            Bar(
                FOUR_FOUR,
                tuple(
                    Hit(step, rng.choice((Voice.KICK, Voice.SNARE)), 0, rng.randrange(40, 120))
                    for step in steps
                ),
            )
        )
    return Take(f"take {seed}", "drummer", "funk", "funk", 100.0, False, split, tuple(played))


TRAINING = [sequence_of(a_take(seed, 6, "train"), SPACE) for seed in range(6)]
VALIDATION = [sequence_of(a_take(9, 4, "validation"), SPACE)]


def go(
    out: Path,
    *,
    config: TrainingConfig = CONFIG,
    training: Sequence[TokenSequence] = TRAINING,
    validation: Sequence[TokenSequence] = VALIDATION,
    report: Callable[[Progress], None] = lambda _progress: None,
    on_batch: Callable[[Tick], None] = lambda _tick: None,
    say: Callable[[str], None] = lambda _message: None,
    **run: Any,
) -> DrumModel:
    """Train the small model of these tests; other names go to the run's options."""
    return train(
        MODEL,
        config,
        space=SPACE,
        training=training,
        validation=validation,
        out=out,
        device=CPU,
        describe={},
        report=report,
        run=RunOptions(**run),
        say=say,
        on_batch=on_batch,
    )


def bits(folder: Path) -> list[tuple[int, float, float]]:
    return [
        (each.epoch, each.training_bits, each.validation_bits) for each in read_history(folder / HISTORY_FILE)
    ]


def assert_same_training(one: Path, other: Path) -> None:
    assert bits(one) == bits(other)
    assert read_counters(one) == read_counters(other)
    for name in (STATE_FILE, "model.safetensors"):
        first, second = load_file(one / name), load_file(other / name)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), name


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("unbroken")
    go(out)
    assert [epoch for epoch, _, _ in bits(out)] == [0, 1, 2, 3]
    return out


def test_two_epochs_and_two_more_are_four_to_the_bit(unbroken: Path, tmp_path: Path) -> None:
    go(tmp_path, stop_after=2)
    assert [epoch for epoch, _, _ in bits(tmp_path)] == [0, 1]
    go(tmp_path, resume=True)
    assert_same_training(unbroken, tmp_path)


def test_averaged_weights_and_fresh_takes_go_on_to_the_bit(tmp_path: Path) -> None:
    config = replace(CONFIG, averaging=0.9, authored_share=0.5)
    authored = [replace(each, authored=True) for each in TRAINING[:4]]
    training = [*authored, *TRAINING[4:]]
    go(tmp_path / "unbroken", config=config, training=training)
    go(tmp_path / "broken", config=config, training=training, stop_after=2)
    go(tmp_path / "broken", config=config, training=training, resume=True)
    assert_same_training(tmp_path / "unbroken", tmp_path / "broken")


def test_what_is_kept_is_the_average_of_the_weights_on_their_way(tmp_path: Path) -> None:
    kept = go(tmp_path, config=replace(CONFIG, epochs=1, averaging=0.9), keep="last")
    state = load_file(tmp_path / STATE_FILE)
    saved = load_checkpoint(tmp_path).weights
    for name, weight in kept.state_dict().items():
        assert torch.equal(weight, state[f"average.module.{name}"])
        assert saved[name] == pytest.approx(weight.numpy(), abs=2e-3)
    assert any(not torch.equal(weight, state[f"model.{name}"]) for name, weight in kept.state_dict().items())


def test_an_epoch_draws_its_share_of_authored_takes(tmp_path: Path) -> None:
    def bars_learned(share: float) -> int:
        batches_done: list[Tick] = []
        config = replace(CONFIG, epochs=1, tokens_per_batch=60, authored_share=share)
        authored = [replace(each, authored=True) for each in TRAINING]
        go(
            tmp_path / f"{share}",
            config=config,
            training=[*authored, TRAINING[0]],
            on_batch=batches_done.append,
        )
        return len(batches_done)

    assert bars_learned(0.0) < bars_learned(0.5) < bars_learned(1.0)


@pytest.mark.parametrize(("keep", "epochs"), [("best", 2), ("last", 4)])
def test_the_last_epoch_is_kept_where_it_is_asked_for(tmp_path: Path, keep: str, epochs: int) -> None:
    wild = replace(CONFIG, learning_rate=3.0, warmup_steps=1, patience=1)
    go(tmp_path, config=wild, keep=keep)
    done = bits(tmp_path)
    best = min(range(len(done)), key=lambda place: done[place][2])
    assert len(done) >= epochs
    assert load_checkpoint(tmp_path).training["epoch"] == (len(done) - 1 if keep == "last" else best)


def test_new_genres_begin_as_their_kin_and_new_controls_at_zero() -> None:
    start = Checkpoint(
        replace(MODEL, condition_size=SPACE.size),
        SPACE,
        {name: each.numpy() for name, each in untrained_model().state_dict().items()},
        "0" * 64,
        {},
    )
    space = replace(SPACE, genres=("dilla", "funk", "new"), steadiness_quantiles=(0.0, 1.0))
    config = replace(start.config, condition_size=space.size, width=32)
    start = replace(start, config=replace(start.config, width=32))
    found = initial_weights(start, config, space, {"dilla": {"funk": 0.5, "jazz": 0.25, "unknown": 0.25}})
    old, new = torch.from_numpy(start.weights["controls.weight"]), found["controls.weight"]
    place = {genre: column for column, genre in enumerate(SPACE.genres)}
    assert new.shape == (32, space.size)
    assert torch.equal(new[:, 1], old[:, place["funk"]])
    assert torch.allclose(new[:, 0], (2 * old[:, place["funk"]] + old[:, place["jazz"]]) / 3)
    assert torch.allclose(new[:, 2], old[:, : len(SPACE.genres)].mean(1))
    assert torch.equal(new[:, 3 : SPACE.size], old[:, len(SPACE.genres) :])
    assert not new[:, SPACE.size :].any()


def test_a_training_broken_off_within_an_epoch_goes_on_from_the_last_whole_one(
    unbroken: Path, tmp_path: Path
) -> None:
    def ctrl_c(tick: Tick) -> None:
        if tick.epoch == 2 and tick.batch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, on_batch=ctrl_c)
    counters = read_counters(tmp_path)
    assert counters is not None
    assert counters.epochs == 2
    torch.manual_seed(99)
    go(tmp_path, resume=True)
    assert_same_training(unbroken, tmp_path)


def test_a_finished_training_has_nothing_left_to_resume(unbroken: Path) -> None:
    told: list[Progress] = []
    before = (unbroken / STATE_FILE).read_bytes()
    go(unbroken, resume=True, report=told.append)
    assert not told
    assert (unbroken / STATE_FILE).read_bytes() == before


def test_only_the_same_training_is_resumed(unbroken: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="expected a training to resume"):
        go(tmp_path, resume=True)
    with pytest.raises(CheckpointError, match="training data"):
        go(unbroken, resume=True, training=TRAINING[:-1])
    faster = TrainingConfig(epochs=4, max_tokens=60, tokens_per_batch=240, learning_rate=1e-1, warmup_steps=3)
    with pytest.raises(CheckpointError, match=r"learning_rate 0.01, now 0.1"):
        go(unbroken, config=faster, resume=True)
    (tmp_path / STATE_FILE).write_bytes(b"\x80\x04no safetensors")
    with pytest.raises(CheckpointError, match="expected the state of a training"):
        go(tmp_path, resume=True)


def test_training_stops_when_validation_no_longer_improves(tmp_path: Path) -> None:
    config = TrainingConfig(
        epochs=6, max_tokens=60, tokens_per_batch=240, learning_rate=0.0, final_learning_rate=0.0, patience=2
    )
    told: list[Progress] = []
    go(tmp_path, config=config, report=told.append)
    assert len(told) == 3


def test_nothing_to_learn_from_or_to_validate_with_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="training: expected bars with notes"):
        go(tmp_path, training=[])
    with pytest.raises(CorpusError, match="validation: expected bars with notes"):
        go(tmp_path, validation=[])


def short_of_memory(monkeypatch: pytest.MonkeyPatch, most_windows: int) -> None:
    """Let the model fail as a full GPU does where it is given more windows than that at once."""
    forward = DrumModel.forward

    def limited(
        self: DrumModel, ids: torch.Tensor, steps: torch.Tensor, controls: torch.Tensor
    ) -> torch.Tensor:
        if len(ids) > most_windows:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return forward(self, ids, steps, controls)

    monkeypatch.setattr(DrumModel, "forward", limited)


def test_out_of_memory_takes_smaller_parts_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    config = TrainingConfig(epochs=2, max_tokens=60, tokens_per_batch=480, learning_rate=1e-3, warmup_steps=3)
    go(tmp_path / "whole", config=config, precision="fp32")
    short_of_memory(monkeypatch, 3)
    go(tmp_path / "parts", config=config, precision="fp32", say=said.append)
    assert "batches go through in 2 parts" in said[0]
    counters = read_counters(tmp_path / "parts")
    assert counters is not None
    assert counters.parts >= 2
    # Dropout falls otherwise on parts, so the curves are close and not the same.
    assert bits(tmp_path / "parts")[-1][2] == pytest.approx(bits(tmp_path / "whole")[-1][2], rel=0.1)


def test_where_not_one_window_fits_the_error_says_what_to_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short_of_memory(monkeypatch, 0)
    with pytest.raises(LiveEngineError, match=r"not even one window of \d+ tokens fits; take --size small"):
        go(tmp_path, advice="--size small, or --device cpu")


def a_batch() -> Batch:
    made = batches(TRAINING, SPACE, max_tokens=60, tokens_per_batch=480, dropout=None, rng=random.Random(1))
    return next(iter(made))


def gradients(batch: Batch, parts: int, model: DrumModel) -> list[torch.Tensor]:
    def work(part: Batch) -> float:
        loss = loop.negative_log_likelihood(model, part)
        torch.autograd.backward(loss)
        return loss.item()

    model.zero_grad()
    micro_batches = MicroBatches(CPU, lambda _message: None, "nothing")
    micro_batches.parts = parts
    micro_batches.total(batch, work)
    return [weight.grad.clone() for weight in model.parameters() if weight.grad is not None]


def test_gradients_of_parts_add_up_to_those_of_the_batch() -> None:
    batch, model = a_batch(), untrained_model()
    assert sum(len(part.ids) for part in split(batch, 3)) == len(batch.ids)
    assert sum(part.notes for part in split(batch, 3)) == batch.notes
    for whole, in_parts in zip(gradients(batch, 1, model), gradients(batch, 3, model), strict=True):
        torch.testing.assert_close(in_parts, whole, rtol=1e-3, atol=1e-3)


def test_checkpointed_activations_change_nothing(tmp_path: Path) -> None:
    go(tmp_path / "plain", stop_after=1)
    model = go(tmp_path / "lean", stop_after=1, checkpointing=True)
    assert all(layer.gradient_checkpointing for layer in model.backbone.layers)
    assert bits(tmp_path / "plain") == bits(tmp_path / "lean")


@pytest.mark.parametrize("name", ["fp32", "fp16"])
def test_other_precisions_learn_and_resume(name: str, tmp_path: Path) -> None:
    go(tmp_path / "whole", precision=name, stop_after=2)
    go(tmp_path / "halves", precision=name, stop_after=1)
    go(tmp_path / "halves", precision=name, stop_after=2, resume=True)
    assert_same_training(tmp_path / "whole", tmp_path / "halves")
    first, second = bits(tmp_path / "whole")
    assert math.isfinite(second[1])
    assert second[1] < first[1]


def test_the_device_decides_the_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = torch.device("cuda")
    assert choose_precision("auto", CPU) == Precision("bf16", "cpu")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (8, 6))
    assert choose_precision("auto", cuda) == Precision("bf16", "cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device: (7, 5))
    assert choose_precision("auto", cuda) == Precision("fp16", "cuda")
    with pytest.raises(ConfigError, match="precision bf16: cuda has none"):
        choose_precision("bf16", cuda)
    with pytest.raises(ConfigError, match="expected one of auto, bf16, fp16, fp32, got 'int8'"):
        choose_precision("int8", CPU)
    assert Precision("fp16", "cpu").scaler().is_enabled()
    assert not Precision("bf16", "cpu").scaler().is_enabled()


def test_a_loss_that_is_no_number_ends_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_model: DrumModel, batch: Batch) -> torch.Tensor:
        return torch.full((), math.nan, requires_grad=True) * batch.notes

    monkeypatch.setattr(loop, "negative_log_likelihood", broken)
    with pytest.raises(LiveEngineError, match=r"epoch 1, step 1: the loss is nan"):
        go(tmp_path)
