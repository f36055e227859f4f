"""Names of scenes and locators: what a drummer takes from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.config.settings import load_styles
from liveengine.music.song_names import LEVELS, WORDS, bare, understood
from liveengine.patterns.sections import SECTIONS

STYLES = load_styles()


def section(name: str) -> str | None:
    plan = understood(name, STYLES)
    return None if plan is None else plan.section


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Intro", "intro"),
        ("INTRO (8 bars)", "intro"),
        ("Verse 1", "verse"),
        ("verse2", "verse"),
        ("V1", "verse"),
        ("2. Verse", "verse"),
        ("Strophe 1", "verse"),
        ("Couplet", "verse"),
        ("Pre-Chorus", "build"),
        ("PreChorus 2", "build"),
        ("build up", "build"),
        ("Chorus", "chorus"),
        ("Final Chorus", "chorus"),
        ("CH 3", "chorus"),
        ("C2", "chorus"),
        ("Hook", "chorus"),
        ("Refrain", "chorus"),
        ("Estribillo", "chorus"),
        ("Refrão", "chorus"),
        ("Refräng", "chorus"),
        ("припев 2", "chorus"),
        ("サビ", "chorus"),
        ("DROP", "drop"),
        ("Drop 2 124 BPM", "drop"),
        ("Break", "break"),
        ("Breakdown", "break"),
        ("drum break", "break"),
        ("Bridge", "bridge"),
        ("Middle 8", "bridge"),
        ("Brücke", "bridge"),
        ("Puente", "bridge"),
        ("Gtr Solo", "solo"),
        ("Outro", "outro"),
        ("Coda", "outro"),
        ("END", "end"),
        ("Schluss", "end"),
    ],
)
def test_common_spellings_mean_their_section(name: str, meant: str) -> None:
    plan = understood(name, STYLES)
    assert plan is not None
    assert plan.section == meant
    assert (plan.density, plan.energy) == LEVELS[meant]
    assert plan.style is None
    assert plan.faults == ()


@pytest.mark.parametrize(
    "name",
    ["", "  ", "7", "Pad 3", "Breakbeat loop", "Scene 12", "120 BPM 4/4", "my versed friend", "[]", "versus"],
)
def test_other_names_mean_nothing(name: str) -> None:
    assert understood(name, STYLES) is None


def test_a_sentence_is_no_section() -> None:
    assert understood("do not forget the verse we wrote last night", STYLES) is None


def test_brackets_say_style_density_and_energy() -> None:
    plan = understood("[j dilla d=.4 e=.7]", STYLES)
    assert plan is not None
    assert (plan.section, plan.style, plan.density, plan.energy) == ("", "j_dilla", 0.4, 0.7)
    assert str(plan) == "j_dilla, density 0.4, energy 0.7"


def test_brackets_win_over_the_section_and_leave_it_what_they_do_not_say() -> None:
    plan = understood("Chorus 2 [e=50%]", STYLES)
    assert plan is not None
    assert (plan.section, plan.density, plan.energy) == ("chorus", LEVELS["chorus"][0], 0.5)
    plan = understood("Part 4 [bridge] [jazz, density: 0.2]", STYLES)
    assert plan is not None
    assert (plan.section, plan.style, plan.density, plan.energy) == ("bridge", "jazz", 0.2, 0.55)


def test_the_name_of_a_style_alone_is_the_style() -> None:
    plan = understood("J Dilla", STYLES)
    assert plan is not None
    assert (plan.section, plan.style, plan.density) == ("", "j_dilla", None)


def test_what_is_not_understood_in_brackets_is_said() -> None:
    plan = understood("Verse [polkka d=7 x=1 e=loud]", STYLES)
    assert plan is not None
    assert plan.section == "verse"
    assert plan.faults == (
        "d=7: expected 0 to 1",
        "x=1: expected d (density) or e (energy)",
        "e=loud: expected 0 to 1",
        "'polkka' is no style and no section",
    )


def test_a_name_is_bare_without_brackets_tempo_and_time_signature() -> None:
    assert bare("Chorus 2 [j dilla] 124.5 BPM 7/8") == "Chorus 2"


def test_levels_lie_within_those_of_the_sections_that_are_written_to_files() -> None:
    for name, made in SECTIONS.items():
        for span, level in zip((made.density, made.energy), LEVELS[name], strict=True):
            assert (span is None) == (level is None)
            if span is not None and level is not None:
                assert min(span) <= level <= max(span)


def test_no_word_means_two_sections() -> None:
    words = [
        word
        for written in WORDS.values()
        for word in (written.split("|") if "|" in written else written.split())
    ]
    assert len(words) == len(set(words))


@given(st.text(max_size=60))
def test_no_name_fails(name: str) -> None:
    plan = understood(name, STYLES)
    if plan is not None:
        assert plan.density is None or 0 <= plan.density <= 1
        assert plan.energy is None or 0 <= plan.energy <= 1
