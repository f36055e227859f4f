"""What a groove says about the next token: its tables, their file, and what they add to a model's logits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from liveengine.errors import CheckpointError, ContractError
from liveengine.model.config import BAR_STEP
from liveengine.model.fused_weights import Floats
from liveengine.model.groove_evidence import (
    EVIDENCE_FILE,
    SHAPES,
    GrooveEvidence,
    knots_of,
    load_evidence,
    save_evidence,
)
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.heard import HeardGroove
from liveengine.tokens import vocabulary

GROOVE = HeardGroove((1.0, 0.0, 0.0, 0.5))
TWO_FOUR = Meter(2, 4)


def tables(seed: int = 1) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def position(step: int) -> int:
    return vocabulary.POSITION_BASE + step


def test_a_position_gains_by_what_is_on_it_and_by_what_is_passed_over() -> None:
    learned = tables()
    evidence = GrooveEvidence(**learned)
    added = evidence.logits(GROOVE, TWO_FOUR)
    struck, skipped = learned["struck"], learned["skipped"]
    loud, none, half = 4, 0, 2  # the knots of accents 1, 0 and .5
    assert added[BAR_STEP, position(0)] == pytest.approx(struck[0, loud])
    expected = struck[3, half] + skipped[1, none] + skipped[2, none]
    assert added[0, position(3)] == pytest.approx(expected, rel=1e-5)
    closing = skipped[2, none] + skipped[3, half] + skipped[:, none].sum()  # a beat of rests follows
    assert added[1, vocabulary.bar_id(TWO_FOUR)] == pytest.approx(closing, rel=1e-5)
    assert added[2, position(1)] == 0.0, "there is no way back"


def test_hits_gain_by_voice_and_loudness_of_their_own_sixteenth() -> None:
    learned = tables()
    added = GrooveEvidence(**learned).logits(GROOVE, TWO_FOUR)
    voice, _, velocity = vocabulary.hit_parts(vocabulary.HIT_BASE + 777)
    expected = learned["voice"][3, 2, voice] + learned["velocity"][2, voice, velocity]
    assert added[3, vocabulary.HIT_BASE + 777] == pytest.approx(expected, rel=1e-4)
    unheard = learned["voice"][1, 0, voice] + learned["velocity"][0, voice, velocity]
    assert added[1, vocabulary.HIT_BASE + 777] == pytest.approx(unheard, rel=1e-4)


def test_the_amount_scales_all_of_it() -> None:
    evidence = GrooveEvidence(**tables())
    half = HeardGroove(GROOVE.accents, 0.5)
    np.testing.assert_allclose(evidence.logits(half, FOUR_FOUR) * 2, evidence.logits(GROOVE, FOUR_FOUR))


@pytest.mark.parametrize("meter", [FOUR_FOUR, Meter(3, 4), Meter(7, 8)])
def test_a_groove_of_another_length_is_cut_or_ends_in_rests(meter: Meter) -> None:
    long = HeardGroove((0.5,) * 20)
    for groove in (GROOVE, long):
        accents = knots_of(groove, meter.steps)
        assert accents.shape[0] == meter.steps
        np.testing.assert_allclose(accents.sum(axis=1), 1.0, rtol=1e-6)


def test_evidence_is_kept_with_its_checkpoint(tmp_path: Path) -> None:
    assert load_evidence(tmp_path, "a" * 64) is None, "without the file it cannot hear"
    kept = tables()
    save_evidence(tmp_path, kept, "a" * 64)
    loaded = load_evidence(tmp_path, "a" * 64)
    assert loaded is not None
    np.testing.assert_array_equal(loaded.velocity, kept["velocity"])
    with pytest.raises(CheckpointError, match="belongs to checkpoint aaaa"):
        load_evidence(tmp_path, "b" * 64)


def test_a_broken_file_or_other_shapes_are_refused(tmp_path: Path) -> None:
    (tmp_path / EVIDENCE_FILE).write_bytes(b"no safetensors")
    with pytest.raises(CheckpointError, match=EVIDENCE_FILE):
        load_evidence(tmp_path, "a" * 64)
    save_evidence(tmp_path, tables() | {"voice": np.zeros((3, 12), np.float32)}, "a" * 64)
    with pytest.raises(CheckpointError, match="expected tables of shapes"):
        load_evidence(tmp_path, "a" * 64)


@pytest.mark.parametrize(("accents", "amount"), [((1.5,), 1.0), ((1.0,), 4.1), ((), 1.0), ((0.5,) * 33, 1.0)])
def test_a_groove_out_of_range_is_refused(accents: tuple[float, ...], amount: float) -> None:
    with pytest.raises(ContractError, match="groove heard"):
        HeardGroove(accents, amount)
