"""What the engine says to the player process, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from liveengine.music.beats import BeatMap
from liveengine.music.kit import PedalMove, Strike


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a hit comes from, for the record: the style, the decode that wrote it, what gave it its feel.

    `place` is its place among the hits of the groove with the serial `groove`; `line_beat` is the session
    beat of its bar line. It is `drawn` where a player has put it there by hand.
    """

    style: str = ""
    decode_id: int = 0
    groove: int = 0
    place: int = 0
    line_beat: float = 0.0
    drawn: bool = False


UNKNOWN = Provenance()
NO_CONTROLLER = 255


@dataclass(frozen=True, slots=True)
class PlannedHit:
    """A stroke with its address: `beat` in the session, `offset_ms` that does not scale with tempo.

    `bar` and `step` tell which part of the plan it belongs to, wherever feel moves it. `serial` is given back
    in the report. `level` is what its velocity was taken by; `provenance` stays in the engine.

    `voice` is what it strikes, whatever note the kit has for it, `kit` the kit's name. `channel` counts from
    1; a `length_ms` of 0 is the player's own. It ends what sounds of its `choke` group; 0 is none. Where
    `controller` is not `NO_CONTROLLER`, that goes to `pedal` no later than the stroke, and `lead_ms` before
    it if it can.
    """

    serial: int
    bar: int
    step: int
    beat: float
    offset_ms: float
    note: int
    velocity: int
    level: float = 1.0
    provenance: Provenance = UNKNOWN
    voice: int = 0
    channel: int = 10
    length_ms: float = 0.0
    choke: int = 0
    controller: int = NO_CONTROLLER
    pedal: int = 0
    lead_ms: float = 0.0
    kit: str = ""

    @property
    def strike(self) -> Strike:
        """What it is on its kit."""
        moves = self.controller != NO_CONTROLLER
        return Strike(
            self.note,
            self.velocity,
            self.channel,
            self.length_ms or None,
            self.choke,
            PedalMove(self.controller, self.pedal, self.lead_ms) if moves else None,
        )


def planned_hit(strike: Strike, **where: Any) -> PlannedHit:
    """Return what a stroke is on a kit, with its address and what else is known of it."""
    pedal = strike.pedal or PedalMove(NO_CONTROLLER, 0, 0.0)
    return PlannedHit(
        note=strike.note,
        velocity=strike.velocity,
        channel=strike.channel,
        length_ms=strike.length_ms or 0.0,
        choke=strike.choke,
        controller=pedal.controller,
        pedal=pedal.value,
        lead_ms=pedal.lead_ms,
        **where,
    )


@dataclass(frozen=True, slots=True)
class SetMap:
    """A new beat map takes hold."""

    beat_map: BeatMap


@dataclass(frozen=True, slots=True)
class SetLatency:
    """Send everything this much earlier (positive) or later (negative)."""

    latency_ms: float


@dataclass(frozen=True, slots=True)
class Replace:
    """From (bar, step) on, these hits are the plan; what was pending there is forgotten.

    What has been struck already is not struck again, unless `again`: after a jump back of the beat. Hits that
    were due up to `at_once_ms` ago are struck at once: a plan made while it plays may begin with early ones.
    """

    bar: int
    step: int
    hits: tuple[PlannedHit, ...]
    again: bool = False
    at_once_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Clear:
    """Forget all pending hits and end every sounding note."""


@dataclass(frozen=True, slots=True)
class AllOff:
    """End every one of these (channel, note) now, and all that sounds; what is pending stays."""

    keys: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class StrikeNow:
    """Strike once, at once. It is of no bar, and nothing is reported of it; its note ends as others do."""

    strike: Strike


@dataclass(frozen=True, slots=True)
class StartSong:
    """MIDI clock runs from session beat `beat` on, which is beat `song_beats` of the song."""

    beat: float
    song_beats: float


@dataclass(frozen=True, slots=True)
class StopSong:
    """MIDI clock's song stands still."""


PlayerMessage = SetMap | SetLatency | Replace | Clear | AllOff | StrikeNow | StartSong | StopSong


class Outcome(IntEnum):
    """What became of a hit: sent, or dropped for being more than `late_drop_ms` late."""

    SENT = 0
    DROPPED_LATE = 1
    """The player itself came too late to it."""
    DROPPED_TEMPO = 2
    """A change of tempo or beat put its moment into the past."""
    DROPPED_PLAN = 3
    """It was planned too late."""
    NOT_AGAIN = 4
    """A plan named a hit that had been struck already."""
    DROPPED_PORT = 5
    """There was no port, or the MIDI system went before it had taken it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a hit: when it was due and when it was sent, in Link's microseconds.

    `latency_ms` is the compensation that was in force, `level` and `velocity` how loud it was struck: what is
    turned while a report is on its way does not change what sounded.
    """

    outcome: Outcome
    serial: int
    due_us: float
    sent_us: float
    latency_ms: float = 0.0
    level: float = 1.0
    velocity: int = 0
