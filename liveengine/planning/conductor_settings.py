"""What does not change while a conductor plays."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.music.request import GUIDED, Guidance


@dataclass(frozen=True, slots=True)
class ConductorSettings:
    """What does not change while playing. A bar not there `cover_ms` before its first hit is covered.

    A conductor who `waits` begins with the session, not by himself.
    """

    quantum_beats: float
    seed: int
    lookahead_bars: int = 2
    cover_ms: float = 60.0
    guidance: Guidance = GUIDED
    waits: bool = False
