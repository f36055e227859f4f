"""What the shipped weights play: a groove from the first bar on, that holds, and phrases with a shape."""

from __future__ import annotations

from functools import cache

import pytest

from liveengine.app.loading import PlayOptions, load_session
from liveengine.config.settings import EngineSettings, default_checkpoint, load_styles
from liveengine.generation.generator import BarGenerator
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.control import ControlState, SetStyle
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar
from liveengine.music.request import ContextBar, context_begins
from liveengine.music.requirement import DRUMS, lacking
from liveengine.planning.bar_builder import BarMaker, BarSpec, landing_of
from tests.rig import loaded_rig

STYLES = load_styles()
SEEDS = (1, 2)
BACKBEAT = DRUMS["backbeat"]


@cache
def generator() -> BarGenerator:
    return BarGenerator(default_checkpoint())


@cache
def played(
    name: str, seed: int, bars: int, fill_every: float = 0, density: float | None = None
) -> tuple[Bar, ...]:
    """Return the bars of a style from a cold start, as they are asked for live."""
    for lane in range(generator().lanes):
        generator().forget(lane)
    style = STYLES.find(name)
    maker = BarMaker(seed)
    spec = BarSpec(style, ControlState(name, fill_every=fill_every, density=density))
    context: list[ContextBar] = []
    for index in range(bars):
        landing = landing_of(style) if context and context[-1].conditioning.fill else ()
        request = maker.request(
            index,
            0,
            spec,
            bpm=style.middle_bpm,
            context=tuple(context[context_begins(index) :]),
            prefix=landing,
            from_step=1 if landing else 0,
        )
        reply = generator().generate(request)
        context.append(ContextBar(reply.serial, reply.bar, request.conditioning))
    return tuple(each.bar for each in context)


@pytest.mark.parametrize("name", [style.name for style in STYLES.styles])
def test_a_style_is_a_groove_from_its_first_bar_on(name: str) -> None:
    for seed in SEEDS:
        bars = played(name, seed, 4)
        struck = {hit.voice for bar in bars for hit in bar.hits}
        assert Voice.KICK in struck
        assert struck & BACKBEAT
        assert lacking(STYLES.find(name).musts, bars[0]) == 0


def test_what_a_genre_must_have_is_there_in_nearly_every_bar() -> None:
    bars = [(style, bar) for style in STYLES.styles for seed in SEEDS for bar in played(style.name, seed, 4)]
    assert sum(lacking(style.musts, bar) > 0 for style, bar in bars) <= 0.02 * len(bars)


@pytest.mark.parametrize("density", [0.1, 0.9])
def test_sparse_and_busy_are_still_the_genre(density: float) -> None:
    names = ("rock", "house", "j_dilla", "reggae", "trap")
    bars = [(name, bar) for name in names for bar in played(name, 1, 4, density=density)]
    kept = [lacking(STYLES.find(name).musts, bar) == 0 for name, bar in bars]
    assert sum(kept) >= 0.9 * len(kept)


def test_density_is_heard() -> None:
    names = ("rock", "j_dilla", "funk", "latin")
    sparse, busy = (
        sum(len(bar.hits) for name in names for bar in played(name, 1, 4, density=density))
        for density in (0.0, 1.0)
    )
    assert busy > 1.15 * sparse


@pytest.mark.parametrize("name", ["rock", "j_dilla", "house", "metro_boomin"])
def test_a_phrase_ends_in_a_fill_that_begins_with_the_groove(name: str) -> None:
    style = STYLES.find(name)
    bars = played(name, 3, 9, fill_every=8)
    before, fill, after = bars[6:9]
    assert {(hit.voice, hit.step) for hit in fill.hits} != {(hit.voice, hit.step) for hit in before.hits}
    assert any(hit.voice is Voice.KICK and hit.step == 0 for hit in fill.hits)
    last, usual = ({(hit.voice, hit.step) for hit in bar.hits if hit.step >= 8} for bar in (fill, before))
    assert len(last ^ usual) >= 2
    assert {hit.voice for hit in after.hits if hit.step == 0} >= set(style.landing)


SWITCHES = ("rock", "house", "jazz", "j_dilla", "techno", "reggae", "metro_boomin", "funk")
BARS_EACH = 4


@cache
def switched() -> dict[str, list[Bar]]:
    """Return the whole bars of each style, switched to one after the other in the middle of a bar."""
    loaded = load_session(PlayOptions(EngineSettings(style=SWITCHES[0], seed=11), clock="virtual"))
    rig = loaded_rig(loaded, LocalBarSource(loaded.checkpoint, "cpu", loaded.packs))
    found: dict[str, list[Bar]] = {}
    for name in SWITCHES:
        rig.session.post(SetStyle(name))
        rig.run(60 / loaded.bpm * (4 * BARS_EACH + 1))
        found[name] = [
            planned.bar
            for planned in rig.record.played
            if planned.style.name == name and not planned.mixed and not planned.conditioning.fill
        ]
    return found


@pytest.mark.parametrize("name", SWITCHES)
def test_a_style_that_is_switched_to_is_that_style(name: str) -> None:
    musts, bars = STYLES.find(name).musts, switched()[name]
    assert len(bars) >= 2
    assert [lacking(musts, bar) for bar in bars] == [0] * len(bars)
