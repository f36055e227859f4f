"""What the shipped weights write for the three producers: a seed gives the same notes on every machine."""

from __future__ import annotations

import hashlib
import io

import mido
import pytest

from liveengine.config.settings import default_checkpoint
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest

SEED, BARS = 11, 8
NOTES = {
    "j_dilla": "d580e766c3151a82f7e5fcfd2f882d83a80135bedc8f670b8089acfa64bbf8f5",
    "metro_boomin": "2a771318cbe60a2b331f4bc80a85d4a50fcc6cd237051a3fb0bb1b9a1c40b70f",
    "questlove": "fab262c0ad37d6a385ff8e570da49e79ce6bd89e7db4c3083d9960cfc40c23ca",
}
"""SHA-256 of ticks since the last event, status, note, velocity, a line an event. They were the same compiled
for AVX-512, for AVX2 and without either. New weights, a new card or another feel change them, on purpose."""


@pytest.fixture(scope="module")
def renderer() -> PatternRenderer:
    return PatternRenderer(default_checkpoint(), "cpu", lanes=1)


@pytest.mark.parametrize("style", NOTES)
def test_a_seed_gives_the_notes_that_it_gave_before(renderer: PatternRenderer, style: str) -> None:
    (pattern,) = renderer.make([PatternRequest(style, seed=SEED, bars=BARS)])
    file = mido.MidiFile(file=io.BytesIO(pattern.take().to_bytes()))
    events = [
        f"{message.time} {message.type} {message.note} {message.velocity}\n"
        for message in file.tracks[1]
        if message.type in {"note_on", "note_off"}
    ]
    assert hashlib.sha256("".join(events).encode()).hexdigest() == NOTES[style]
