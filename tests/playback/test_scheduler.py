"""The player's core: addresses become moments only when they are due."""

from __future__ import annotations

from dataclasses import replace

import pytest

from liveengine.music.beats import BeatMap
from liveengine.playback.messages import (
    Clear,
    Outcome,
    PlannedHit,
    PlayerMessage,
    Replace,
    Report,
    SetLatency,
    SetMap,
)
from liveengine.playback.scheduler import Due, PlayerCore

KICK, SNARE = 36, 38


def hit(serial: int, beat: float, note: int = KICK, offset_ms: float = 0.0, bar: int = 0) -> PlannedHit:
    step = int(beat * 4) - bar * 16
    return PlannedHit(serial, bar, step, beat, offset_ms, note, 100, voice=note)


def core(bpm: float = 120.0) -> PlayerCore:
    made = PlayerCore(gate_ms=60.0, late_drop_ms=30.0)
    order(made, SetMap(BeatMap(0.0, 0.0, bpm)))
    return made


def order(player: PlayerCore, message: PlayerMessage, now_us: float = 0.0) -> list[Due]:
    """Give an order that drops nothing."""
    dropped: list[Report] = []
    out = player.take(message, now_us, dropped)
    assert {report.outcome for report in dropped} <= {Outcome.NOT_AGAIN}
    return out


def run(player: PlayerCore, until_us: float) -> tuple[list[tuple[float, Due]], list[Report]]:
    """Play to a moment, each message exactly when it is due."""
    sent: list[tuple[float, Due]] = []
    dropped: list[Report] = []
    while (due := player.next_due_us()) is not None and due <= until_us:
        sent += [(due, each) for each in player.pop(due, dropped)]
    return sent, dropped


def strikes(sent: list[tuple[float, Due]]) -> list[tuple[int, int]]:
    """Return (serial, moment in whole microseconds) of each note-on."""
    return [(due.hit.serial, round(moment)) for moment, due in sent if due.hit is not None]


def test_hits_are_due_at_their_beats_plus_offset_less_latency() -> None:
    player = core()
    order(player, SetLatency(20.0))
    order(player, Replace(0, 0, (hit(1, 1.0, offset_ms=-15.0), hit(2, 2.0))))
    sent, _ = run(player, 3e6)
    assert strikes(sent) == [(1, 465_000), (2, 980_000)]


def test_a_new_map_times_everything_pending_again() -> None:
    player = core(120.0)
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 2.0))))
    run(player, 500_000)
    order(player, SetMap(BeatMap(500_000.0, 1.0, 60.0)), 500_000.0)
    sent, _ = run(player, 3e6)
    assert strikes(sent) == [(2, 1_500_000)]


def test_offsets_do_not_scale_with_tempo_but_beats_do() -> None:
    player = core(60.0)
    order(player, Replace(0, 0, (hit(1, 0.5, offset_ms=10.0),)))
    sent, _ = run(player, 3e6)
    assert strikes(sent) == [(1, 510_000)]


def test_replacing_keeps_what_comes_before_the_cut_and_forgets_the_rest() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 0.5), hit(2, 1.0), hit(3, 2.0), hit(4, 4.5, bar=1))))
    order(player, Replace(0, 4, (hit(5, 1.5),)))
    sent, _ = run(player, 9e6)
    assert [serial for serial, _ in strikes(sent)] == [1, 5]


def test_every_note_ends_within_the_gate() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 2.0, SNARE))))
    sent, _ = run(player, 5e6)
    assert [(round(moment), due.message) for moment, due in sent] == [
        (500_000, (0x99, KICK, 100)),
        (560_000, (0x89, KICK, 0)),
        (1_000_000, (0x99, SNARE, 100)),
        (1_060_000, (0x89, SNARE, 0)),
    ]


def test_a_note_still_sounding_is_ended_before_it_is_struck_again() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 1.05))))
    sent, _ = run(player, 5e6)
    kinds = [due.message[0] & 0xF0 for _, due in sent]
    assert kinds == [0x90, 0x80, 0x90, 0x80]


def test_a_little_late_is_sent_at_once_and_very_late_is_dropped_and_told() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 1.04))))
    dropped: list[Report] = []
    sent = player.pop(500_000 + 31_000, dropped)
    assert [due.hit.serial for due in sent if due.hit] == [2]
    assert [(report.serial, report.outcome) for report in dropped] == [(1, Outcome.DROPPED_LATE)]


def test_clearing_ends_what_sounds_and_forgets_what_is_pending() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 2.0))))
    player.pop(500_000, [])
    assert [due.message for due in order(player, Clear())] == [(0x89, KICK, 0)]
    assert player.next_due_us() is None


def test_latency_changed_while_playing_moves_what_is_pending_once() -> None:
    player = core()
    order(player, Replace(0, 0, tuple(hit(serial, serial * 0.5) for serial in range(1, 9))))
    first, _ = run(player, 700_000)
    order(player, SetLatency(-40.0), 700_000.0)
    second, dropped = run(player, 9e6)
    assert [serial for serial, _ in strikes(first + second)] == list(range(1, 9))
    assert not dropped
    assert strikes(second)[0][1] == 790_000


def test_all_off_names_each_note_once_and_ends_with_all_notes_off() -> None:
    messages = [due.message for due in core().all_off([(10, 36), (10, 38), (10, 36)])]
    assert messages == [(0x89, 36, 0), (0x89, 38, 0), (0xB9, 123, 0)]


def test_a_latency_that_overtakes_a_hit_strikes_it_at_once_and_says_what_it_got() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 1.5), hit(3, 2.0))))
    out = order(player, SetLatency(300.0), 480_000.0)
    assert [(due.hit.serial, due.due_us, due.latency_ms) for due in out if due.hit] == [
        (1, 480_000.0, 20.0),
        (2, 480_000.0, 270.0),
    ]
    sent, dropped = run(player, 9e6)
    assert strikes(sent) == [(3, 700_000)]
    assert not dropped


def test_latency_turned_to_and_fro_neither_loses_nor_doubles_a_note() -> None:
    player = core()
    plan = tuple(hit(serial, serial * 0.25, bar=serial // 16) for serial in range(1, 64))
    order(player, Replace(0, 0, plan))
    struck: list[int] = []
    for turn in range(60):
        now_us = turn * 130_000.0
        latency = ((turn * 97) % 1000) - 500.0
        struck += [due.hit.serial for due in order(player, SetLatency(latency), now_us) if due.hit]
        first = next((each for each in plan if each.beat * 500_000 > now_us + 60_000), plan[-1])
        again = tuple(each for each in plan if (each.bar, each.step) >= (first.bar, first.step))
        order(player, Replace(first.bar, first.step, again), now_us)
        sent, dropped = run(player, now_us + 130_000.0)
        struck += [serial for serial, _ in strikes(sent)]
        assert not dropped
    sent, _ = run(player, 99e6)
    struck += [serial for serial, _ in strikes(sent)]
    assert sorted(struck) == list(range(1, 64))


def test_a_jump_back_strikes_again_what_was_struck_already() -> None:
    player = core()
    plan = (hit(1, 0.5), hit(2, 1.0))
    order(player, Replace(0, 0, plan))
    run(player, 600_000.0)
    order(player, SetMap(BeatMap(600_000.0, 0.0, 120.0)), 600_000.0)
    order(player, Replace(0, 0, plan), 600_000.0)
    assert strikes(run(player, 2e6)[0]) == []
    order(player, Replace(0, 0, plan, again=True), 600_000.0)
    assert strikes(run(player, 2e6)[0]) == [(1, 850_000), (2, 1_100_000)]


def test_each_drop_says_why() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 3.0))))
    dropped: list[Report] = []
    player.take(SetMap(BeatMap(400_000.0, 1.2, 120.0)), 400_000.0, dropped)
    player.take(Replace(0, 8, (hit(3, 0.5), hit(2, 3.0))), 400_000.0, dropped)
    player.pop(1_400_000.0, dropped)
    assert [(report.serial, report.outcome) for report in dropped] == [
        (1, Outcome.DROPPED_TEMPO),
        (3, Outcome.DROPPED_PLAN),
        (2, Outcome.DROPPED_LATE),
    ]


def test_a_note_off_is_never_lost_with_a_dropped_hit() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0), hit(2, 1.1))))
    player.pop(500_000.0, [])
    dropped: list[Report] = []
    out = player.pop(600_000.0, dropped)
    assert [due.message for due in out] == [(0x89, KICK, 0)]
    assert [report.serial for report in dropped] == [2]


def test_a_stroke_ends_what_its_group_sounds_and_no_other() -> None:
    player = core()
    opened = replace(hit(1, 1.0, 46), choke=1, length_ms=2000.0, channel=3)
    crash = replace(hit(2, 1.0, 49), length_ms=3000.0)
    shut = replace(hit(3, 2.0, 42), choke=1, channel=3)
    order(player, Replace(0, 0, (opened, crash, shut)))
    sent, _ = run(player, 9e6)
    messages = [(at_us, due.message) for at_us, due in sent]
    assert messages == [
        (500_000, (0x92, 46, 100)),
        (500_000, (0x99, 49, 100)),
        (1_000_000, (0x82, 46, 0)),
        (1_000_000, (0x92, 42, 100)),
        (1_060_000, (0x82, 42, 0)),
        (3_500_000, (0x89, 49, 0)),
    ]


def test_a_pedal_moves_before_its_stroke_but_not_before_the_one_that_precedes() -> None:
    player = core()
    hat = replace(hit(0, 0.0, 46), controller=4, lead_ms=10.0)
    strokes = (
        replace(hat, serial=1, beat=1.0, step=4, pedal=0),
        replace(hat, serial=2, beat=1.008, step=5, pedal=90),  # 4 ms later
        replace(hat, serial=3, beat=2.0, step=8, pedal=90),  # it is there already
        replace(hat, serial=4, beat=3.0, step=12, pedal=20),
    )
    order(player, Replace(0, 0, strokes))
    sent, _ = run(player, 9e6)
    heard = [(at_us, due.message[:3]) for at_us, due in sent if due.message[0] != 0x89]
    assert heard == [
        (490_000, (0xB9, 4, 0)),
        (500_000, (0x99, 46, 100)),
        (500_000, (0xB9, 4, 90)),
        (504_000, (0x99, 46, 100)),
        (1_000_000, (0x99, 46, 100)),
        (1_490_000, (0xB9, 4, 20)),
        (1_500_000, (0x99, 46, 100)),
    ]


@pytest.mark.parametrize("gap_ms", [0.0, 1.9, 2.1])
def test_strokes_at_once_have_the_pedal_in_one_place(gap_ms: float) -> None:
    player = core()
    hat = replace(hit(0, 0.0, 46), controller=4, lead_ms=2.0)
    strokes = (
        replace(hat, serial=1, beat=1.0, step=4, pedal=30, note=42),
        replace(hat, serial=2, beat=1.0, offset_ms=gap_ms, step=4, voice=5, pedal=60, note=44),
        replace(hat, serial=3, beat=2.0, step=8, pedal=60),
    )
    order(player, Replace(0, 0, strokes))
    for bpm in (60.0, 120.0):
        order(player, SetMap(BeatMap(0.0, 0.0, bpm)))
    sent, _ = run(player, 9e6)
    heard = [due.message[1:] for _, due in sent if due.message[0] != 0x89]
    together = [(4, 30), (42, 100), (44, 100), (4, 60), (46, 100)]
    apart = [(4, 30), (42, 100), (4, 60), (44, 100), (46, 100)]
    assert heard == (apart if gap_ms > 2 else together)


def test_a_pedal_comes_with_a_stroke_that_is_struck_at_once() -> None:
    player = core()
    late = replace(hit(1, 1.0, 46), controller=4, pedal=64, lead_ms=10.0)
    out = order(player, Replace(0, 0, (late,), at_once_ms=130.0), 520_000.0)
    assert [due.message for due in out] == [(0xB9, 4, 64), (0x99, 46, 100)]
    sent, _ = run(player, 9e6)
    assert [due.message for _, due in sent] == [(0x89, 46, 0)]


def test_all_off_ends_what_sounds_on_whatever_channel() -> None:
    player = core()
    order(player, Replace(0, 0, (replace(hit(1, 1.0, 60), channel=2, length_ms=5000.0),)))
    run(player, 600_000)
    messages = [due.message for due in player.all_off([(10, 36)])]
    assert messages == [(0x89, 36, 0), (0x81, 60, 0), (0xB9, 123, 0), (0xB1, 123, 0)]


def test_a_stroke_that_was_struck_on_another_kit_is_not_struck_again() -> None:
    player = core()
    order(player, Replace(0, 0, (hit(1, 1.0, KICK), hit(2, 2.0, KICK))))
    run(player, 600_000)
    again = [replace(hit(serial, beat, KICK), note=60, channel=3) for serial, beat in ((3, 1.0), (4, 2.0))]
    order(player, Replace(0, 0, tuple(again)), 600_000.0)
    sent, _ = run(player, 9e6)
    assert [due.message for _, due in sent if due.hit] == [(0x92, 60, 100)]
