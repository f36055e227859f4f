"""Which kits have been played: each is announced once, before the first hit of it."""

from __future__ import annotations

from dataclasses import replace

from liveengine.music.kit import KitMap
from liveengine.music.kit_book import KitBook
from liveengine.planning.events import Effect, KitPlayed


class KitsPlayed:
    """Finds the kits that are played, and tells of each as an event. Owned by the planner."""

    def __init__(self, kits: KitBook, effects: list[Effect]) -> None:
        """Begin with none; events are appended to `effects`."""
        self._kits, self._effects = kits, effects
        self._announced: dict[str, list[KitMap]] = {}

    def of(self, name: str | None) -> KitMap:
        """Return the kit of a name, which is about to be played; None is the one that it began with.

        One that has been changed since it was played is announced as `NAME (2)`, and so on: what was played
        before is still of the kit that it was played on.
        """
        kit = self._kits.of(name)
        announced = self._announced.setdefault(kit.name, [])
        if kit not in announced:
            announced.append(kit)
            self._effects.append(KitPlayed(self._labelled(kit)))
        return self._labelled(kit)

    def _labelled(self, kit: KitMap) -> KitMap:
        version = self._announced[kit.name].index(kit)
        return replace(kit, name=f"{kit.name} ({version + 1})") if version else kit
