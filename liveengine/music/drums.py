"""Drum voices, and the General MIDI notes they come from."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from liveengine.errors import ContractError


class Voice(IntEnum):
    """The fourteen voices of the model; the value is the index used in tokens."""

    KICK = 0
    SNARE = 1
    SNARE_RIM = 2
    RIM = 3
    CLOSED_HAT = 4
    PEDAL_HAT = 5
    OPEN_HAT = 6
    HIGH_TOM = 7
    MID_TOM = 8
    LOW_TOM = 9
    CRASH = 10
    CRASH_2 = 11
    RIDE = 12
    BELL = 13

    @property
    def label(self) -> str:
        """Name as it is written in configs and shown to players."""
        return self.name.lower()


VOICE_COUNT = len(Voice)
GROUPS: Mapping[str, tuple[Voice, ...]] = {
    "crash": (Voice.CRASH, Voice.CRASH_2),
    "ride": (Voice.RIDE, Voice.BELL),
    "open_hat": (Voice.OPEN_HAT,),
    "hat": (Voice.CLOSED_HAT, Voice.PEDAL_HAT),
    "toms": (Voice.HIGH_TOM, Voice.MID_TOM, Voice.LOW_TOM),
    "rim": (Voice.RIM,),
    "snare": (Voice.SNARE, Voice.SNARE_RIM),
    "kick": (Voice.KICK,),
}
"""What a player sees and mutes as one drum, from the top of a kit to its bottom."""
GROUP_PLACE: Mapping[str, int] = {group: place for place, group in enumerate(GROUPS)}
GROUP_OF: Mapping[Voice, str] = {voice: name for name, voices in GROUPS.items() for voice in voices}


def voice_named(name: str, where: str) -> Voice:
    """Return the voice written `name` (any case).

    Raises ContractError listing the voices otherwise.
    """
    try:
        return Voice[name.upper()]
    except KeyError:
        voices = ", ".join(voice.label for voice in Voice)
        raise ContractError(f"{where}: expected a drum voice ({voices}), got {name!r}") from None


PITCH_TO_VOICE: Mapping[int, Voice] = {
    # The 22 pitches of the Groove MIDI Dataset (Roland TD-11; Gillick et al. 2019, table of drum mappings).
    36: Voice.KICK,
    38: Voice.SNARE,
    40: Voice.SNARE_RIM,
    37: Voice.RIM,
    42: Voice.CLOSED_HAT,
    22: Voice.CLOSED_HAT,
    44: Voice.PEDAL_HAT,
    46: Voice.OPEN_HAT,
    26: Voice.OPEN_HAT,
    48: Voice.HIGH_TOM,
    50: Voice.HIGH_TOM,
    45: Voice.MID_TOM,
    47: Voice.MID_TOM,
    43: Voice.LOW_TOM,
    58: Voice.LOW_TOM,
    49: Voice.CRASH,
    55: Voice.CRASH,
    52: Voice.CRASH_2,
    57: Voice.CRASH_2,
    51: Voice.RIDE,
    59: Voice.RIDE,
    53: Voice.BELL,
    # The rest of General MIDI level 1 percussion that has a near neighbour on a drum kit.
    35: Voice.KICK,
    39: Voice.SNARE_RIM,
    41: Voice.LOW_TOM,
    54: Voice.CLOSED_HAT,
    56: Voice.BELL,
    69: Voice.CLOSED_HAT,
    70: Voice.CLOSED_HAT,
    75: Voice.RIM,
    76: Voice.RIM,
    77: Voice.RIM,
}

GENERAL_MIDI_NOTES: Mapping[Voice, int] = {
    Voice.KICK: 36,
    Voice.SNARE: 38,
    Voice.SNARE_RIM: 40,
    Voice.RIM: 37,
    Voice.CLOSED_HAT: 42,
    Voice.PEDAL_HAT: 44,
    Voice.OPEN_HAT: 46,
    Voice.HIGH_TOM: 50,
    Voice.MID_TOM: 47,
    Voice.LOW_TOM: 43,
    Voice.CRASH: 49,
    Voice.CRASH_2: 57,
    Voice.RIDE: 51,
    Voice.BELL: 53,
}
