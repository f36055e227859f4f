"""Learning from teachers: what the loss is, that a student comes to agree, and teachers that do not fit."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import pytest
import torch

from liveengine.errors import CheckpointError
from liveengine.model.checkpoint import load_checkpoint, save_checkpoint
from liveengine.model.config import ModelConfig
from liveengine.model.network import DrumModel
from liveengine.tokens.conditioning import ConditionSpace
from liveengine.training.loop import train
from liveengine.training.loss import distilled_loss, negative_log_likelihood, scored_tokens
from liveengine.training.options import TrainingConfig
from liveengine.training.windows import Batch, batches, sequence_of
from tests.conftest import SPACE, untrained_model
from tests.training.test_resume import TRAINING, VALIDATION, a_take


@pytest.fixture
def batch() -> Batch:
    sequences = [sequence_of(a_take(seed, 3, "train"), SPACE) for seed in range(3)]
    found = batches(sequences, SPACE, max_tokens=60, tokens_per_batch=400, dropout=None, rng=random.Random(1))
    return next(found)


@torch.no_grad()
def test_none_of_the_share_is_the_plain_loss(batch: Batch) -> None:
    model, teacher = untrained_model(), untrained_model()
    plain = float(negative_log_likelihood(model, batch))
    assert float(distilled_loss(model, batch, [teacher], 0.0)) == pytest.approx(plain, rel=1e-5)


@torch.no_grad()
def test_it_is_least_where_the_student_expects_what_the_teachers_do(batch: Batch) -> None:
    teacher = untrained_model()
    other = copy.deepcopy(teacher)
    other.controls.weight.add_(torch.randn_like(other.controls.weight))
    own = float(distilled_loss(teacher, batch, [teacher], 1.0))
    assert own < float(distilled_loss(other, batch, [teacher], 1.0))
    of_two = float(distilled_loss(teacher, batch, [teacher, other], 1.0))
    assert own < of_two < float(distilled_loss(teacher, batch, [other], 1.0))


@torch.no_grad()
def test_padding_teaches_nothing(batch: Batch) -> None:
    model = untrained_model()
    before = float(distilled_loss(model, batch, [model], 1.0))
    longer = Batch(
        torch.nn.functional.pad(batch.ids, (0, 7)),
        torch.nn.functional.pad(batch.controls, (0, 0, 0, 7)),
        batch.notes,
        batch.grid_bound,
    )
    assert float(distilled_loss(model, longer, [model], 1.0)) == pytest.approx(before, rel=1e-4)


def save_teacher(folder: Path, space: ConditionSpace) -> Path:
    config = ModelConfig(layers=1, width=32, heads=2, window=48, condition_size=space.size, dropout=0.0)
    torch.manual_seed(3)
    model = DrumModel(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    save_checkpoint(folder, model.eval(), space, {})
    return folder


def disagreement(student: DrumModel, teacher: DrumModel, batch: Batch) -> float:
    """Return how far the student is from the teacher, nats a token."""
    with torch.no_grad():
        apart = distilled_loss(student, batch, [teacher], 1.0) - distilled_loss(
            teacher, batch, [teacher], 1.0
        )
    return float(apart) / scored_tokens(batch)


def test_a_student_comes_to_agree_with_a_teacher_of_another_size(batch: Batch, tmp_path: Path) -> None:
    teacher = load_checkpoint(save_teacher(tmp_path / "teacher", SPACE))
    model = ModelConfig(layers=2, width=16, heads=2, window=32, condition_size=SPACE.size, dropout=0.0)
    config = TrainingConfig(
        epochs=25, max_tokens=60, tokens_per_batch=240, learning_rate=1e-2, warmup_steps=3, teaching=1.0
    )
    torch.manual_seed(config.seed)
    before = disagreement(DrumModel(model).eval(), teacher.build(), batch)
    student = train(
        model,
        config,
        space=SPACE,
        training=TRAINING,
        validation=VALIDATION,
        out=tmp_path / "student",
        device=torch.device("cpu"),
        describe={},
        report=lambda _progress: None,
        teachers=[teacher],
    )
    assert disagreement(student.eval(), teacher.build(), batch) < before / 2


def test_a_teacher_of_other_genres_is_refused(tmp_path: Path) -> None:
    other = ConditionSpace(("funk", "jazz", "polka"))
    teacher = load_checkpoint(save_teacher(tmp_path / "teacher", other))
    model = ModelConfig(layers=2, width=16, heads=2, window=32, condition_size=SPACE.size, dropout=0.0)
    with pytest.raises(CheckpointError, match="teachers: expected checkpoints of the corpus's genres"):
        train(
            model,
            TrainingConfig(epochs=1, max_tokens=60, tokens_per_batch=240),
            space=SPACE,
            training=TRAINING,
            validation=VALIDATION,
            out=tmp_path / "student",
            device=torch.device("cpu"),
            describe={},
            report=lambda _progress: None,
            teachers=[teacher],
        )
