"""MIDI learn: which knob or pad was touched, and how it speaks."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from liveengine.engine.parameter_numbers import DataEntry
from liveengine.music.control import ACTIONS, TOGGLES
from liveengine.music.control_map import FINE_PAIR, MOST_CONTROLLER, Binding

TOUCHED_S = 0.7
"""How long a knob that is being learned is watched: its first steps tell how it speaks."""
TOUCHES_MOST = 48
GIVEN_UP_S = 20.0
BANK_SELECT = (0, 32)
"""MIDI 1.0: both halves come before a Program Change, and choose nothing by themselves."""
PARAMETER_NUMBERS = {98: "NRPN", 99: "NRPN", 100: "RPN", 101: "RPN"}
DATA_ENTRY = (6, 38, 96, 97)
"""MIDI 1.0: the value of the parameter whose number came before."""


class Touches:
    """The messages of a knob or pad that is being learned, until enough is known of it."""

    def __init__(self, control: str, now_s: float) -> None:
        """Wait for a touch from now on."""
        self.control = control
        self._begun_s = now_s
        self._first_s: float | None = None
        self._note: int | None = None
        self._values: list[tuple[int, int]] = []
        self._nrpn: int | None = None
        self._has_program = False

    def take(self, message: Sequence[int], now_s: float, entry: DataEntry | None = None) -> bool:
        """Note a message of what is touched, and what it says of an NRPN; return whether it was one."""
        kind = message[0] & 0xF0
        if entry is not None and self._nrpn is None:
            self._nrpn = entry.nrpn
        if kind == 0xC0:
            self._has_program = True
        elif kind == 0x90 and message[2]:
            self._note = message[1] if self._note is None else self._note
        elif kind == 0xB0 and message[1] <= MOST_CONTROLLER:
            self._values.append((message[1], message[2]))
        else:  # a pad that was struck before is let go
            return kind in (0x80, 0x90)
        if self._first_s is None:
            self._first_s = now_s
        return kind != 0xC0

    def over(self, now_s: float) -> bool:
        """Return whether enough was heard, or nothing for too long."""
        if self._first_s is None:
            return now_s > self._begun_s + GIVEN_UP_S
        return now_s > self._first_s + TOUCHED_S or len(self._values) > TOUCHES_MOST

    def binding(self) -> Binding | str:
        """Return what was touched, on all channels, bound to the control; or why nothing can be bound.

        A pad that sends a note and controllers is known by its note, a knob that sends an NRPN and a
        controller of its own by the controller.
        """
        if self._note is not None:
            return Binding("note", self._note, self.control)
        heard = {number for number, _ in self._values}
        spoken = self._not_for_binding(heard)
        left = [(number, value) for number, value in self._values if number not in spoken]
        if not left and self._nrpn is not None:
            return Binding("nrpn", self._nrpn, self.control)
        if not left:
            return self._refusal(heard)
        number = left[0][0]
        lower = number - FINE_PAIR if number - FINE_PAIR in heard - spoken else number
        if lower < FINE_PAIR and lower + FINE_PAIR in heard - spoken:
            return Binding("cc", lower, self.control, "fine")
        if self.control in TOGGLES or self.control in ACTIONS:
            return Binding("cc", number, self.control)
        return Binding("cc", number, self.control, encoding_of([v for n, v in left if n == number]))

    def _not_for_binding(self, heard: set[int]) -> set[int]:
        """Return the controllers that belong to something else than a knob: they come with many of them."""
        numbers = heard & set(PARAMETER_NUMBERS)
        spoken = numbers | (set(DATA_ENTRY) if numbers or self._nrpn is not None else set())
        return spoken | (set(BANK_SELECT) if self._has_program else set())

    def _refusal(self, heard: set[int]) -> str:
        for number in sorted(heard & set(PARAMETER_NUMBERS)):
            kind, upper = PARAMETER_NUMBERS[number], number | 1
            halves = dict(self._values)
            which = halves.get(upper, 0) * 128 + halves.get(upper - 1, 0)
            return (
                f"{self.control}: expected a controller, a note or an NRPN's value, got {kind} {which} "
                f"(CC {upper}, {upper - 1}, 6 and 38 say its number and value): let it send a CC of its own"
            )
        if self._has_program:
            return (
                f"{self.control}: expected a controller or a note, got a Program Change"
                f"{' with its bank' if heard else ''}, which chooses styles and scenes"
            )
        return f"no knob was touched for {self.control}"


def encoding_of(values: Sequence[int]) -> str:
    """Return how a knob speaks whose values these are: one without ends says the same again and again.

    Steps are never 0, and do not go through one value after the other, as a slow fader does that says each
    twice.
    """
    repeats = sum(before == after for before, after in itertools.pairwise(values))
    if len(values) < 3 or repeats < (len(values) - 1) / 2 or 0 in values or _goes_through(values):
        return "absolute"
    right, left = {value < 32 for value in values} == {True}, any(value >= 96 for value in values)
    if all(48 <= value <= 80 and value != 64 for value in values):
        return "relative_offset"
    if all(value < 32 or 64 < value <= 80 for value in values) and not right:
        return "relative_sign"
    return (
        "relative_twos"
        if right or (left and all(value < 32 or value >= 96 for value in values))
        else "absolute"
    )


def _goes_through(values: Sequence[int]) -> bool:
    """Return whether values go one way, through three or more."""
    moves = [after - before for before, after in itertools.pairwise(values) if after != before]
    return len(moves) >= 2 and (all(move > 0 for move in moves) or all(move < 0 for move in moves))
