"""Parameters by number (MIDI 1.0): controllers that choose an NRPN, and those that then say its value."""

from __future__ import annotations

from dataclasses import dataclass

NRPN_COARSE, NRPN_FINE = 99, 98
RPN_COARSE, RPN_FINE = 101, 100
DATA_COARSE, DATA_FINE = 6, 38
INCREMENT, DECREMENT = 96, 97
NONE = 127
"""Both halves of this choose nothing."""


@dataclass(frozen=True, slots=True)
class DataEntry:
    """What was said of an NRPN, 0-16383: a half of its value, or that it goes up or down by a step."""

    nrpn: int
    value: int
    is_fine: bool = False
    is_step: bool = False


@dataclass(slots=True)
class _Chosen:
    coarse: int | None = None
    fine: int | None = None

    def number(self) -> int | None:
        if self.coarse is None or self.fine is None or self.coarse == self.fine == NONE:
            return None
        return self.coarse * 128 + self.fine


class ParameterNumbers:
    """Remembers which NRPN each channel has chosen. Used by the engine's thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._chosen: dict[int, _Chosen] = {}

    def take(self, controller: int, value: int, channel: int) -> DataEntry | None:
        """Take a controller; return what it says of the chosen NRPN, None where it says nothing of one.

        An RPN chosen since takes the data to itself.
        """
        if controller in (RPN_COARSE, RPN_FINE):
            self._chosen.pop(channel, None)
            return None
        if controller in (NRPN_COARSE, NRPN_FINE):
            chosen = self._chosen.setdefault(channel, _Chosen())
            if controller == NRPN_COARSE:
                chosen.coarse = value
            else:
                chosen.fine = value
            return None
        number = self._chosen[channel].number() if channel in self._chosen else None
        if number is None:
            return None
        if controller in (DATA_COARSE, DATA_FINE):
            return DataEntry(number, value, is_fine=controller == DATA_FINE)
        if controller in (INCREMENT, DECREMENT):
            return DataEntry(number, 1 if controller == INCREMENT else -1, is_step=True)
        return None
