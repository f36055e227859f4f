"""The generator: same request, same bar; the cache is an economy and never changes the music."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from liveengine.config.settings import default_checkpoint
from liveengine.errors import ContractError
from liveengine.generation.attempts import MAX_TRIES, OPENING_TRIES
from liveengine.generation.generator import BarGenerator
from liveengine.generation.guidance import guidance_weights, views_of
from liveengine.model.bar_sampler import MAX_BAR_TOKENS
from liveengine.model.torch_decoder import TorchDecoder
from liveengine.music.beats import FOUR_FOUR, Meter
from liveengine.music.drums import GROUP_OF, Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import (
    GUIDED,
    BarReply,
    BarRequest,
    Borrowing,
    Conditioning,
    ContextBar,
    Guidance,
    context_begins,
)
from liveengine.music.requirement import Requirement

TOMS = (Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM)
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
        begin = context_begins(serial - first_serial)
        reply = ask(generator, serial, context[begin:], seed=serial - first_serial)
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


def test_a_bar_begun_goes_on_from_where_it_stands(generator: BarGenerator) -> None:
    context = grown(generator, 3, first_serial=4000)
    whole = ask(generator, 4003, context, seed=3).bar
    for from_step in (1, 5, 12, 15):
        prefix = tuple(hit for hit in whole.hits if hit.step < from_step)
        asked = BarRequest(
            4100 + from_step, 3, FOUR_FOUR, JAZZ, context, 9, prefix=prefix, from_step=from_step
        )
        bar = generator.generate(asked).bar
        assert bar.hits[: len(prefix)] == prefix
        assert all(hit.step >= from_step for hit in bar.hits[len(prefix) :])
        rest = {
            generator.generate(replace(asked, serial=4200 + seed, seed=seed)).bar.hits[len(prefix) :]
            for seed in range(4)
        }
        assert len(rest) > 1 or from_step == 15


def test_a_beginning_that_is_none_is_refused() -> None:
    with pytest.raises(ContractError, match="before step 2"):
        BarRequest(1, 0, FOUR_FOUR, FUNK, (), 1, prefix=(Hit(4, Voice.KICK, 0, 90),), from_step=2)
    with pytest.raises(ContractError, match="to write from, got 16"):
        BarRequest(1, 0, FOUR_FOUR, FUNK, (), 1, from_step=16)


def test_the_shipped_drummer_writes_the_same_from_its_cache_and_from_the_request_alone() -> None:
    """To the byte, over phrases, styles, controls and bars written anew in the middle."""
    warm = BarGenerator(default_checkpoint())
    context: tuple[ContextBar, ...] = ()
    requests: list[tuple[BarRequest, Bar]] = []
    for index in range(26):
        asked = replace(FUNK if index % 5 else JAZZ, density=0.8 if index % 7 > 3 else None)
        before = context[context_begins(index) :]
        request = BarRequest(index * 2, index, FOUR_FOUR, asked, before, index)
        bar = warm.generate(request).bar
        requests.append((request, bar))
        if index % 3 == 1:  # it changes while it plays
            prefix = tuple(hit for hit in bar.hits if hit.step < 6)
            request = replace(request, serial=index * 2 + 1, conditioning=JAZZ, prefix=prefix, from_step=6)
            bar = warm.generate(request).bar
            requests.append((request, bar))
        while index % 4 == 0 and warm.read_ahead():
            pass
        context += (ContextBar(request.serial, bar, request.conditioning),)
    for request, bar in requests[::3]:
        assert BarGenerator(default_checkpoint()).generate(request).bar == bar


def test_reading_ahead_leaves_nothing_to_read_for_a_control_turned_later(small_checkpoint: Path) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 4)
    while generator.read_ahead():
        pass
    fed: list[int] = []
    feed = generator._decoder.feed

    def counted(rows: Any, ids: Any, steps: Any, controls: Any) -> Any:
        fed.append(len(ids))
        return feed(rows, ids, steps, controls)

    generator._decoder.feed = counted  # type: ignore[method-assign]
    ask(generator, 80, context, conditioning=replace(FUNK, density=0.2))
    assert max(fed) <= 3


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


def density(bars: list[Bar]) -> float:
    return sum(len(bar.hits) for bar in bars) / len(bars)


def asked_for(
    generator: BarGenerator, first_serial: int, *, guidance: Guidance = GUIDED, **controls: float
) -> list[Bar]:
    asked = replace(FUNK, **controls)  # type: ignore[arg-type]
    return [
        generator.generate(
            BarRequest(first_serial + seed, seed, FOUR_FOUR, asked, (), seed, guidance=guidance)
        ).bar
        for seed in range(24)
    ]


def test_guidance_of_one_is_the_model_by_itself(small_checkpoint: Path) -> None:
    plain = asked_for(BarGenerator(small_checkpoint), 1, guidance=Guidance(1.0, 1.0), density=0.9)
    only_style = asked_for(BarGenerator(small_checkpoint), 1, guidance=Guidance(3.0, 1.0), density=0.9)
    only_controls = asked_for(BarGenerator(small_checkpoint), 1, guidance=Guidance(1.0, 3.0), density=0.9)
    open_bars = asked_for(BarGenerator(small_checkpoint), 1, guidance=Guidance(1.0, 1.0))
    assert len({tuple(bars) for bars in (plain, only_style, only_controls, open_bars)}) == 4
    style_open = asked_for(BarGenerator(small_checkpoint), 1, guidance=Guidance(1.0, 9.0))
    assert style_open == open_bars, "with no control asked for there is nothing to be guided to"


def test_guidance_weighs_the_rows_so_that_their_weights_sum_to_one() -> None:
    asked = Conditioning((("funk", 1.0),), density=0.5)
    request = BarRequest(1, 1, FOUR_FOUR, asked, (), 1, guidance=Guidance(2.0, 6.0))
    assert guidance_weights(views_of(request), request.guidance).tolist() == [6.0, -4.0, -1.0]
    request = replace(request, conditioning=FUNK)
    assert guidance_weights(views_of(request), request.guidance).tolist() == [2.0, -1.0]
    request = replace(request, guidance=Guidance(1.0, 6.0))
    assert guidance_weights(views_of(request), request.guidance).tolist() == [1.0]


def test_the_shipped_drummer_follows_density_energy_and_fill() -> None:
    generator = BarGenerator(default_checkpoint())
    sparse, dense = (asked_for(generator, 100 * turn, density=level) for turn, level in ((1, 0.1), (2, 0.9)))
    assert density(dense) > 1.5 * density(sparse)
    quiet, loud = (asked_for(generator, 100 * turn, energy=level) for turn, level in ((3, 0.1), (4, 0.9)))
    assert mean_velocity_of(loud) > 20 + mean_velocity_of(quiet)
    beat, fill = (asked_for(generator, 100 * turn, fill=wanted) for turn, wanted in ((5, False), (6, True)))
    assert toms(fill) > 2 * toms(beat)


def mean_velocity_of(bars: list[Bar]) -> float:
    hits = [hit.velocity for bar in bars for hit in bar.hits]
    return sum(hits) / len(hits)


def toms(bars: list[Bar]) -> int:
    return sum(hit.voice in TOMS for bar in bars for hit in bar.hits)


def test_sparseness_thins_out(small_checkpoint: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thin"
    shutil.copytree(small_checkpoint, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"sparseness": 2.0}))
    full, thin = (asked_for(BarGenerator(checkpoint), 1) for checkpoint in (small_checkpoint, folder))
    assert density(thin) < 0.8 * density(full)
    assert density(thin) > 0


def test_a_gpu_that_fails_is_left_for_the_cpu(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The torch decoder runs here on the CPU; out of memory comes as torch tells it, in the second bar."""
    real = TorchDecoder.logits_of
    calls = 0

    def until_full(self: TorchDecoder, *parts: Any, **given: Any) -> Tensor:
        nonlocal calls
        calls += 1
        if calls > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, *parts, **given)

    monkeypatch.setattr(TorchDecoder, "logits_of", until_full)
    generator = BarGenerator(small_checkpoint, "cpu:0")
    assert generator.device == "cpu:0"
    context: tuple[ContextBar, ...] = ()
    for serial in range(4):
        reply = ask(generator, serial, context)
        assert reply.bar.hits
        context += (ContextBar(serial, reply.bar, FUNK),)
    assert generator.device == "cpu"
    expected = ask(BarGenerator(small_checkpoint), 9, context, seed=5).bar
    assert ask(generator, 9, context, seed=5).bar == expected


@pytest.mark.parametrize("idle_work", ["rehearse", "read_ahead"])
def test_a_gpu_that_fails_in_idle_time_is_left_for_the_cpu(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch, idle_work: str
) -> None:
    generator = BarGenerator(small_checkpoint, "cpu:0")
    context = grown(generator, 3)

    def broken(*_: Any, **__: Any) -> Tensor:
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(TorchDecoder, "logits_of", broken)
    monkeypatch.setattr(TorchDecoder, "feed", broken)
    if idle_work == "rehearse":
        assert generator.rehearse(rehearsals(context, 700)) == []
    else:
        assert not generator.read_ahead()
    assert generator.device == "cpu"
    expected = ask(BarGenerator(small_checkpoint), 9, context, seed=5).bar
    assert ask(generator, 9, context, seed=5).bar == expected


def test_a_cpu_that_fails_in_idle_time_says_so(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 3)

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(generator._writer, "write_together", broken)
    with pytest.raises(RuntimeError, match="broken"):
        generator.rehearse(rehearsals(context, 700))


def test_a_gpu_without_room_is_not_begun_with(
    small_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(TorchDecoder, "__init__", full)
    generator = BarGenerator(small_checkpoint, "cpu:0")
    assert generator.device == "cpu"
    assert ask(generator, 1).bar.hits


def rehearsals(context: tuple[ContextBar, ...], first_serial: int) -> list[BarRequest]:
    asked = (JAZZ, replace(FUNK, bpm=140.0), Conditioning((("hiphop", 1.0),), bpm=90.0))
    return [
        BarRequest(first_serial + place, 3, FOUR_FOUR, each, context, 900 + place)
        for place, each in enumerate(asked)
    ]


def test_bars_rehearsed_together_are_what_they_would_be_alone(small_checkpoint: Path) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 3)
    ask(generator, 50, context)  # the music goes on before they are rehearsed
    asked = rehearsals(context, 700)
    together = generator.rehearse(asked)
    assert [reply.serial for reply in together] == [700, 701, 702]
    for request, reply in zip(asked, together, strict=True):
        assert BarGenerator(small_checkpoint).generate(request).bar == reply.bar


def test_the_music_goes_on_as_if_nothing_had_been_rehearsed(small_checkpoint: Path) -> None:
    generator, other = BarGenerator(small_checkpoint), BarGenerator(small_checkpoint)
    context, same = grown(generator, 3), grown(other, 3)
    positions = [generator._decoder.position(row) for row in range(6)]
    assert generator.rehearse(rehearsals(context, 700))
    assert [generator._decoder.position(row) for row in range(6)] == positions
    assert ask(generator, 60, context).bar == ask(other, 60, same).bar


def test_a_rehearsal_is_given_up_and_nothing_is_read_for_one(small_checkpoint: Path) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 3)
    asked_s = iter([False] * 10 + [True] * 100)
    assert generator.rehearse(rehearsals(context, 700), is_cancelled=lambda: next(asked_s)) == []
    foreign = (ContextBar(4711, context[0].bar, FUNK),)
    assert generator.rehearse(rehearsals(foreign, 800)) == []


def test_borrowed_drums_are_the_other_style_s_and_the_rest_is_the_bar_s_own(small_checkpoint: Path) -> None:
    generator = BarGenerator(small_checkpoint)
    context = grown(generator, 3)
    drums = frozenset({"hat", "ride", "open_hat"})
    plain = BarRequest(80, 3, FOUR_FOUR, FUNK, context, 9)
    own = generator.generate(plain).bar
    lent = generator.generate(replace(plain, serial=81, conditioning=JAZZ)).bar
    mixed = generator.generate(replace(plain, serial=82, borrowing=Borrowing(JAZZ, drums)))

    def places(bar: Bar, borrowed: bool) -> list[tuple[int, Voice, int]]:
        return [(h.step, h.voice, h.micro) for h in bar.hits if (GROUP_OF[h.voice] in drums) == borrowed]

    assert places(mixed.bar, borrowed=False) == places(own, borrowed=False)
    assert places(mixed.bar, borrowed=True) == places(lent, borrowed=True)
    fresh = BarGenerator(small_checkpoint).generate(
        replace(plain, serial=82, borrowing=Borrowing(JAZZ, drums))
    )
    assert fresh.bar == mixed.bar
    after = (*context, ContextBar(82, mixed.bar, FUNK))
    assert ask(generator, 83, after).bar == ask(BarGenerator(small_checkpoint), 83, after).bar


KICK_ON_ONE = Requirement(frozenset((Voice.KICK,)), on=(0,))
NEVER = Requirement(frozenset(Voice), count=(0, 0))


def with_musts(serial: int, *musts: Requirement, context: tuple[ContextBar, ...] = ()) -> BarRequest:
    return BarRequest(serial, serial, FOUR_FOUR, FUNK, context, serial, musts=musts)


def test_a_bar_that_lacks_what_it_must_is_written_again_and_counted(generator: BarGenerator) -> None:
    tries = []
    for serial in range(900, 930):
        plain = generator.generate(with_musts(serial))
        reply = generator.generate(with_musts(serial, KICK_ON_ONE))
        tries.append(reply.tries)
        assert plain.tries == 1
        assert (reply.tries == 1) == KICK_ON_ONE.holds(plain.bar)
        assert KICK_ON_ONE.holds(reply.bar) or reply.tries == OPENING_TRIES
        if reply.tries == 1:
            assert reply.bar == plain.bar
    assert len(set(tries)) > 1


def test_what_never_comes_ends_after_a_few_tries_with_the_first_bar(generator: BarGenerator) -> None:
    plain = generator.generate(with_musts(940))
    reply = generator.generate(with_musts(940, NEVER))
    assert reply.tries == OPENING_TRIES
    context = (ContextBar(940, reply.bar, FUNK),)
    assert generator.generate(with_musts(941, NEVER, context=context)).tries == MAX_TRIES
    assert reply.bar == plain.bar


def test_a_bar_written_again_is_what_the_next_one_follows(
    generator: BarGenerator, small_checkpoint: Path
) -> None:
    """The cache holds the bar that is played, also where an earlier try was the better one."""
    for serial, musts in ((950, (NEVER,)), (960, (KICK_ON_ONE,)), (970, (KICK_ON_ONE, NEVER))):
        first = with_musts(serial, *musts)
        reply = generator.generate(first)
        context = (ContextBar(serial, reply.bar, FUNK),)
        following = with_musts(serial + 1, context=context)
        fresh = BarGenerator(small_checkpoint)
        assert generator.generate(following).bar == fresh.generate(following).bar


def test_a_rehearsed_bar_that_lacks_what_it_must_is_not_offered(generator: BarGenerator) -> None:
    assert len(generator.rehearse([with_musts(980)])) == 1
    assert generator.rehearse([with_musts(981, NEVER)]) == []


def test_bars_of_different_performances_are_tried_as_often_as_each_alone(small_checkpoint: Path) -> None:
    first = with_musts(100, NEVER)
    context = grown(BarGenerator(small_checkpoint), 1, first_serial=200)
    later = replace(with_musts(201, NEVER, context=context), seed=7)
    easy = with_musts(300)
    alone = [BarGenerator(small_checkpoint).generate(each) for each in (first, later, easy)]
    together = BarGenerator(small_checkpoint, lanes=3)
    found = together.generate_together([(0, first), (1, later), (2, easy)])
    assert [each.tries for each in found] == [OPENING_TRIES, MAX_TRIES, 1]
    assert [each.bar for each in found] == [each.bar for each in alone]
