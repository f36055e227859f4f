"""What does not change while a conductor plays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from liveengine.music.personality import Personality
from liveengine.music.request import GUIDED, Guidance


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """What does not change while playing. A bar not there `cover_ms` before its first hit is covered.

    A conductor who `waits` begins with the session, not by himself. `drummers` are whose personalities there
    are, by name.
    """

    quantum_beats: float
    seed: int
    lookahead_bars: int = 2
    cover_ms: float = 60.0
    guidance: Guidance = GUIDED
    waits: bool = False
    drummers: Mapping[str, Personality] = field(default_factory=dict)
