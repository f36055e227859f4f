"""What is drawn by hand: which stroke a cell shows, and how strokes lie over a written bar."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveengine.errors import ContractError
from liveengine.music.beats import FOUR_FOUR
from liveengine.music.drawing import Drawing, Stroke, drawn_hits, drawn_over
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import GROUPS, Voice
from liveengine.music.groove import Grooving
from liveengine.music.named import named_command, recorded
from liveengine.music.pattern import Bar, Hit
from liveengine.music.style import Feel, Style, StyleBook

BARS = 12
CELLS = [(0, Voice.KICK), (4, Voice.SNARE)]
WRITTEN = Bar(
    FOUR_FOUR,
    (
        Hit(0, Voice.KICK, 0, 100),
        Hit(4, Voice.SNARE, -2, 90),
        Hit(4, Voice.SNARE, 3, 40),
        Hit(6, Voice.CLOSED_HAT, 2, 70),
    ),
)
BOOK = StyleBook([Style("rock", "Rock", (("rock", 1.0),), (80, 140), "made for the test", feel=Feel())])


@dataclass
class Paper:
    """The plain way: a velocity in each cell of each bar, single strokes over those of every bar."""

    single: dict[tuple[int, tuple[int, Voice]], int] = field(default_factory=dict)
    every: dict[tuple[int, tuple[int, Voice]], int] = field(default_factory=dict)

    def draw(self, stroke: Stroke) -> None:
        for bar in range(stroke.bar, BARS if stroke.keep else stroke.bar + 1):
            if stroke.keep:
                self.single.pop((bar, stroke.cell), None)
                self.every[bar, stroke.cell] = stroke.velocity
            else:
                self.single[bar, stroke.cell] = stroke.velocity

    def erase(self, bar: int, cell: tuple[int, Voice]) -> None:
        if self.single.pop((bar, cell), None) is None and (bar, cell) in self.every:
            for later in range(bar, BARS):
                self.every.pop((later, cell), None)

    def silence(self, bar: int, first_step: int) -> None:
        for cells in (self.single, self.every):
            for at, velocity in list(cells.items()):
                if at[0] == bar and at[1][0] >= first_step and velocity:
                    del cells[at]

    def at(self, bar: int) -> list[tuple[tuple[int, Voice], int]]:
        seen = {cell: velocity for (index, cell), velocity in self.every.items() if index == bar}
        seen |= {cell: velocity for (index, cell), velocity in self.single.items() if index == bar}
        return sorted(seen.items())


bars, cells = st.integers(0, BARS - 1), st.sampled_from(CELLS)
acts = st.one_of(
    st.tuples(st.just("draw"), bars, cells, st.sampled_from([0, 60, 120]), st.booleans()),
    st.tuples(st.just("erase"), bars, cells),
    st.tuples(st.just("silence"), bars, st.sampled_from([0, 2])),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(acts, max_size=25))
def test_each_cell_shows_what_was_drawn_last(done: list[tuple]) -> None:  # type: ignore[type-arg]
    drawing, paper = Drawing(), Paper()
    for what, bar, *rest in done:
        if what == "draw":
            (step, voice), velocity, keep = rest
            stroke = Stroke(bar, step, voice, velocity, keep)
            drawing = drawing.with_stroke(stroke)
            paper.draw(stroke)
        elif what == "erase":
            drawing = drawing.without(bar, rest[0])
            paper.erase(bar, rest[0])
        else:
            drawing = drawing.silenced(bar, rest[0])
            paper.silence(bar, rest[0])
        for index in range(BARS):
            assert [(each.cell, each.velocity) for each in drawing.at(index)] == paper.at(index)
    for index in range(BARS):
        later = drawing.from_bar(index)
        assert all(later.at(each) == drawing.at(each) for each in range(index, BARS))
    assert all(stroke.ends == math.inf for stroke in drawing.from_bar(BARS).strokes)


def test_a_stroke_takes_the_place_of_its_voice_on_its_step_and_a_silent_one_leaves_it_empty() -> None:
    strokes = (Stroke(0, 4, Voice.SNARE, 127), Stroke(0, 6, Voice.CLOSED_HAT, 0))
    hits = drawn_hits(WRITTEN, strokes, Feel())
    assert drawn_over(WRITTEN, strokes, hits).hits == (
        Hit(0, Voice.KICK, 0, 100),
        Hit(4, Voice.SNARE, -2, 127),
    )


@pytest.mark.parametrize(
    ("step", "voice", "micro"),
    [
        (4, Voice.SNARE, -2),  # an accent stays where the stroke was
        (6, Voice.KICK, 2),  # together with the hat of its step
        (3, Voice.KICK, 4),  # alone: as the style's second sixteenths swing, 2/3 of the pair
        (2, Voice.KICK, 0),
    ],
)
def test_a_stroke_is_as_late_as_what_is_on_its_step(step: int, voice: Voice, micro: int) -> None:
    feel = Feel(swing_percent=66.7, learned_swing_percent=66.7)
    assert drawn_hits(WRITTEN, [Stroke(0, step, voice, 90)], feel) == (Hit(step, voice, micro, 90),)


def grooving(*drawn: Hit, **changes: object) -> Grooving:
    """Return a loose bar with strokes drawn over it."""
    feel = Feel(jitter_ms=8.0, humanize=1.0, ghosts_per_bar=3.0)
    made = {"swing_percent": None, "humanize": None, "pushes_ms": (0.0,) * len(GROUPS), **changes}
    return Grooving(WRITTEN, feel, 7, drawn=drawn, **made)  # type: ignore[arg-type]


def test_what_is_drawn_has_the_feel_of_its_step_and_moves_nothing_else() -> None:
    alone, kick, hat = grooving().hits(), Hit(5, Voice.KICK, 0, 100), Hit(7, Voice.CLOSED_HAT, 0, 60)
    assert grooving(kick, hat).hits()[: len(alone)] == alone
    assert grooving(kick, hat).hits()[-1:] == grooving(hat).hits()[-1:]
    swung = grooving(kick, swing_percent=60.0, humanize=0.0, pushes_ms=(*(0.0,) * 7, 12.0)).hits()[-1][1]
    assert swung.beat == pytest.approx((4 + 2 * 0.6) / 4)
    assert (swung.offset_ms, swung.voice, swung.velocity) == (12.0, Voice.KICK, 100)
    assert {grooving(kick).hits()[-1][1].offset_ms, grooving(kick, humanize=0.0).hits()[-1][1].offset_ms} > {
        0
    }


def test_a_stroke_is_drawn_by_name_from_anywhere() -> None:
    drawn = named_command("draw", [5, 3, "snare", 0, True], BOOK)
    assert drawn == DrawStroke(5, 3, Voice.SNARE, 0, keep=True)
    assert named_command("draw", [5.0, 3.0, 1.0], BOOK) == DrawStroke(5, 3, Voice.SNARE, 100)
    erased = named_command("erase", [5, 3, "closed_hat"], BOOK)
    assert erased == EraseStroke(5, 3, Voice.CLOSED_HAT)
    assert isinstance(drawn, DrawStroke)
    assert isinstance(erased, EraseStroke)
    assert recorded(drawn) == ("draw", "bar 5, step 3, snare, 0, kept")
    assert recorded(erased) == ("erase", "bar 5, step 3, closed_hat")


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("draw", [5, 3], "expected a bar, a step and a voice, got 2"),
        ("draw", [5, 3, "cowbell"], "expected a drum voice"),
        ("draw", [5, 3, 14], "expected a voice from 0 to 13, got 14"),
        ("draw", [5, 3, "kick", 128], "expected a velocity of 0-127, got 128"),
        ("draw", [-1, 3, "kick"], "expected a bar from 0 on, got -1"),
        ("erase", [5, 32, "kick"], "expected a step from 0 to 31, got 32"),
        ("erase", [5, 3, "kick", 100], "expected 3 values, got 4"),
    ],
)
def test_a_stroke_that_cannot_be_is_refused(name: str, values: list[object], says: str) -> None:
    with pytest.raises(ContractError, match=says):
        named_command(name, values, BOOK)
