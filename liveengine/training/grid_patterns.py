"""What collections of patterns on a grid share: bars whose velocities move a little, and which are held out.

What such collections teach is which drum comes where and how loud. Their timing is a grid, not playing, and
every take read from one says so (`Take.grid_bound`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping

from liveengine.music.beats import Meter
from liveengine.music.drums import Voice
from liveengine.music.pattern import Bar, Hit
from liveengine.tokens.tokenizer import bars_of_notes

TAKE_BARS = 8
VELOCITY_JITTER = 4
"""Most that a written velocity is moved, up or down, each time it is played."""
VALIDATION_EVERY = 10
"""Every so many takes of a genre or file, one is for validation."""
VOICE_OF_NUMBER: Mapping[int, Voice] = {voice.value: voice for voice in Voice}

Hits = tuple[Hit, ...]
Note = tuple[float, int, int]
"""Beat, number of the voice, velocity."""


def jittered_bar(meter: Meter, hits: Iterable[Hit], rng: random.Random) -> Bar:
    """Return a bar with velocities moved a little; a voice struck twice at once sounds once, the louder.

    A closed hat at the moment of an open one is left out: it is the same pair of cymbals.
    """
    loudest: dict[tuple[int, int, Voice], int] = {}
    for hit in hits:
        place = (hit.step, hit.micro, hit.voice)
        loudest[place] = max(loudest.get(place, 0), hit.velocity)
    return Bar(
        meter,
        tuple(
            sorted(
                Hit(step, voice, micro, _moved(velocity, rng))
                for (step, micro, voice), velocity in loudest.items()
                if voice is not Voice.CLOSED_HAT or (step, micro, Voice.OPEN_HAT) not in loudest
            )
        ),
    )


def _moved(velocity: float, rng: random.Random) -> int:
    return min(127, max(1, round(velocity) + rng.randint(-VELOCITY_JITTER, VELOCITY_JITTER)))


def split_of(number: int) -> str:
    """Return the split of a take by its number."""
    return "validation" if number % VALIDATION_EVERY == VALIDATION_EVERY - 1 else "train"


def hits_per_bar(notes: Iterable[Note], meter: Meter, bars: int) -> tuple[Hits, ...]:
    """Return the hits of each bar, empty bars at the end included."""
    found = [bar.hits for bar in bars_of_notes(notes, [(0.0, meter)], VOICE_OF_NUMBER)]
    return tuple(found[:bars] + [()] * (bars - len(found)))
