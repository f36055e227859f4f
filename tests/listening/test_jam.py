"""What the coming bars take from what is heard, in each mode."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.listening.jam import Jam, gaps
from liveengine.listening.listener import Heard
from liveengine.listening.reaction import NO_REACTION, Reaction
from liveengine.music.control import JAMS, ControlState
from liveengine.music.drums import GROUP_PLACE

ACCENTS = (0.9, 0, 0, 0.4, 0, 0, 0.9, 0, 0, 0, 0.9, 0, 0, 0, 0.5, 0)
STILL = (0.0,) * 16
STATE = ControlState("rock")
HEARD = Heard(
    grooves=(ACCENTS,),
    activity=0.5,
    loudness=0.62,
    usual_activity=0.5,
    usual_loudness=0.62,
    riff_bars=1,
    similarity=1.0,
    silent_bars=0,
    bars=4,
    phrase_bars=2,
    phrase_length=8,
    phrase_known=False,
    us_per_step=125_000.0,
    pushes_ms=(("bass", 0.0),),
    step_offsets=STILL,
)


def react(
    heard: Heard, state: ControlState = STATE, *, jam: Jam | None = None, current: int = 3, count: int = 4
) -> Reaction:
    return (jam or Jam()).react(
        heard,
        state,
        lambda _bar: ACCENTS,
        next_bar=current + 1,
        current=current,
        count=count,
    )


@pytest.mark.parametrize("jam", JAMS)
def test_before_the_first_note_nothing_is_taken(jam: str) -> None:
    reaction = react(replace(HEARD, silent_bars=-1), replace(STATE, jam=jam))
    assert set(reaction.bars) == {NO_REACTION}
    assert not reaction.reasons


def test_ears_that_are_off_take_nothing() -> None:
    assert set(react(HEARD, replace(STATE, jam="off")).bars) == {NO_REACTION}


def test_accents_are_taken_as_much_as_is_asked() -> None:
    groove = react(HEARD, replace(STATE, listen_accents=0.3)).at(4).groove
    assert groove is not None
    assert groove.amount == 0.3
    assert [bool(accent) for accent in groove.accents] == [bool(accent) for accent in ACCENTS]
    assert react(HEARD, replace(STATE, listen_accents=0.0)).at(4).groove is None


@pytest.mark.parametrize(("mode", "sign"), [("follow", 1), ("complement", -1)])
def test_density_and_energy_go_with_the_player_or_against_him(mode: str, sign: int) -> None:
    state = replace(STATE, jam=mode, listen_level=1.0)
    busy = react(replace(HEARD, activity=0.8, loudness=0.85), state).at(4)
    calm = react(replace(HEARD, activity=0.1, loudness=0.4), state).at(4)
    assert sign * busy.density > 0 > sign * calm.density
    assert sign * busy.energy > 0 > sign * calm.energy


def test_a_usual_player_moves_nothing() -> None:
    bar = react(HEARD).at(4)
    assert (bar.density, bar.energy, bar.pocket) == (0.0, 0.0, None)


def test_complement_answers_in_the_rests() -> None:
    groove = react(HEARD, replace(STATE, jam="complement")).at(4).groove
    assert groove is not None
    assert all(not (own and heard) for own, heard in zip(groove.accents, ACCENTS, strict=True))
    assert gaps((0.0,) * 16) == (0.0,) * 16


def test_a_late_bass_pulls_the_kick_more_than_the_hat_and_within_limits() -> None:
    late = replace(HEARD, pushes_ms=(("bass", 20.0),), step_offsets=(20 / 125,) * 16)
    pocket = react(late, replace(STATE, listen_pocket=1.0)).at(4).pocket
    assert pocket is not None
    kick, hat = (pocket.offset_ms(0, GROUP_PLACE[drum]) for drum in ("kick", "hat"))
    assert kick == pytest.approx(15.0)
    assert 8 <= hat < kick
    far = replace(late, step_offsets=(0.5,) * 16)
    most = react(far, replace(STATE, listen_pocket=1.0)).at(4).pocket
    assert most is not None
    assert max(most.offsets_ms) == 25.0
    assert react(replace(late, silent_bars=1), replace(STATE, listen_pocket=1.0)).at(4).pocket is None


def test_a_fill_ends_the_players_phrase_not_the_drummers() -> None:
    ends = react(replace(HEARD, phrase_bars=7)).at(4)
    assert ends.fill is True
    assert [bar.fill for bar in react(replace(HEARD, phrase_bars=5)).bars] == [False, False, True, False]
    careful = replace(STATE, listen_fills=0.3)
    assert react(replace(HEARD, phrase_bars=7), careful).at(4).fill is None
    assert react(replace(HEARD, phrase_bars=7, phrase_known=True), careful).at(4).fill is True


def test_after_some_silent_bars_he_thins_out_then_stops_and_comes_back() -> None:
    state = replace(STATE, thin_after=2.0, stop_after=4.0)

    def after(silent: int) -> Reaction:
        return react(replace(HEARD, silent_bars=silent), state, count=1)

    assert after(1).at(4) != NO_REACTION, "a bar of rest is part of a riff"
    assert after(2).at(4).density < 0
    assert not after(3).at(4).rest
    assert after(4).at(4).rest
    assert not after(0).at(4).rest


def test_turns_are_taken_from_the_players_first_bar_on() -> None:
    state, jam = replace(STATE, jam="trade", trade_bars=2.0), Jam()
    solos: dict[int, bool] = {}
    for bar in range(5, 13):  # he plays from bar 5 on, and rests in our turns
        turn = (bar - 5) // 2 % 2
        heard = replace(HEARD, bars=(bar - 5) % 4 + 1, silent_bars=(bar - 5) % 2 + 1 if turn else 0)
        reaction = react(heard, state, jam=jam, current=bar, count=1)
        solos[bar + 1] = reaction.at(bar + 1).solo
    assert [bar for bar, solo in solos.items() if solo] == [7, 8, 11, 12]


def test_an_answer_is_a_solo_of_what_was_played() -> None:
    jam = Jam()
    jam.ask_answer(5, 2)
    bars = react(HEARD, jam=jam, current=3, count=5)
    assert [bars.at(bar).solo for bar in range(4, 9)] == [False, True, True, False, False]
    groove = bars.at(5).groove
    assert groove is not None
    assert (groove.accents, groove.amount) == (ACCENTS, 2.5)


def test_what_moves_a_bar_is_told_with_its_reason() -> None:
    told = {what: why for what, _, why in react(replace(HEARD, activity=0.9)).reasons}
    assert told["density"] == "activity 0.90, usually 0.50"
    assert "riff of 1 bar" in told["accents"]


def test_an_uneven_hand_makes_no_other_bar() -> None:
    uneven = tuple(accent and accent - 0.06 for accent in ACCENTS)
    one, other = react(HEARD).at(4), react(replace(HEARD, grooves=(uneven,))).at(4)
    assert one != other
    assert one.is_near(other)
    assert not one.is_near(react(replace(HEARD, grooves=((*ACCENTS[:-2], 0, 0),))).at(4))
    assert not one.is_near(react(replace(HEARD, activity=0.9)).at(4))
    late = replace(HEARD, pushes_ms=(("bass", 20.0),), step_offsets=(20 / 125,) * 16)
    assert not one.is_near(react(late).at(4))
    assert not one.is_near(NO_REACTION)
