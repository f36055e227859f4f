"""The kits that a performance can play on: the one it began with, and those it may be switched to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from liveengine.errors import UnknownNameError
from liveengine.music.kit import KitMap
from liveengine.music.style import spelling


class KitBook:
    """Kits by name, in their order. One thread puts kits into it; any may read it."""

    def __init__(self, first: KitMap, others: Iterable[KitMap] = ()) -> None:
        """Keep kits; `first` is played until another is asked for, and takes the place of its name."""
        self.first = first
        self._kits = {kit.name: kit for kit in others}
        self._kits[first.name] = first

    def put(self, kit: KitMap) -> None:
        """Add a kit at the end, or in the place of the one of its name."""
        if kit.name == self.first.name:
            self.first = kit
        self._kits = {**self._kits, kit.name: kit}

    def __iter__(self) -> Iterator[KitMap]:
        """Yield the kits in their order."""
        return iter(self._kits.values())

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all kits, in the order in which a controller selects them."""
        return tuple(self._kits)

    def of(self, name: str | None) -> KitMap:
        """Return the kit of a name; None is the first."""
        return self.first if name is None else self.find(name)

    def find(self, name: str) -> KitMap:
        """Return the kit of any spelling of its name or title; raises UnknownNameError with all otherwise."""
        if name in self._kits:
            return self._kits[name]
        for kit in self._kits.values():
            if spelling(name) in {spelling(kit.name), spelling(kit.title)} - {""}:
                return kit
        raise UnknownNameError(f"kit {name!r} is unknown; all: {', '.join(self._kits)}")
