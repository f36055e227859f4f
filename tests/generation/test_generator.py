"""The generator: same request, same bar; the cache is an economy and never changes the music."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveengine.errors import ContractError
from liveengine.generation.generator import MAX_BAR_TOKENS, BarGenerator
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.request import BarReply, BarRequest, Conditioning, ContextBar

FUNK = Conditioning((("funk", 1.0),), bpm=100.0)
JAZZ = Conditioning((("jazz", 0.5), ("funk", 0.5)), bpm=180.0)


@pytest.fixture(scope="module")
def generator(small_checkpoint: Path) -> BarGenerator:
    return BarGenerator(small_checkpoint)


def ask(
    generator: BarGenerator,
    serial: int,
    context: tuple[ContextBar, ...] = (),
    *,
    conditioning: Conditioning = FUNK,
    seed: int | None = None,
    meter: Meter = FOUR_FOUR,
) -> BarReply:
    return generator.generate(
        BarRequest(serial, serial, meter, conditioning, context, serial if seed is None else seed)
    )


def grown(generator: BarGenerator, count: int, first_serial: int = 1) -> tuple[ContextBar, ...]:
    context: tuple[ContextBar, ...] = ()
    for serial in range(first_serial, first_serial + count):
        reply = ask(generator, serial, context[-6:], seed=serial - first_serial)
        context += (ContextBar(serial, reply.bar, FUNK),)
    return context


def test_the_same_requests_make_the_same_bars(small_checkpoint: Path) -> None:
    first = grown(BarGenerator(small_checkpoint), 6)
    second = grown(BarGenerator(small_checkpoint), 6)
    assert [each.bar for each in first] == [each.bar for each in second]


def test_another_seed_makes_another_bar(generator: BarGenerator) -> None:
    bars = {ask(generator, 1000 + seed, seed=seed).bar for seed in range(4)}
    assert len(bars) == 4


def test_a_context_read_anew_gives_what_the_cache_gives(small_checkpoint: Path) -> None:
    warm = BarGenerator(small_checkpoint)
    context = grown(warm, 3)
    expected = ask(warm, 50, context, seed=77).bar
    fresh = ask(BarGenerator(small_checkpoint), 50, context, seed=77).bar
    assert fresh == expected


def test_going_back_and_on_with_another_style_leaves_no_trace_of_the_first(
    small_checkpoint: Path,
) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 3)
    ask(generator, 60, context, seed=1)
    other = ask(generator, 61, context, conditioning=JAZZ, seed=2).bar
    clean = BarGenerator(small_checkpoint)
    assert ask(clean, 61, context, conditioning=JAZZ, seed=2).bar == other


def test_a_bar_that_the_generator_never_wrote_is_read(small_checkpoint: Path) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 3)
    covered = (*context, ContextBar(900, context[0].bar, FUNK))
    expected = ask(BarGenerator(small_checkpoint), 70, covered, seed=5).bar
    assert ask(generator, 70, covered, seed=5).bar == expected


@pytest.mark.parametrize("meter", [Meter(4, 4), Meter(3, 4), Meter(5, 8), Meter(7, 4), Meter(6, 8)])
def test_every_bar_decodes_in_its_meter(generator: BarGenerator, meter: Meter) -> None:
    for seed in range(12):
        reply = ask(generator, 2000 + seed, seed=seed, meter=meter)
        assert reply.bar.meter == meter
        assert all(hit.step < meter.steps for hit in reply.bar.hits)
        assert reply.tokens <= MAX_BAR_TOKENS
        strokes = [(hit.step, hit.voice, hit.micro) for hit in reply.bar.hits]
        assert len(set(strokes)) == len(strokes)


def test_a_genre_it_has_not_learned_is_refused(generator: BarGenerator) -> None:
    with pytest.raises(ContractError, match="polka"):
        ask(generator, 3000, conditioning=Conditioning((("polka", 1.0),)))
