"""Which kits have been played: each is told once, before the first hit of it."""

from __future__ import annotations

from liveengine.music.kit import KitMap
from liveengine.music.kit_book import KitBook
from liveengine.planning.events import Effect, KitPlayed


class KitsPlayed:
    """Finds the kits that are played, and tells of each as an event. Owned by the planner."""

    def __init__(self, kits: KitBook, effects: list[Effect]) -> None:
        """Begin with none; events are appended to `effects`."""
        self._kits, self._effects = kits, effects
        self._told: set[str] = set()

    def of(self, name: str | None) -> KitMap:
        """Return the kit of a name, which is about to be played; None is the one that it began with."""
        kit = self._kits.of(name)
        if kit.name not in self._told:
            self._told.add(kit.name)
            self._effects.append(KitPlayed(kit))
        return kit
