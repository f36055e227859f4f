"""A bar source without a model: the same bar again and again, for clicks and for measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liveengine.music.beats import Meter
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest, LostRequest


class FixedBarSource:
    """Answers each request at once with the hits that a meter is given. Used by the engine's thread."""

    def __init__(self, hits: Callable[[Meter], tuple[Hit, ...]]) -> None:
        """Begin with nothing asked; `hits` are those of a bar."""
        self._hits = hits
        self._reply: BarReply | None = None

    def request(self, request: BarRequest) -> None:
        """Make the bar."""
        self._reply = BarReply(request.serial, Bar(request.meter, self._hits(request.meter)), 0, 0.0)

    def poll(self) -> BarReply | None:
        """Return the bar that was asked for, once."""
        reply, self._reply = self._reply, None
        return reply

    def rehearse(self, requests: Sequence[BarRequest]) -> None:
        """Do nothing: bars are there at once."""

    def ready(self) -> bool:
        """There is nothing to load."""
        return True

    def lost(self) -> LostRequest | None:
        """Nothing is lost here."""
        return None

    def notices(self) -> list[str]:
        """Nothing goes wrong here."""
        return []

    def trouble(self) -> str:
        """All is well here."""
        return ""

    def fileno(self) -> int | None:
        """Answers are there at once."""
        return None

    def close(self) -> None:
        """There is nothing to end."""
