"""Decoding together: one that fails takes no other with it, and what hangs is found."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from liveengine.errors import CheckpointError, GenerationError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.request import BarReply, BarRequest, Conditioning
from liveengine.patterns.pattern import Pattern
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest
from liveengine.service import decode_thread
from liveengine.service.decode_thread import PASS_LIMIT_S, Workshop
from tests.waiting import PATIENCE_S, until

Asked = Sequence[tuple[int, BarRequest]]


@pytest.fixture
def studio(small_checkpoint: Path) -> PatternRenderer:
    return PatternRenderer(small_checkpoint, "cpu")


@pytest.fixture
def workshop(studio: PatternRenderer) -> Iterator[Workshop]:
    made = Workshop(studio)
    yield made
    made.close()


def refusing(studio: PatternRenderer, seed: int) -> None:
    """Let every pass fail in which a request has a seed."""
    generator = studio.generator
    real = generator.generate_together

    def together(asked: Asked) -> list[BarReply]:
        if any(request.seed == seed for _, request in asked):
            raise GenerationError(f"seed {seed} cannot be")
        return real(asked)

    generator.generate_together = together  # type: ignore[method-assign]


def test_of_many_decoded_together_only_the_one_that_cannot_be_fails(
    studio: PatternRenderer, workshop: Workshop
) -> None:
    patterns = [studio.pattern(PatternRequest("funk", bars=3, seed=seed)) for seed in range(6)]
    second = next(PatternRenderer(studio.checkpoint, "cpu").make([PatternRequest("funk", bars=3, seed=4)]))
    bad = patterns[4].next_request()
    assert bad is not None
    refusing(studio, bad.seed)
    live = BarRequest(7, 0, FOUR_FOUR, Conditioning((("funk", 1.0),), 100.0), (), 7)
    bar = workshop.bar("live", live)
    made = [workshop.make(pattern) for pattern in patterns]
    for index, each in enumerate(made):
        if index == 4:
            with pytest.raises(GenerationError, match="cannot be"):
                each.result(PATIENCE_S)
        else:
            assert each.result(PATIENCE_S) is patterns[index]
    assert bar.result(PATIENCE_S).serial == 7
    assert workshop.fault() == ""
    assert second.seed == 4
    alone = next(PatternRenderer(studio.checkpoint, "cpu").make([PatternRequest("funk", bars=3, seed=5)]))
    assert patterns[5].take().to_bytes() == alone.take().to_bytes()


def test_a_pattern_that_cannot_even_ask_fails_alone(
    studio: PatternRenderer, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    patterns = [studio.pattern(PatternRequest("funk", bars=2, seed=seed)) for seed in range(2)]
    real = Pattern.next_request

    def next_request(self: Pattern) -> BarRequest | None:
        if self is patterns[0]:
            raise ArithmeticError("no next bar")
        return real(self)

    monkeypatch.setattr(Pattern, "next_request", next_request)
    bad, good = (workshop.make(pattern) for pattern in patterns)
    with pytest.raises(ArithmeticError):
        bad.result(PATIENCE_S)
    assert good.result(PATIENCE_S) is patterns[1]


def test_weights_that_cannot_be_used_are_told_before_any_work_is_taken(
    small_checkpoint: Path, tmp_path: Path
) -> None:
    for path in small_checkpoint.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    studio = PatternRenderer(tmp_path, "cpu")
    next(tmp_path.glob("*.safetensors")).write_bytes(b"cut")
    with pytest.raises(CheckpointError):
        Workshop(studio)


def test_a_pass_that_hangs_is_a_fault_and_waiting_is_none(
    studio: PatternRenderer, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, release, passed = threading.Event(), threading.Event(), [0.0]
    real = studio.generator.generate_together

    def slow(asked: Any) -> list[BarReply]:
        entered.set()
        release.wait(PATIENCE_S)
        return real(asked)

    monkeypatch.setattr(studio.generator, "generate_together", slow)
    monkeypatch.setattr(decode_thread, "time", SimpleNamespace(monotonic=lambda: passed[0]))
    assert workshop.fault() == ""
    passed[0] += 10 * PASS_LIMIT_S
    assert workshop.fault() == ""
    made = workshop.make(studio.pattern(PatternRequest("funk", bars=1)))
    until(entered.is_set, "a pass")
    passed[0] += PASS_LIMIT_S / 2
    assert workshop.fault() == ""
    passed[0] += PASS_LIMIT_S
    assert "a pass takes longer" in workshop.fault()
    release.set()
    made.result(PATIENCE_S)
    until(lambda: workshop.fault() == "", "the end of the pass")


def test_a_thread_that_has_ended_is_a_fault(studio: PatternRenderer) -> None:
    workshop = Workshop(studio)
    workshop.close()
    assert "has ended" in workshop.fault()
