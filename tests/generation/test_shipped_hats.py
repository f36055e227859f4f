"""Hi-hats of the shipped drummer as a kit hears them: the pedal before each stroke, or three notes."""

from __future__ import annotations

from functools import cache

from liveengine.app.loading import PlayOptions, load_session
from liveengine.config.kits import load_kit
from liveengine.config.settings import EngineSettings
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.control import SetKit, SetStyle, SetValue
from liveengine.music.kit import LEAD_MAX_MS, LEAD_MIN_MS
from tests.rig import Rig, loaded_rig

KIT = "gmd"
STYLES = ("afrobeat", "punk", "jazz", "reggae", "rock")
HATS = {42, 22, 44, 46, 26}
PEDAL = 4
SLACK_US = 1.0
"""Of float arithmetic."""


@cache
def played() -> tuple[Rig, float]:
    """Return a performance of some styles, the last on the grid, and when the kit was changed to GM, us."""
    loaded = load_session(PlayOptions(EngineSettings(style=STYLES[0], seed=7, kit=KIT), clock="virtual"))
    rig = loaded_rig(loaded, LocalBarSource(loaded.checkpoint, "cpu", loaded.packs))
    for style in STYLES:
        rig.session.post(SetStyle(style))
        rig.run(20.0)
    rig.session.post(SetValue("humanize", 0.0))
    rig.run(10.0)
    changed_us = rig.timeline.now_us()
    rig.session.post(SetKit("gm"))
    rig.run(6.0)
    return rig, changed_us + 20_000


def test_the_pedal_is_told_before_each_stroke_once() -> None:
    rig, changed_us = played()
    known = load_kit(KIT).pedal
    assert known is not None
    moved_us, moves, strokes, since_stroke, places = float("-inf"), 0, 0, 0, set()
    for at_us, message in rig.sent:
        if message[0] & 0xF0 == 0xB0 and message[1] == PEDAL:
            assert at_us <= changed_us
            moved_us, moves, since_stroke = at_us, moves + 1, since_stroke + 1
            places.add(message[2])
        elif message[0] & 0xF0 == 0x90 and message[1] in HATS and at_us < changed_us:
            strokes += 1
            assert since_stroke <= 1, "at most one move a stroke"
            assert at_us - moved_us >= LEAD_MIN_MS * 1e3 - SLACK_US
            if since_stroke:
                assert at_us - moved_us <= LEAD_MAX_MS * 1e3 + SLACK_US
            since_stroke = 0
    assert moves > 60
    assert strokes >= moves
    assert len(places) > 10, "the hat is open by degrees"
    assert min(places) >= min(known.shut, known.open)
    assert max(places) <= max(known.shut, known.open)


def test_a_kit_of_plain_notes_hears_of_no_pedal() -> None:
    rig, changed_us = played()
    later = [message for at_us, message in rig.sent if at_us > changed_us]
    assert {message[0] & 0xF0 for message in later} == {0x80, 0x90}
    notes = {message[1] for message in later if message[0] & 0xF0 == 0x90}
    assert notes & {42, 44, 46}
    assert notes.isdisjoint({22, 26})
