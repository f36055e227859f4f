"""The terminal view and the plain lines, from a real engine in virtual time."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from liveengine.app.terminal import LogLines, render
from liveengine.engine.snapshot import snapshot
from liveengine.music.control import SetToggle, TriggerAction
from liveengine.recording.lateness import lateness
from tests.rig import Rig

MakeRig = Callable[..., Rig]


def shown(rig: Rig, port: str = "liveengine:drums") -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: PTH123, SIM115
    console.print(render(snapshot(rig.session), port))
    return console.export_text()


def test_before_anything_plays_the_view_waits(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(0.01)
    assert "loading" in shown(rig)


def test_the_view_shows_style_tempo_place_and_both_bars(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    text = shown(rig)
    assert "Rock" in text
    assert "120.00 bpm" in text
    assert "bar 3, beat 2 of 4/4" in text
    kick_rows = [line for line in text.splitlines() if " kick " in line]
    assert kick_rows[0].count("▓") == 8  # four strokes in the bar that plays, four in the next
    assert "liveengine:drums" in text


def test_a_view_without_a_port_says_so(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(1.0)
    assert "sending nowhere" in shown(rig, "")


def test_the_view_tells_locks_and_mutes_and_how_far_ahead_it_is_committed(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(7.0)
    rig.session.post(SetToggle("mute_kick", True))
    rig.session.post(TriggerAction("lock_2"))
    rig.run(0.1)
    text = shown(rig)
    assert "locked: 2 bars" in text
    assert "silent: kick" in text
    assert "changes from the next beat" in text


def test_lines_tell_each_change_once(make_rig: MakeRig) -> None:
    rig = make_rig()
    log = LogLines()
    told: list[str] = []
    for _ in range(60):
        rig.run(0.1)
        told += log.lines(snapshot(rig.session))
    rig.timeline.set_tempo(90.0)
    rig.run(0.1)
    told += log.lines(snapshot(rig.session))
    assert told.count("tempo 120.00 bpm") == 1
    assert told.count("tempo 90.00 bpm") == 1
    assert sum(line.startswith("bar ") for line in told) >= 2


def test_percentiles_of_lateness_are_nearest_ranks() -> None:
    found = lateness([float(value) for value in range(100)])
    assert (found.p50, found.p95, found.p99, found.most) == (50.0, 95.0, 99.0, 99.0)
    assert lateness([]).most == 0.0
