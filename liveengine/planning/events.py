"""What the conductor tells the rest of the engine: requests, orders to the player, and events to record."""

from __future__ import annotations

from dataclasses import dataclass

from liveengine.listening.listener import Heard
from liveengine.listening.notes import HeardNote
from liveengine.listening.reaction import Reaction
from liveengine.music.kit import KitMap
from liveengine.music.request import BarRequest
from liveengine.music.scene import Scene
from liveengine.planning.horizon import PlannedBar
from liveengine.playback.messages import PlayerMessage


@dataclass(frozen=True, slots=True)
class AskBar:
    """Put a request to the bar source."""

    request: BarRequest


@dataclass(frozen=True, slots=True)
class AskRehearsal:
    """Have bars made in idle time that may be wanted."""

    requests: tuple[BarRequest, ...]


@dataclass(frozen=True, slots=True)
class TellPlayer:
    """Give the player an order."""

    message: PlayerMessage


@dataclass(frozen=True, slots=True)
class ShareTransport:
    """Tell the session that it plays, or stands still."""

    playing: bool


@dataclass(frozen=True, slots=True)
class MoveTempo:
    """Move the tempo or the beat by hand, or change the clock: `TEMPO_MOVES`, `CLOCK_CHANGES`."""

    at_us: float
    move: str


@dataclass(frozen=True, slots=True)
class CaptureBars:
    """Keep the last bars as a MIDI file."""

    at_us: float
    bars: int


@dataclass(frozen=True, slots=True)
class KeepScene:
    """Keep a scene for later performances."""

    scene: Scene


@dataclass(frozen=True, slots=True)
class BarEnded:
    """A bar has been played; `start_beat` is the session beat of its bar line."""

    start_beat: float
    planned: PlannedBar


@dataclass(frozen=True, slots=True)
class KitPlayed:
    """Hits of this kit are among those that come: once for each kit, before the first of them."""

    kit: KitMap


@dataclass(frozen=True, slots=True)
class BarsPlanned:
    """These bars, or the rest of the first, are the player's now."""

    bars: tuple[PlannedBar, ...]


@dataclass(frozen=True, slots=True)
class BarDecoded:
    """A bar, or the rest of one from `step` on, was taken into the plan, which is heard from `from_us` on.

    `planned` is the whole bar as it is planned now, `request` what was decoded; `replanned` tells whether it
    takes the place of an older plan and is heard: the rest of a bar may be silent.
    """

    at_us: float
    from_us: float
    step: int
    start_beat: float
    planned: PlannedBar
    request: BarRequest
    replanned: bool


@dataclass(frozen=True, slots=True)
class ControlMoved:
    """A control took a new value."""

    at_us: float
    name: str
    value: str | float | bool | None


@dataclass(frozen=True, slots=True)
class TempoChanged:
    """The session's tempo, at the start, at each change, and where the beat has jumped.

    `beat` is the session beat of the change, after the jump if there was one.
    """

    at_us: float
    bpm: float
    beat: float
    jumped: bool = False


@dataclass(frozen=True, slots=True)
class HeardOnset:
    """A note that was heard: `beats` after the bar line of bar 0, the bar and sixteenth it belongs to."""

    beats: float
    bar: int
    step: int
    note: HeardNote


@dataclass(frozen=True, slots=True)
class PlayersHeard:
    """What was heard until a moment while bar `bar` played, what was understood, and what comes of it."""

    at_us: float
    bar: int
    onsets: tuple[HeardOnset, ...]
    heard: Heard
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class TransportChanged:
    """The session started or stopped."""

    at_us: float
    playing: bool


@dataclass(frozen=True, slots=True)
class PeersChanged:
    """Another number of other peers is in the session."""

    at_us: float
    count: int


Effect = (
    AskBar
    | AskRehearsal
    | TellPlayer
    | ShareTransport
    | MoveTempo
    | CaptureBars
    | KeepScene
    | BarDecoded
    | BarsPlanned
    | KitPlayed
    | BarEnded
    | ControlMoved
    | TempoChanged
    | PlayersHeard
    | TransportChanged
    | PeersChanged
)
