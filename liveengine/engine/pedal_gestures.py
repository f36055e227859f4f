"""What a foot does with a switch: taps, double taps, holds. Pure: time comes from outside, in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liveengine.music.control_map import GestureBinding, GestureCommand

BOUNCE_S = 0.02
"""Contacts that move again within this are bouncing. Chosen: switches bounce for some milliseconds, and no
foot comes down twice in twenty."""
DOUBLE_S = 0.3
"""A second tap that begins this long after the first makes it a double one. Chosen: as touch screens have it
(Android's double tap), comfortable for a foot, and half a beat at 100 bpm for a tap that has to wait."""
HOLD_S = 0.5
"""Down for this long is a hold. Chosen: the long press of touch screens (iOS); a foot taps in less than half
of it."""
LONG_S = 1.5
"""Down for this long is a long hold. Chosen: a second after the hold, so that nobody slips into it, and
shorter than the two seconds after which looper pedals erase a track."""

Key = tuple[str, int, int]
"""Which switch: "cc" or "note", its number, and the channel it is heard on."""


@dataclass(slots=True)
class _Press:
    """One time that a switch goes down; `open` are the gestures that can still come of it."""

    gestures: Mapping[str, GestureCommand]
    down_s: float
    open: set[str]
    up_s: float | None = None

    def is_up(self, now_s: float) -> bool:
        """Tell whether it is released for good: not while its contacts bounce on the way down."""
        return self.up_s is not None and now_s >= self.down_s + BOUNCE_S

    def bounces(self, now_s: float) -> bool:
        """Tell whether going down again now is the same press."""
        return self.up_s is None or not self.is_up(now_s) or now_s < self.up_s + BOUNCE_S

    def is_over(self, now_s: float) -> bool:
        """Tell whether nothing that comes later has to do with it."""
        return not self.open and self.is_up(now_s) and not self.bounces(now_s)

    def passed(self, now_s: float) -> list[str]:
        """Return the gestures that it has become by now, each once."""
        become: list[str] = []
        is_up = self.is_up(now_s)
        down_for_s = (self.up_s if is_up and self.up_s is not None else now_s) - self.down_s
        if now_s - self.down_s >= DOUBLE_S:
            self.open.discard("double")
        if is_up and down_for_s < HOLD_S:
            self.open -= {"hold", "long"}
        if self.open == {"tap"}:  # nothing else can come of it
            self._take("tap", become)
        if down_for_s >= HOLD_S:
            self.open -= {"tap", "double"}
            self._take("hold", become)
        if down_for_s >= LONG_S:
            self._take("long", become)
        if is_up and down_for_s >= HOLD_S:
            self.open.clear()
        return become

    def _take(self, how: str, become: list[str]) -> None:
        if how in self.open:
            self.open.discard(how)
            become.append(how)


class PedalGestures:
    """Follows switches, and tells what their gestures do, each as soon as nothing else can be meant.

    A tap acts when the switch goes down where no other gesture is bound; on release where a hold is bound;
    once no second one can follow where a double tap is bound. A double tap acts with the second press, a hold
    while the switch is still down; a long hold comes on top of a hold.
    """

    def __init__(self) -> None:
        """Begin with every switch up."""
        self._presses: dict[Key, _Press] = {}
        self._due: list[GestureCommand] = []

    def moved(self, key: Key, binding: GestureBinding, is_down: bool, now_s: float) -> None:
        """Note where a switch is; `due` tells what comes of it."""
        press = self._presses.get(key)
        if press is not None:
            self._pass(press, now_s)
        if not is_down:
            if press is not None and press.up_s is None:
                press.up_s = now_s
                self._pass(press, now_s)
            return
        if press is not None and press.bounces(now_s):
            if not press.is_up(now_s):
                press.up_s = None
            return
        gestures = dict(binding.gestures)
        second = press is not None and "double" in press.open
        self._presses[key] = fresh = _Press(gestures, now_s, set() if second else set(gestures))
        if second:
            self._due.append(gestures["double"])
        self._pass(fresh, now_s)

    def due(self, now_s: float) -> list[GestureCommand]:
        """Return what is to be done by now, in order, each thing once."""
        for key, press in list(self._presses.items()):
            self._pass(press, now_s)
            if press.is_over(now_s):
                del self._presses[key]
        due, self._due = self._due, []
        return due

    def forget(self) -> None:
        """Take every switch for up, and drop what was begun."""
        self._presses.clear()
        self._due.clear()

    def _pass(self, press: _Press, now_s: float) -> None:
        self._due += [press.gestures[how] for how in press.passed(now_s)]
