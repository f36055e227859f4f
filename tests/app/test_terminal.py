"""The terminal view in every size and the plain lines, from a real engine in virtual time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from liveengine.app.terminal import LogLines, style_words, view
from liveengine.engine.snapshot import snapshot
from liveengine.music.control import SetBlendStyle, SetToggle, SetValue, TriggerAction
from liveengine.music.style import blended
from liveengine.recording.lateness import lateness
from tests.rig import STYLES, Rig

MakeRig = Callable[..., Rig]
LEGEND = [("F", "fill", False), ("B", "break", True), ("1-9", "style", False), ("Q", "quit", False)]
SIZES = [(width, height) for width in (120, 100, 80, 60, 50, 40, 30, 20) for height in (50, 24, 20, 14)]


def shown(rig: Rig, port: str = "liveengine:drums", *, width: int = 119, height: int = 40) -> str:
    page = "http://127.0.0.1:8765"
    lines = view(snapshot(rig.session), LEGEND, width, height, port=port, page=page)
    return "\n".join(line.plain for line in lines)


def test_before_anything_plays_the_view_waits(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(0.01)
    assert "loading" in shown(rig)
    rig.run(3.0)
    rig.session.post(TriggerAction("stop"))
    rig.run(0.1)
    assert "stopped" in shown(rig)


def test_the_view_shows_style_tempo_place_and_both_bars(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    text = shown(rig)
    assert "Rock" in text
    assert "120.00 bpm" in text
    assert "bar 3, beat 2 of 4/4" in text
    kick_rows = [line for line in text.splitlines() if " kick " in line]
    assert kick_rows[0].count("▓▓") == 8  # four strokes in the bar that plays, four in the next
    assert "sending to liveengine:drums" in text
    assert "page http://127.0.0.1:8765" in text


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_view_fits_every_size_with_whole_lines(make_rig: MakeRig, width: int, height: int) -> None:
    rig = make_rig()
    rig.run(6.6)
    rig.session.post(TriggerAction("next_scene"))  # refused, with a notice
    rig.run(0.1)
    lines = shown(rig, width=width, height=height).splitlines()
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    frames = [line for line in lines if line[0] in "╭│╰"]
    assert {line[-1] for line in frames} <= set("╮│╯")
    assert len({len(line) for line in frames}) <= 1
    if width >= 60 and height >= 24:
        text = "\n".join(lines)
        for part in ("lateness: typical", "95 %", "99 %", "worst", "notes", "late bars", "dropped", "Rock"):
            assert part in text
        assert frames
        assert "set: expected a set list" in " ".join(text.split())
    if width >= 30 and height >= 20:
        assert any("kick ┃" in line for line in lines)
    assert lines[-1].endswith("Q quit")
    assert width < 40 or "F fill  B break" in lines[-1]


def test_one_bar_is_shown_where_two_have_no_room(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(6.6)
    wide, narrow = shown(rig, width=79, height=24), shown(rig, width=59, height=24)
    assert wide.count("kick ┃") == 2
    assert narrow.count("kick ┃") == 1
    assert "╰─ next: Rock ─" in narrow


def test_a_blend_is_shown_with_both_shares_in_head_and_bars(make_rig: MakeRig) -> None:
    rig = make_rig(switch="bar")
    rig.run(6.6)
    rig.session.post(SetBlendStyle("jazz"))
    rig.session.post(SetValue("blend", 0.5))
    rig.run(2.0)
    text = shown(rig)
    assert "Rock 50 % + Jazz 50 %" in text.splitlines()[0]
    assert "playing: Rock 50 % + Jazz 50 % ─" in text
    assert "next: Rock 50 % + Jazz 50 % ─" in text
    log = LogLines()
    assert any("Rock 50 % + Jazz 50 %" in line for line in log.lines(snapshot(rig.session)))


def test_names_are_cut_and_shares_are_not() -> None:
    titles = {"rock": "Metro Boomin", "jazz": "Jazz"}
    blend = blended(STYLES.find("rock"), STYLES.find("jazz"), 0.3)
    assert style_words(blend, titles) == "Metro Boomin 70 % + Jazz 30 %"
    assert style_words(blend, titles, 29) == "Metro Boomin 70 % + Jazz 30 %"
    assert style_words(blend, titles, 24) == "Metro… 70 % + Jazz 30 %"
    assert style_words(STYLES.find("jazz"), titles, 3) == "Ja…"


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
    assert "changes from the next beat   at least" in text


def test_digits_are_said_with_the_styles_that_they_choose(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(1.0)
    assert "1 Rock   2 Jazz   3 Loose" in shown(rig)


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
