"""Rehearsals: the next bar in the styles that are likely to be switched to, made before anybody asks."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from liveengine.music.control import ControlState
from liveengine.music.request import BarReply, BarRequest
from liveengine.music.style import StyleBook
from liveengine.planning.bar_builder import BarConditions, BarSpec

REHEARSED_STYLES = 3
LEFT_KEPT = 2
"""Styles that were left last and may be gone back to."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A bar as it would be with another spec."""

    spec: BarSpec
    request: BarRequest
    reply: BarReply


class Rehearsals:
    """What has been rehearsed for the bar that plays and the next. Used by the engine's thread."""

    def __init__(self, styles: StyleBook) -> None:
        """Begin with nothing."""
        self._styles = styles
        self._left: deque[str] = deque(maxlen=LEFT_KEPT)
        self._last_style = ""
        self._asked: dict[int, tuple[BarSpec, BarRequest]] = {}
        self._done: list[Rehearsed] = []
        self._asked_for: tuple[int, int] | None = None

    def neighbours(self, controls: ControlState) -> list[ControlState]:
        """Return the controls with other styles: those left last, the blend's, and the next in the book."""
        if controls.style != self._last_style:
            if self._last_style:
                self._left.appendleft(self._last_style)
            self._last_style = controls.style
        styles = self._styles.styles
        place = styles.index(self._styles.find(controls.style))
        beside = [styles[(place + 1) % len(styles)].name, styles[place - 1].name]
        likely = [*self._left, *([controls.blend_style] if controls.blend_style else []), *beside]
        names = [name for name in dict.fromkeys(likely) if name != controls.style]
        return [replace(controls, style=name) for name in names[:REHEARSED_STYLES]]

    def wanted(self, index: int, revision: int) -> bool:
        """Tell whether a bar is still to be rehearsed under the controls as they are; says yes once."""
        asked_for, self._asked_for = self._asked_for, (index, revision)
        return asked_for != self._asked_for

    def forget(self) -> None:
        """Let nothing be rehearsed: what was is of no use any more."""
        self._asked, self._done, self._asked_for = {}, [], None

    def ask(self, current: int, specs: Sequence[tuple[BarSpec, BarRequest]]) -> None:
        """Take note of what was asked to be rehearsed while bar `current` plays."""
        self._asked = {request.serial: (spec, request) for spec, request in specs}
        self._done = [each for each in self._done if each.request.index >= current]

    def take(self, reply: BarReply) -> bool:
        """Keep a bar that was rehearsed; tell whether it was one."""
        asked = self._asked.pop(reply.serial, None)
        if asked is not None:
            self._done.append(Rehearsed(*asked, reply))
        return asked is not None

    def of(self, index: int, asking: BarConditions) -> Rehearsed | None:
        """Return what was rehearsed for a bar if it was asked to be just this."""
        for each in reversed(self._done):
            request = each.request
            made_from = BarConditions(request.conditioning, request.temperature, request.borrowing)
            if request.index == index and made_from == asking:
                return each
        return None
