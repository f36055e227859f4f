"""Kits: one of several notes, velocities, openness, what stands for what, and the notes read back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.errors import ContractError
from liveengine.music.drums import Voice
from liveengine.music.kit import (
    GENERAL_MIDI_KIT,
    HATS,
    NEEDED,
    Articulation,
    HatPedal,
    KitMap,
    KitNote,
    articulation_of,
    voice_of,
)
from liveengine.music.written import read_kit, written_kit

RICH = KitMap(
    "rich",
    {
        **GENERAL_MIDI_KIT.sounds,
        Articulation.SNARE: KitNote((38, 33), curve=2.0, velocities=(10, 100)),
        Articulation.KICK: KitNote((35, 36), "velocity", (1, 90), channel=2),
        Articulation.HALF_OPEN_HAT: KitNote((60, 61), "openness", (0.0, 0.4)),
        Articulation.OPEN_HAT: KitNote((46,), length_ms=900.0),
        Articulation.RIDE_EDGE: KitNote((59,)),
    },
    chokes=(frozenset({Articulation.CLOSED_HAT, Articulation.OPEN_HAT, Articulation.HALF_OPEN_HAT}),),
    pedal=HatPedal(4, 90, 0, 8.0),
)


def test_the_general_midi_kit() -> None:
    assert GENERAL_MIDI_KIT.note(Voice.KICK) == 36
    assert GENERAL_MIDI_KIT.note(Voice.BELL) == 53
    assert GENERAL_MIDI_KIT.channel == 10


def test_every_voice_is_an_articulation_and_every_articulation_is_heard_as_a_voice() -> None:
    for voice in Voice:
        assert articulation_of(voice) == voice.label
        assert voice_of(articulation_of(voice)) is voice
    assert voice_of(Articulation.HALF_OPEN_HAT_EDGE) is Voice.OPEN_HAT
    assert voice_of(Articulation.HAT_SPLASH) is Voice.PEDAL_HAT
    assert voice_of(Articulation.STICKS) is Voice.RIM


@pytest.mark.parametrize(
    ("notes", "channel", "told"),
    [
        ((36,) * 13, 10, "expected 14 notes"),
        ((36,) * 13 + (128,), 10, "bell: expected a MIDI note"),
        ((-1,) + (36,) * 13, 10, "kick: expected a MIDI note"),
        ((36,) * 14, 0, "expected a channel"),
        ((36,) * 14, 17, "expected a channel"),
    ],
)
def test_an_impossible_kit_is_refused(notes: tuple[int, ...], channel: int, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        KitMap.plain("odd", notes, channel)


def test_notes_go_from_hand_to_hand_and_by_velocity() -> None:
    assert [RICH.strike_voice(Voice.SNARE, 100, step).note for step in range(4)] == [38, 33, 38, 33]
    kicks = [RICH.strike_voice(Voice.KICK, velocity) for velocity in (1, 89, 90, 127)]
    assert [(kick.note, kick.channel) for kick in kicks] == [(35, 2), (35, 2), (36, 2), (36, 2)]
    assert RICH.strike_voice(Voice.RIDE, 100).channel == 10


def test_velocities_are_bent_into_their_range() -> None:
    bent = [RICH.strike_voice(Voice.SNARE, velocity).velocity for velocity in (1, 64, 127)]
    assert bent == [10, 32, 100]  # half way, squared, is a quarter of the range
    assert [RICH.strike_voice(Voice.RIDE, velocity).velocity for velocity in range(1, 128)] == list(
        range(1, 128)
    )


@pytest.mark.parametrize(
    ("voice", "openness", "note", "pedal"),
    [
        (Voice.CLOSED_HAT, None, 42, 90),
        (Voice.PEDAL_HAT, None, 44, 90),
        (Voice.OPEN_HAT, None, 46, 0),
        (Voice.OPEN_HAT, 0.9, 46, 9),
        (Voice.OPEN_HAT, 0.5, 61, 45),
        (Voice.OPEN_HAT, 0.2, 60, 72),
        (Voice.CLOSED_HAT, 0.1, 42, 81),
    ],
)
def test_an_openness_is_a_note_and_a_place_of_the_pedal(
    voice: Voice, openness: float | None, note: int, pedal: int
) -> None:
    strike = RICH.strike_voice(voice, 100, 0, openness)
    assert strike.note == note
    assert strike.pedal is not None
    assert (strike.pedal.controller, strike.pedal.value, strike.pedal.lead_ms) == (4, pedal, 8.0)
    assert strike.choke == (0 if voice is Voice.PEDAL_HAT else 1)
    plain = GENERAL_MIDI_KIT.strike_voice(voice, 100, 0, openness)
    assert plain.note == GENERAL_MIDI_KIT.note(voice), "half open is open where there are three notes"
    assert plain.pedal is None


def test_what_a_kit_lacks_is_played_by_what_is_nearest() -> None:
    bare = KitMap("bare", {each: KitNote((60 + place,)) for place, each in enumerate(NEEDED)})
    assert set(bare.folded()) == set(Articulation) - set(NEEDED)
    assert bare.played(Articulation.STICKS) is Articulation.SNARE
    assert bare.played(Articulation.HALF_OPEN_HAT_EDGE) is Articulation.CLOSED_HAT
    assert bare.played(Articulation.BELL) is Articulation.CRASH
    assert RICH.folded()[Articulation.CRASH_EDGE] is Articulation.CRASH
    assert Articulation.RIDE_EDGE not in RICH.folded()
    for lacking in NEEDED:
        with pytest.raises(ContractError, match=f"expected a note for {lacking}"):
            KitMap("odd", {each: KitNote((60,)) for each in NEEDED if each is not lacking})


def test_every_note_is_read_back_as_what_it_is() -> None:
    table = RICH.table()
    assert table[2, 35] is table[2, 36] is Articulation.KICK
    assert table[10, 33] is table[10, 38] is Articulation.SNARE
    assert table[10, 60] is Articulation.HALF_OPEN_HAT
    assert set(RICH.keys) == set(table)
    assert RICH.voices()[59] is Voice.RIDE
    assert dict(RICH.names())[33] == "Snare 2"
    assert dict(RICH.names())[46] == "Open hat"


def test_a_pedal_reads_back_what_it_says() -> None:
    pedal = HatPedal(4, 90, 0)
    assert [pedal.openness(value) for value in (90, 45, 0, 127)] == [1 - 1, 0.5, 1.0, 0.0]
    for value in range(91):
        assert pedal.value(pedal.openness(value)) == value


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: HatPedal(120, 127, 0), "controller"),
        (lambda: HatPedal(4, 5, 5), "two values"),
        (lambda: HatPedal(4, 0, 127, 1.0), "lead_ms"),
        (lambda: KitNote(()), "MIDI notes"),
        (lambda: KitNote((1, 2), "velocity", (50, 50)), "go up"),
        (lambda: KitNote((1, 2), "velocity", (1,)), "a start for each"),
        (lambda: KitNote((1,), "weather"), "one of turn"),
        (lambda: KitNote((1,), curve=9.0), "curve"),
        (lambda: KitNote((1,), velocities=(90, 20)), "velocities"),
        (lambda: replace(RICH, chokes=(frozenset(HATS), frozenset(HATS))), "in one group"),
        (lambda: replace(RICH, length_ms=0.5), "length_ms"),
    ],
)
def test_what_no_kit_can_be_is_refused(wrong: type[object], told: str) -> None:
    with pytest.raises(ContractError, match=told):
        wrong()


@pytest.mark.parametrize("kit", [RICH, GENERAL_MIDI_KIT])
def test_a_kit_that_is_written_down_is_read_again(kit: KitMap) -> None:
    assert read_kit(written_kit(kit)) == kit
