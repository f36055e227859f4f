"""Scenes as they are played: the book of them, the way from one to another, and the walk through a set."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from liveengine.errors import UnknownNameError
from liveengine.music.control import ControlState, StateCommand, apply
from liveengine.music.scene import Scene, SetEntry, SetList, between, scene_key
from liveengine.music.style import spelling

BEATS_AHEAD = 1.0
"""What needs new bars is asked for this long before the bar line that it is to be heard from."""


class SceneBook:
    """Scenes by name, in any spelling, and by program number. Used by the engine's thread."""

    def __init__(self, scenes: Iterable[Scene] = ()) -> None:
        """Keep scenes; of two with one name or number the later is meant."""
        self._scenes: dict[str, Scene] = {}
        for scene in scenes:
            self.put(scene)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all scenes."""
        return tuple(scene.name for scene in self._scenes.values())

    def put(self, scene: Scene) -> Scene | None:
        """Keep a scene; return the one that had its program number, which has none now."""
        known = self._scenes.pop(scene_key(scene.name), None)
        if known is not None and scene.program is None:
            scene = replace(scene, program=known.program)
        before = self.of_program(scene.program) if scene.program is not None else None
        if before is not None:
            before = replace(before, program=None)
            self._scenes[scene_key(before.name)] = before
        self._scenes[scene_key(scene.name)] = scene
        return before

    def find(self, name: str) -> Scene:
        """Return the scene of any spelling of a name. Raises UnknownNameError with all of them otherwise."""
        scene = self._scenes.get(spelling(name))
        if scene is None:
            raise UnknownNameError(f"scene {name!r} is unknown; all: {', '.join(self.names) or 'none yet'}")
        return scene

    def of_program(self, number: int) -> Scene | None:
        """Return the scene that a Program Change recalls."""
        return next((scene for scene in self._scenes.values() if scene.program == number), None)


@dataclass(frozen=True, slots=True)
class Morph:
    """The way of the controls from `begin` to `end` between two beats, over so many bars of so many beats.

    It ends where bar `end_bar` begins.
    """

    begin: ControlState
    end: ControlState
    begin_beat: float
    end_beat: float
    bar_beats: float
    end_bar: int

    def at(self, beat: float) -> ControlState:
        """Return the controls at a beat; they move with whole beats, what needs new bars with bar lines."""
        length = self.end_beat - self.begin_beat
        if beat >= self.end_beat:
            return self.end
        share = max(0.0, beat - self.begin_beat) // 1 / length
        bars = max(1, round(length / self.bar_beats))
        to_go = -((beat + BEATS_AHEAD - self.end_beat) // self.bar_beats)
        return between(self.begin, self.end, min(share, 1 - 1e-9), max(0.0, min(1.0, 1 - to_go / bars)))

    def moved(self, beats: float) -> Morph:
        """Return the way as it lies after a jump of the beat."""
        return replace(self, begin_beat=self.begin_beat + beats, end_beat=self.end_beat + beats)

    def with_override(self, command: StateCommand) -> Morph:
        """Return the way with a control kept where a player has put it."""
        return replace(self, begin=apply(self.begin, command), end=apply(self.end, command))


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a set is: scene `place` (from 1) of `count`, since `bars` bars.

    The next comes with bar `next_bar`, from 1, or as `next_when` says.
    """

    title: str
    place: int
    count: int
    scene: str
    bars: int
    next_scene: str
    next_bar: int | None
    next_when: str


class SetListPlayer:
    """The way through a set. Used by the engine's thread."""

    def __init__(self, set_list: SetList) -> None:
        """Begin with the first scene."""
        self._list = set_list
        self._place = 0
        self._begun_bar = 0
        self._coming: tuple[int, int] | None = None

    @property
    def first(self) -> Scene:
        """The scene that the set begins with."""
        return self._list.entries[0].scene

    def coming(self) -> tuple[SetEntry, int] | None:
        """Return the entry that comes next, and its bar (from 0); None where it waits for its marker."""
        if self._coming is not None:
            return self._list.entries[self._coming[0]], self._coming[1]
        following = self._following()
        if following is None:
            return None
        if following.bar is not None:
            return following, max(following.bar - 1, self._begun_bar)
        return (following, self._begun_bar + following.after) if following.after is not None else None

    def _following(self) -> SetEntry | None:
        place = self._place + 1
        return self._list.entries[place] if place < len(self._list.entries) else None

    def call(self, bar: int, marker: str | None = None) -> SetEntry:
        """Let the next entry, or the next of a marker, come with a bar.

        Raises UnknownNameError for a marker that the set does not have, and at the end of the set.
        """
        entries = self._list.entries
        places: list[int] = [
            *range(self._place + 1, len(entries)),
            *(range(self._place + 1) if marker else ()),
        ]
        for place in places:
            known = entries[place].marker
            if marker is None or (known is not None and spelling(known) == spelling(marker)):
                self._coming = (place, bar)
                return entries[place]
        if marker is None:
            raise UnknownNameError(f"next_scene: the set {self._list.title} is at its last scene")
        markers = ", ".join(each.marker for each in entries if each.marker) or "none"
        raise UnknownNameError(f"marker {marker!r} is unknown; the set {self._list.title} has: {markers}")

    def put_off(self, bar: int) -> int:
        """Let what was to come by now come with a later bar; return that."""
        self._coming = (self._coming[0] if self._coming else self._place + 1, bar)
        return bar

    def begin(self, bar: int) -> None:
        """Take note that what was coming has come with a bar."""
        self._place = self._coming[0] if self._coming else self._place + 1
        self._coming = None
        self._begun_bar = bar

    def progress(self, bar: int) -> Progress:
        """Return where the set is while a bar plays."""
        entry, coming = self._list.entries[self._place], self.coming()
        following = coming[0] if coming else self._following()
        when = ""
        if following is not None and coming is None:
            when = f"at marker {following.marker}" if following.marker else "when called"
        return Progress(
            self._list.title,
            self._place + 1,
            len(self._list.entries),
            entry.scene.name,
            max(0, bar - self._begun_bar),
            following.scene.name if following else "",
            coming[1] + 1 if coming else None,
            when,
        )
