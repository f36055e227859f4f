"""Bars written on the host and on a device: grammar, dice, and the cache that ends with the bar."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from liveengine.model.bar_sampler import MAX_BAR_TOKENS, HostSampler, SamplingJob, end_short, thin_out
from liveengine.model.config import BAR_STEP
from liveengine.model.decoder import Decoder, steps_of_ids
from liveengine.model.fused_weights import Floats
from liveengine.model.gpu_bar_sampler import DeviceWriter, open_on_device
from liveengine.model.network import DrumModel
from liveengine.model.torch_decoder import TorchDecoder
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.tokens import vocabulary
from tests.conftest import CONFIG, untrained_model

ROWS = 2
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU with CUDA here")
DEVICES = ["cpu", pytest.param("cuda", marks=[needs_cuda, pytest.mark.cuda])]
METERS = [Meter(4, 4), Meter(3, 4), Meter(5, 8)]


@pytest.fixture(scope="module")
def weights() -> dict[str, Floats]:
    model: DrumModel = untrained_model()
    return {name: weight.numpy() for name, weight in model.state_dict().items()}


def order(seed: int, meter: Meter = FOUR_FOUR, **given: float) -> SamplingJob:
    features = np.random.default_rng(3).normal(size=(ROWS, CONFIG.width)).astype(np.float32)
    return replace(SamplingJob((0, 1), np.array([2.0, -1.0], np.float32), features, meter, seed), **given)  # type: ignore[arg-type]


def check_bar(ids: list[int], meter: Meter) -> None:
    grammar = vocabulary.Grammar(meter)
    assert ids[0] == vocabulary.bar_id(meter)
    for before, step, after in zip(ids, steps_of_ids(ids), ids[1:], strict=False):
        assert grammar.allowed(before, step)[after]


@pytest.mark.parametrize("meter", METERS)
def test_the_host_writes_bars_that_decode(weights: dict[str, Floats], meter: Meter) -> None:
    writer = HostSampler(Decoder(CONFIG, weights, rows=ROWS))
    for seed in range(8):
        check_bar(writer.write(order(seed, meter)), meter)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("meter", METERS)
def test_a_device_writes_bars_that_decode(weights: dict[str, Floats], meter: Meter, device: str) -> None:
    decoder, writer = open_on_device(CONFIG, weights, rows=ROWS, device=device)
    fed = 0
    for seed in range(8):
        ids = writer.write(order(seed, meter))
        check_bar(ids, meter)
        fed += len(ids)
        assert [decoder.position(row) for row in range(ROWS)] == [fed] * ROWS


@pytest.mark.parametrize("device", DEVICES)
def test_on_a_device_too_the_seed_alone_decides(weights: dict[str, Floats], device: str) -> None:
    first, second = (open_on_device(CONFIG, weights, rows=ROWS, device=device)[1] for _ in range(2))
    assert first.write(order(5)) == second.write(order(5))
    assert first.write(order(6)) != second.write(order(7))


def begun(decoder: TorchDecoder, asked: SamplingJob) -> Floats:
    """Feed what a bar begins with to its rows; return their logits."""
    ids = list(asked.begins)
    rows = [row for row in asked.rows for _ in ids]
    return decoder.feed(
        rows, ids * ROWS, steps_of_ids(ids) * ROWS, np.repeat(asked.controls, len(ids), axis=0)
    )


def greedy(decoder: TorchDecoder, asked: SamplingJob) -> list[int]:
    """Write a bar as the host does, taking the likeliest."""
    grammar = vocabulary.Grammar(asked.meter)
    ids = list(asked.begins)
    logits = begun(decoder, asked)
    step = asked.from_step - 1 if asked.from_step else BAR_STEP
    allowed = grammar.allowed_from(asked.from_step) if asked.from_step else grammar.allowed(ids[0], step)
    while len(ids) < MAX_BAR_TOKENS:
        chances = asked.shares @ logits
        end_short(chances, asked.meter)
        thin_out(chances, step, asked.meter, asked.sparseness)
        token = int(np.argmax(np.where(allowed, chances, -np.inf)))
        if vocabulary.is_bar(token):
            break
        step = token - vocabulary.POSITION_BASE if vocabulary.is_position(token) else step
        ids.append(token)
        logits = decoder.feed(asked.rows, [token] * ROWS, [step] * ROWS, asked.controls)
        allowed = grammar.allowed(token, step)
    return ids


BEGINNING = vocabulary.bar_to_ids(
    Bar(FOUR_FOUR, (Hit(0, Voice.KICK, 0, 90), Hit(2, Voice.SNARE, 1, 40), Hit(2, Voice.CLOSED_HAT, 0, 70)))
)


@pytest.mark.parametrize("meter", METERS)
def test_the_device_follows_the_same_rules_as_the_host(weights: dict[str, Floats], meter: Meter) -> None:
    check_device(weights, order(1, meter, temperature=0.0, sparseness=0.3))


@pytest.mark.parametrize("begins", [tuple(BEGINNING), ()])
@pytest.mark.parametrize("from_step", [3, 9, 15])
def test_so_it_does_for_a_bar_begun(
    weights: dict[str, Floats], begins: tuple[int, ...], from_step: int
) -> None:
    plain = order(1, FOUR_FOUR, temperature=0.0, sparseness=0.3)
    check_device(weights, replace(plain, prefix=begins, from_step=from_step))


def check_device(weights: dict[str, Floats], asked: SamplingJob) -> None:
    reference = TorchDecoder(CONFIG, weights, rows=ROWS, device="cpu")
    decoder, writer = open_on_device(CONFIG, weights, rows=ROWS, device="cpu")
    for _ in range(3):  # bar after bar: the cache of one is the context of the next
        ids = writer.write(asked)
        assert ids == greedy(reference, asked)
        assert decoder.position(1) == reference.position(1)
        written = ids[len(asked.begins) :]
        assert all(step >= asked.from_step for step in steps_of_ids(ids)[len(asked.begins) :]), written


def test_the_device_draws_by_the_chances(weights: dict[str, Floats]) -> None:
    decoder, writer = open_on_device(CONFIG, weights, rows=ROWS, device="cpu")
    asked = order(0)
    logits = asked.shares @ decoder.feed(
        asked.rows, [vocabulary.bar_id(FOUR_FOUR)] * ROWS, [BAR_STEP] * ROWS, asked.controls
    )
    allowed = vocabulary.Grammar(FOUR_FOUR).allowed(vocabulary.bar_id(FOUR_FOUR), BAR_STEP)
    chances = np.exp(np.where(allowed, logits - logits[allowed].max(), -np.inf))
    chances /= chances.sum()
    drawn: Counter[int] = Counter()
    draws = 150
    for seed in range(draws):
        for row in range(ROWS):
            decoder.clear(row)
        ids = writer.write(order(seed))
        drawn[ids[1] if len(ids) > 1 else ids[0]] += 1
    likeliest = int(np.argmax(chances))
    spread = 4 * (chances[likeliest] * (1 - chances[likeliest]) / draws) ** 0.5
    assert abs(drawn[likeliest] / draws - chances[likeliest]) < spread


def test_a_bar_that_never_closes_is_closed(weights: dict[str, Floats]) -> None:
    endless = dict(weights)
    endless["tokens.own"] = weights["tokens.own"].copy()
    decoder = TorchDecoder(CONFIG, endless, rows=ROWS, device="cpu")
    writer = DeviceWriter(decoder)
    asked = order(3, Meter(7, 4), sparseness=-50.0)
    ids = writer.write(asked)
    assert len(ids) <= MAX_BAR_TOKENS
    check_bar(ids, Meter(7, 4))
    assert decoder.position() == len(ids)


def gaps_of(ids: list[int]) -> list[tuple[Voice, int]]:
    """Return (voice, ticks since its last stroke) of every stroke of a bar but each voice's first."""
    last: dict[Voice, int] = {}
    found = []
    for token, step in zip(ids, steps_of_ids(ids), strict=True):
        if vocabulary.is_hit(token):
            voice, micro, _ = vocabulary.hit_parts(token)
            tick = step * 12 + micro
            if voice in last:
                found.append((voice, tick - last[voice]))
            last[voice] = tick
    return found


@pytest.mark.parametrize("device", ["host", *DEVICES])
def test_no_drum_is_struck_again_too_soon(weights: dict[str, Floats], device: str) -> None:
    gaps = tuple(3 if voice is Voice.CLOSED_HAT else 9 for voice in Voice)
    free, kept = [], []
    if device == "host":
        writer: HostSampler | DeviceWriter = HostSampler(Decoder(CONFIG, weights, rows=ROWS))
    else:
        _, writer = open_on_device(CONFIG, weights, rows=ROWS, device=device)
    for seed in range(12):
        free += gaps_of(writer.write(order(seed)))
        kept += gaps_of(writer.write(replace(order(seed), gaps=gaps)))
    assert any(ticks < gaps[voice] for voice, ticks in free), "without gaps it happens"
    assert [each for each in kept if each[1] < gaps[each[0]]] == []
    assert len(kept) > 20


def test_a_stroke_of_the_beginning_counts_too(weights: dict[str, Floats]) -> None:
    beginning = vocabulary.bar_to_ids(Bar(FOUR_FOUR, (Hit(3, Voice.KICK, 5, 90),)))
    writer = HostSampler(Decoder(CONFIG, weights, rows=ROWS))
    gaps = (40,) * len(Voice)
    for seed in range(12):
        made = replace(order(seed), prefix=tuple(beginning), from_step=4, gaps=gaps)
        assert all(ticks >= 40 for _, ticks in gaps_of(writer.write(made)))


def test_a_short_bar_ends_where_the_model_would_go_on() -> None:
    logits = np.full(vocabulary.VOCABULARY_SIZE, -9.0, np.float32)
    logits[vocabulary.position_id(14) : vocabulary.position_id(16)] = 2.0
    seven, four = logits.copy(), logits.copy()
    end_short(seven, Meter(7, 8))
    end_short(four, FOUR_FOUR)
    assert seven[vocabulary.bar_id(Meter(7, 8))] == pytest.approx(2.0 + np.log(2), abs=1e-3)
    assert np.array_equal(four, logits)
