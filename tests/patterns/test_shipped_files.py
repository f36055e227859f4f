"""The files of the three producers with the weights that ship: one seed gives the same notes on every machine."""

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
    "j_dilla": "",
    "metro_boomin": "",
    "questlove": "",
}
"""SHA-256 of (ticks since the last event, status, note, velocity), a line an event. They are the same whatever
vector instructions a processor has (compiled for AVX-512, AVX2 and without any); new weights, a new card or a
change of feel make them anew, on purpose."""


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
