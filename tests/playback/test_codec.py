"""Orders packed for the pipe: each comes out as it went in, plans without what only the record needs."""

from __future__ import annotations

import pickle
import struct
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveengine.music.beats import BeatMap
from liveengine.music.kit import Strike
from liveengine.playback.codec import ROW, PackedReplace, packed, unpacked
from liveengine.playback.messages import (
    UNKNOWN,
    AllOff,
    Clear,
    PlannedHit,
    PlayerMessage,
    Provenance,
    Replace,
    SetLatency,
    SetMap,
    StartSong,
    StopSong,
    StrikeNow,
)

numbers = st.floats(allow_nan=False)
midi = st.integers(0, 127)
indices = st.integers(-(2**31), 2**31 - 1)
channels = st.integers(1, 16)
heard_hits = st.builds(
    PlannedHit,
    serial=st.integers(-(2**63), 2**63 - 1),
    bar=indices,
    step=indices,
    beat=numbers,
    offset_ms=numbers,
    note=midi,
    velocity=midi,
    level=numbers,
    voice=midi,
    channel=channels,
    length_ms=numbers,
    choke=midi,
    controller=midi,
    pedal=midi,
    lead_ms=numbers,
)
plans = st.builds(
    Replace,
    indices,
    indices,
    st.lists(heard_hits, max_size=40).map(tuple),
    again=st.booleans(),
    at_once_ms=numbers,
)
others = {
    SetMap: st.builds(SetMap, st.builds(BeatMap, numbers, numbers, numbers)),
    SetLatency: st.builds(SetLatency, numbers),
    Clear: st.just(Clear()),
    StrikeNow: st.builds(StrikeNow, st.builds(Strike, midi, midi, channels)),
    AllOff: st.builds(AllOff, st.lists(st.tuples(channels, midi)).map(tuple)),
    StartSong: st.builds(StartSong, numbers, numbers),
    StopSong: st.just(StopSong()),
}
HIT = PlannedHit(
    7,
    2,
    5,
    9.25,
    -3.5,
    38,
    101,
    0.5,
    Provenance("funk", 12, 4, 3, 8.0),
    voice=6,
    channel=11,
    length_ms=250.0,
    choke=1,
    controller=4,
    pedal=90,
    lead_ms=6.5,
    kit="mine",
)


def sent(message: PlayerMessage) -> PlayerMessage:
    """Return a message as the player gets it at the other end of its pipe."""
    return unpacked(pickle.loads(pickle.dumps(packed(message))))


def test_every_kind_of_message_is_tried_here() -> None:
    assert set(get_args(PlayerMessage)) == {*others, Replace}


@given(st.one_of(plans, *others.values()))
def test_every_message_comes_out_as_it_went_in(message: PlayerMessage) -> None:
    assert sent(message) == message


def test_what_only_the_record_needs_stays_behind() -> None:
    other = replace(HIT, serial=8, beat=9.5, provenance=Provenance("jazz"))
    plan = Replace(2, 5, (HIT, other), again=True, at_once_ms=130.0)
    found = sent(plan)
    assert isinstance(found, Replace)
    kept = replace(HIT, provenance=UNKNOWN, kit="")
    assert found.hits == (kept, replace(kept, serial=8, beat=9.5))
    assert (found.bar, found.step, found.again, found.at_once_ms) == (2, 5, True, 130.0)


def test_a_plan_goes_as_one_string_of_63_bytes_a_hit() -> None:
    order = packed(Replace(0, 0, tuple(replace(HIT, serial=serial) for serial in range(64))))
    assert isinstance(order, PackedReplace)
    assert len(order.rows) == 64 * ROW.size == 64 * 63
    assert order.rows[63:71] == (1).to_bytes(8, "little")


@pytest.mark.parametrize("wrong", [{"note": 256}, {"velocity": -1}, {"bar": 2**31}])
def test_a_number_beyond_its_place_is_refused_where_it_is_packed(wrong: dict[str, int]) -> None:
    with pytest.raises(struct.error):
        packed(Replace(0, 0, (replace(HIT, **wrong),)))  # type: ignore[arg-type]
