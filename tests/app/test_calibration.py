"""Calibration: what keys do, the click itself, and latencies kept by port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

import pytest
from rich.console import Console

from liveengine.ableton.click_recording import Offset
from liveengine.app.calibration import (
    CLICK,
    KEYS,
    Calibration,
    ListenCalibration,
    LiveCalibration,
    calibrate,
    clicks,
    measuring,
    panel,
)
from liveengine.app.keyboard import HANGUP
from liveengine.app.live_clips import LiveAddress
from liveengine.app.loading import PlayOptions
from liveengine.config.settings import EngineSettings
from liveengine.errors import ContractError, UnknownNameError
from liveengine.music.beats import Meter
from liveengine.music.drums import Voice
from tests.ableton.running import running_live
from tests.ableton.stand_in import LiveSet
from tests.rig import Rig
from tests.waiting import PATIENCE_S

BEATS_PER_S = 4.0


def test_keys_nudge_within_the_range_and_tell_whether_anything_changed() -> None:
    calibration = Calibration(10.0)
    assert all(calibration.press(key) for key in ("right", "right", "-", "up"))
    assert calibration.latency_ms == 21.0
    assert not calibration.press("x")
    assert calibration.press("0")
    assert calibration.latency_ms == 0.0
    for _ in range(60):
        calibration.press("down")
    assert calibration.latency_ms == -500.0
    assert not calibration.ended


@pytest.mark.parametrize(
    ("key", "saved"), [("enter", True), ("q", False), ("ctrl-c", False), (HANGUP, False)]
)
def test_keys_that_end_it(key: str, saved: bool) -> None:
    calibration = Calibration(3.0)
    assert not calibration.press(key)
    assert (calibration.ended, calibration.saved) == (True, saved)


@pytest.mark.parametrize("width", [129, 79, 59, 40])
def test_the_panel_fits_with_every_key(make_rig: Callable[..., Rig], width: int) -> None:
    rig = make_rig()
    rig.run(0.1)
    lines = [line.plain for line in panel(Calibration(16.0), rig.session, "liveengine:drums", width)]
    assert {len(line) for line in lines} == {min(width, 90)}
    text = "\n".join(lines)
    assert all(f"{key} {does}" in text for key, does in KEYS)
    assert all(shown in text for shown in ("+16 ms", "liveengine:drums", "120.00 bpm", "0 other peers"))


@pytest.mark.parametrize("late_ms", [-7.0, 0.0, 38.0])
def test_how_late_a_player_is_heard_is_found_from_eight_bars(
    make_rig: Callable[..., Rig], late_ms: float
) -> None:
    rig = make_rig()
    calibration = ListenCalibration(0.0)
    rig.run(2.0)
    for beat in range(1, 40):
        at_us = 2_000_000 + beat * 500_000
        rig.run((at_us + 50_000 - rig.timeline.now_us()) / 1e6)
        uneven_ms = (-4.0, 0.0, 4.0)[beat % 3]
        rig.session.ears.hear([0x90, 60, 90], at_us + (late_ms + uneven_ms) * 1e3)
        rig.run(0.01)
        if calibration.follow(rig.session):
            break
    assert calibration.saved
    assert calibration.latency_ms == pytest.approx(late_ms, abs=1.0)
    assert 32 <= calibration.notes <= 36
    text = "\n".join(line.plain for line in panel(calibration, rig.session, "liveengine-listen:notes", 79))
    assert f"{calibration.latency_ms:+.1f} ms" in text


PORT = "liveengine drums"


def heard_in_live(inputs: Sequence[str]) -> LiveSet:
    begun = time.monotonic()
    live_set = LiveSet([""], link_beat=lambda: (time.monotonic() - begun) * BEATS_PER_S)
    live_set.tempo = 60.0 * BEATS_PER_S
    live_set.inputs += inputs
    return live_set


async def measured(rig: Rig, live_set: LiveSet, address: LiveAddress) -> LiveCalibration:
    """Click in real time, loosely, until Live has recorded enough."""
    calibration = LiveCalibration(0.0)
    settings = EngineSettings(live_port=address.port, live_reply_port=address.reply_port)
    async with asyncio.timeout(PATIENCE_S / 4), measuring(calibration, rig.session, settings, PORT):
        while not calibration.ended and not rig.session._stopping:
            await asyncio.sleep(0.5 / BEATS_PER_S)
            live_set.hear(PORT, 37, 100)
    return calibration


def test_live_records_the_click_and_the_session_ends(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liveengine.app.calibration.LISTEN_BARS", 2)
    live_set, rig = heard_in_live([PORT]), make_rig()
    with running_live(live_set) as address:
        calibration = asyncio.run(measured(rig, live_set, address))
    assert calibration.offset is not None
    assert calibration.offset.notes >= 8
    assert "give or take" in calibration.verdict
    assert live_set.tracks == []


def test_an_input_that_live_does_not_have_ends_it_with_its_name(make_rig: Callable[..., Rig]) -> None:
    live_set = heard_in_live(["another"])
    with running_live(live_set) as address, pytest.raises(UnknownNameError, match="another"):
        asyncio.run(measured(make_rig(), live_set, address))


@pytest.mark.parametrize(
    ("offset", "saved"),
    [(Offset(37.24, 0.4, 32), True), (Offset(37.24, 9, 32), False), (Offset(501, 1, 32), False)],
)
def test_only_what_is_sure_is_saved(offset: Offset, saved: bool) -> None:
    calibration = LiveCalibration(0.0)
    assert not calibration.press("enter")
    assert calibration.fields == ["Live records"]
    calibration.take(offset)
    assert (calibration.ended, calibration.saved) == (True, saved)
    assert calibration.latency_ms == round(offset.late_ms, 1)


def test_live_keeps_link_and_nobody_plays_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    options = PlayOptions(EngineSettings(), clock="system")
    with pytest.raises(ContractError, match="--clock link"):
        calibrate(options, "rim", Console(), live_input=PORT)
    with pytest.raises(ContractError, match="got both"):
        calibrate(options, "rim", Console(), live_input=PORT, listening=True)


def test_nothing_is_saved_before_anything_was_heard() -> None:
    calibration = ListenCalibration(0.0)
    calibration.press("enter")
    assert (calibration.ended, calibration.saved) == (True, False)


def test_the_click_falls_on_each_beat_without_feel() -> None:
    hits = clicks(Meter(3, 4), Voice.RIM)
    assert [(hit.step, hit.micro) for hit in hits] == [(0, 0), (4, 0), (8, 0)]
    assert hits[0].velocity > hits[1].velocity
    assert CLICK.feel.jitter_ms == 0
    assert set(CLICK.feel.push_ms) == {0.0}
