"""Feel: swing at its formula, jitter with its spread and correlations, push, ghosts, velocities."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveengine.config.settings import load_styles
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drums import Voice
from liveengine.music.groove import JITTER_LIMIT_MS, groove, swung_steps
from liveengine.music.pattern import Bar, Hit, TimedHit
from liveengine.music.style import NO_PUSH, Feel, Style

STYLES = load_styles()
HUMAN_STYLES = [style for style in STYLES.styles if style.feel.humanize == 1]

hits = st.builds(
    Hit, st.integers(0, 15), st.sampled_from(list(Voice)), st.integers(-6, 5), st.integers(1, 127)
)
bars = st.lists(hits, max_size=24).map(lambda found: Bar(FOUR_FOUR, tuple(sorted(found))))
styles = st.sampled_from(STYLES.styles)


def full_bar(*voices: Voice, velocity: int = 80, micro: int = 0) -> Bar:
    """Return a bar with every voice on every sixteenth."""
    return Bar(
        FOUR_FOUR,
        tuple(sorted(Hit(step, voice, micro, velocity) for step in range(16) for voice in voices)),
    )


def played(bar: Bar, feel: Feel, count: int, humanize: float | None = 1.0) -> list[TimedHit]:
    rng = random.Random(7)
    return [timed for _ in range(count) for _, timed in groove(bar, feel, rng, humanize=humanize)]


def offsets(timed: Iterable[TimedHit], voice: Voice) -> list[float]:
    return [each.offset_ms for each in timed if each.voice == voice]


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    return statistics.correlation(first, second)


@pytest.mark.parametrize(
    ("percent", "bpm", "delay_ms"), [(54, 90, 13.3), (58, 90, 26.7), (62, 90, 40.0), (66.7, 120, 41.75)]
)
def test_swing_delays_by_linns_formula(percent: float, bpm: float, delay_ms: float) -> None:
    step_ms = 15_000 / bpm
    assert (swung_steps(1, percent, 1) - 1) * step_ms == pytest.approx(delay_ms, abs=0.05)


def test_swung_eighths_move_the_second_eighth() -> None:
    assert swung_steps(2, 200 / 3, 2) == pytest.approx(8 / 3)
    assert swung_steps(4, 200 / 3, 2) == 4


@given(st.floats(0, 31), st.floats(0, 31), st.floats(26, 74), st.sampled_from([1, 2]))
def test_swing_keeps_the_order_and_the_pairs(first: float, second: float, percent: float, unit: int) -> None:
    low, high = sorted((first, second))
    assert swung_steps(low, percent, unit) <= swung_steps(high, percent, unit) + 1e-9
    start = low // (2 * unit) * 2 * unit
    assert swung_steps(start, percent, unit) == start
    assert swung_steps(low, 50, unit) == pytest.approx(low)


@settings(max_examples=50)
@given(bars, styles)
def test_66_7_percent_is_a_triplet_in_every_style(bar: Bar, style: Style) -> None:
    for step, timed in groove(bar, style.feel, random.Random(1), swing_percent=66.7, humanize=0):
        pair, second = divmod(step, 2)
        place_percent = (timed.beat * 4 - 2 * pair) / 2 * 100
        assert place_percent == pytest.approx(66.7 if second else 0.0, abs=0.5)
        assert timed.offset_ms == 0


@settings(max_examples=50)
@given(bars, styles)
def test_humanize_0_and_swing_50_is_the_grid(bar: Bar, style: Style) -> None:
    timed = groove(bar, style.feel, random.Random(1), swing_percent=50, humanize=0)
    assert all(each.beat == step / 4 and each.offset_ms == 0 for step, each in timed)
    assert [(step, each.voice) for step, each in timed] == sorted({(hit.step, hit.voice) for hit in bar.hits})


def test_the_loudest_of_a_flam_stays_on_the_grid() -> None:
    flam = Bar(FOUR_FOUR, (Hit(4, Voice.SNARE, -3, 30), Hit(4, Voice.SNARE, 0, 110)))
    ((_, timed),) = groove(flam, Feel(), random.Random(1), humanize=0)
    assert timed.velocity == 110


@pytest.mark.parametrize("style", STYLES.styles, ids=lambda style: style.name)
def test_jitter_at_humanize_1_spreads_5_to_15_ms(style: Style) -> None:
    timed = played(full_bar(Voice.CLOSED_HAT), style.feel, 60)
    found = [offset - style.feel.push_ms[Voice.CLOSED_HAT] for offset in offsets(timed, Voice.CLOSED_HAT)]
    assert 5.0 <= statistics.pstdev(found) <= 15.0
    assert max(map(abs, found)) <= JITTER_LIMIT_MS
    assert statistics.fmean(found) == pytest.approx(0, abs=1.5)


def test_jitter_drifts_and_is_shared_by_the_voices() -> None:
    timed = played(full_bar(Voice.KICK, Voice.CLOSED_HAT), Feel(jitter_ms=7), 250)
    kick, hat = offsets(timed, Voice.KICK), offsets(timed, Voice.CLOSED_HAT)
    steps = [index for index in range(len(kick) - 1) if index % 16 != 15]
    # The shared drift is 0.6 of the variance, and its lag-one correlation 0.37.
    assert correlation(kick, hat) == pytest.approx(0.6, abs=0.06)
    lag_one = correlation([hat[i] for i in steps], [hat[i + 1] for i in steps])
    assert lag_one == pytest.approx(0.6 * 0.37, abs=0.06)


def test_jitter_scales_with_humanize() -> None:
    half = offsets(played(full_bar(Voice.RIDE), Feel(jitter_ms=8), 60, humanize=0.5), Voice.RIDE)
    assert statistics.pstdev(half) == pytest.approx(4.0, abs=0.5)


@pytest.mark.parametrize("voice", [Voice.SNARE, Voice.SNARE_RIM, Voice.RIM, Voice.KICK, Voice.CLOSED_HAT])
@pytest.mark.parametrize("name", ["j_dilla", "questlove"])
def test_voices_are_pushed_as_the_style_file_says(name: str, voice: Voice) -> None:
    feel = STYLES.find(name).feel
    found = offsets(played(full_bar(voice), feel, 150, humanize=None), voice)
    assert statistics.fmean(found) == pytest.approx(feel.push_ms[voice], abs=0.8)


def test_dillas_hats_stay_straight_while_the_snare_swings() -> None:
    feel = STYLES.find("j_dilla").feel
    bar = full_bar(Voice.KICK, Voice.SNARE, Voice.CLOSED_HAT)
    places = {
        (each.voice, step): each.beat * 4 for step, each in groove(bar, feel, random.Random(1), humanize=0)
    }
    assert places[Voice.CLOSED_HAT, 3] == 3.0
    assert places[Voice.SNARE, 3] == pytest.approx(2 + 2 * 0.57)
    assert places[Voice.KICK, 3] == pytest.approx(2 + 2 * 0.57)


@settings(max_examples=50)
@given(bars, st.integers(0, 2**32), styles)
def test_a_seed_gives_one_performance(bar: Bar, seed: int, style: Style) -> None:
    assert groove(bar, style.feel, random.Random(seed)) == groove(bar, style.feel, random.Random(seed))


def test_seeds_differ() -> None:
    bar = full_bar(Voice.SNARE)
    performances = {groove(bar, Feel(), random.Random(seed)) for seed in range(20)}
    assert len(performances) == 20


@settings(max_examples=50)
@given(
    bars,
    st.sampled_from(
        [
            style
            for style in STYLES.styles
            if style.feel.swing_percent == style.feel.learned_swing_percent and not style.feel.voice_swing
        ]
    ),
)
def test_a_style_at_the_swing_it_has_learned_sounds_as_the_model_wrote_it(bar: Bar, style: Style) -> None:
    timed = [each for _, each in groove(bar, style.feel, random.Random(1))]
    assert sorted(each.beat for each in timed) == pytest.approx(sorted(hit.beat for hit in bar.hits))


def test_a_machine_keeps_its_rolls_and_a_player_can_flatten_them() -> None:
    roll = Bar(FOUR_FOUR, (Hit(3, Voice.CLOSED_HAT, 0, 90), Hit(4, Voice.CLOSED_HAT, -6, 90)))
    feel = STYLES.find("trap").feel
    own = [each.beat * 4 for _, each in groove(roll, feel, random.Random(1))]
    assert own == pytest.approx([3.0, 3.5])
    half = [each.beat * 4 for _, each in groove(roll, feel, random.Random(1), humanize=feel.humanize / 2)]
    assert half == pytest.approx([3.0, 3.75])


def test_micro_timing_scales_with_humanize() -> None:
    late = full_bar(Voice.SNARE, micro=4)
    for humanize in (0.0, 0.25, 1.0):
        timed = groove(late, Feel(), random.Random(1), humanize=humanize)
        assert [each.beat * 4 - step for step, each in timed] == pytest.approx([humanize / 3] * 16)


def test_swing_replaces_what_was_learned() -> None:
    feel = Feel(swing_percent=58, learned_swing_percent=58)
    as_learned = Bar(FOUR_FOUR, (Hit(1, Voice.CLOSED_HAT, 2, 80),))
    ((_, timed),) = groove(as_learned, feel, random.Random(1), swing_percent=50)
    assert timed.beat * 4 == pytest.approx(1.0, abs=0.01)


def test_ghosts_are_soft_and_off_the_beat() -> None:
    feel = STYLES.find("questlove").feel
    backbeat = Bar(FOUR_FOUR, (Hit(4, Voice.SNARE, 0, 120), Hit(12, Voice.SNARE, 0, 120)))
    rng = random.Random(3)
    ghosts = [
        (step, each)
        for _ in range(400)
        for step, each in groove(backbeat, feel, rng, humanize=1)
        if step not in (4, 12)
    ]
    assert len(ghosts) / 400 == pytest.approx(feel.ghosts_per_bar, abs=0.25)
    assert {each.voice for _, each in ghosts} == {Voice.SNARE}
    assert min(each.velocity for _, each in ghosts) == 20
    assert max(each.velocity for _, each in ghosts) == 40
    near_snares = {3, 5, 11, 13}
    assert {step for step, _ in ghosts} == set(range(16)) - {0, 4, 8, 12} - near_snares
    assert len(groove(backbeat, feel, rng, humanize=0)) == 2


def test_velocities_vary_by_the_styles_share_about_the_shaped_value() -> None:
    feel = Feel(velocity_jitter=0.1, velocity_contrast=0.5, velocity_scale=0.9)
    found = [each.velocity for each in played(full_bar(Voice.SNARE, velocity=120), feel, 100)]
    shaped = (80 + 40 * 0.5) * 0.9
    assert statistics.fmean(found) == pytest.approx(shaped, abs=1)
    assert shaped * 0.9 - 0.5 <= min(found) < shaped * 0.92
    assert shaped * 1.08 < max(found) <= shaped * 1.1 + 0.5


@settings(max_examples=50)
@given(bars, styles, st.floats(0, 1), st.integers(0, 1000))
def test_what_sounds_is_always_playable(bar: Bar, style: Style, humanize: float, seed: int) -> None:
    timed = groove(bar, style.feel, random.Random(seed), humanize=humanize)
    assert all(first[0] <= second[0] for first, second in itertools.pairwise(timed))
    for step, each in timed:
        assert 1 <= each.velocity <= 127
        assert abs(each.offset_ms) <= JITTER_LIMIT_MS + max(map(abs, style.feel.push_ms))
        assert abs(each.beat - step / 4) <= 0.3
    if humanize > 0:
        assert len(timed) >= len(bar.hits)


def test_push_belongs_to_its_voice() -> None:
    push = list(NO_PUSH)
    push[Voice.RIDE] = 12.0
    timed = played(full_bar(Voice.RIDE, Voice.KICK), Feel(push_ms=tuple(push), jitter_ms=0), 1)
    assert set(offsets(timed, Voice.RIDE)) == {12.0}
    assert set(offsets(timed, Voice.KICK)) == {0.0}
