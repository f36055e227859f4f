"""What the stage page and the engine say to each other, as one schema for both ends.

The page's types are made from it: `tools/stage types` after a change, and a new VERSION where an older page
would misread its messages. Moments are microseconds of Link's clock, beats quarter notes of the session.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from liveengine.web.controls import Control, Value

VERSION = 1
"""A page that was made for another version says so and loads itself anew."""


class Message(BaseModel):
    """What is said at once; fields that nobody knows are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


# --- from the engine ---------------------------------------------------------------------------


class VoiceCard(Message):
    """A voice of the model: the drum that it belongs to, and the note that strikes it."""

    name: str
    drum: str
    note: int


class StyleCard(Message):
    """A style as it can be chosen."""

    name: str
    title: str
    family: str = Field(description="What it is grouped with: one of the families of styles.")
    low_bpm: float
    high_bpm: float


class PortCard(Message):
    """Where the notes go: the MIDI system and port, empty where there is none."""

    backend: str
    name: str
    control: str
    system: str = Field(description="linux, darwin or win32: which instructions fit.")
    cure: str = Field(description="What brings a MIDI system where there is none.")


class Welcome(Message):
    """The first message: what does not change while the engine plays."""

    type: Literal["welcome"] = "welcome"
    version: int
    engine: str
    drums: list[str] = Field(description="From the top of a kit to its bottom.")
    voices: list[VoiceCard] = Field(description="In the order of their numbers.")
    styles: list[StyleCard]
    controls: list[Control]
    port: PortCard


class Pong(Message):
    """The engine's clock, for a page that has asked."""

    type: Literal["pong"] = "pong"
    sent_ms: float = Field(description="As the page has sent it.")
    at_us: float


class MeterFrom(Message):
    """The meter of a bar and those after it: beats are quarter notes, steps sixteenths."""

    bar: int
    meter: str
    beats: float
    steps: int


class TimeMap(Message):
    """Where beats lie in time, `beat` at `time_us`, and bars on beats, `origin_bar` at `origin_beat`."""

    type: Literal["time"] = "time"
    time_us: float
    beat: float
    bpm: float
    origin_beat: float
    origin_bar: int
    meters: list[MeterFrom] = Field(description="The first is that of `origin_bar`.")
    sounding: bool


class HitView(Message):
    """A stroke: it sounds `offset_ms` after `beat`, which counts from the bar line. Velocity 0 is muted."""

    serial: int
    step: int
    voice: int
    beat: float
    offset_ms: float
    velocity: int
    openness: float | None = Field(description="How open a hi-hat is, 0-1; null is as its voice says.")
    drawn: bool = Field(description="Whether it was drawn by hand.")


class StrokeView(Message):
    """A cell drawn by hand: velocity 0 keeps it silent, and `keep` makes it so in every bar from here on."""

    step: int
    voice: int
    velocity: int
    keep: bool


class StyleShare(Message):
    """A style that a bar is made of, and how much of the bar is of it, 0-1."""

    style: str
    share: float


class BarView(Message):
    """A bar of the plan; from `stale_from` on it plays only if nothing newer comes in time."""

    index: int
    style: str = Field(description="Of two that are blended, the nearer one.")
    blend: list[StyleShare] = Field(description="The styles that it is blended of; none for one alone.")
    fallback: bool
    stale_from: int | None
    made_ms: float | None
    hits: list[HitView]
    drawing: list[StrokeView] = Field(description="All that is drawn by hand in it, sounding or silent.")


class Plan(Message):
    """The bar that plays and those beyond: all that are known, and those that have changed."""

    type: Literal["plan"] = "plan"
    current: int
    known: list[int]
    bars: list[BarView]


class Controls(Message):
    """Every control by its name; `own` is what the style says where a control leaves it to that."""

    type: Literal["controls"] = "controls"
    values: dict[str, Value]
    own: dict[str, float | None]
    wished_style: str = Field(description="The style asked for, of two that are blended the nearer one.")
    scenes: list[str]
    kits: list[str] = Field(description="The names that `kit` takes.")


class SetView(Message):
    """Where a set is: scene `place` of `count`, and the next, with bar `next_bar` or as `next_when` says."""

    title: str
    place: int
    count: int
    scene: str
    bars: int
    next_scene: str
    next_bar: int | None
    next_when: str


class Capture(Message):
    """Bars that were kept as a file, which can be fetched by its name."""

    name: str
    bars: int


class GestureView(Message):
    """What a gesture of a switch does."""

    how: str
    does: str


class PedalView(Message):
    """A foot switch or pad, and what each of its gestures does."""

    name: str
    gestures: list[GestureView]


class Live(Message):
    """How it goes."""

    type: Literal["live"] = "live"
    sounded_style: str = Field(description="The style of the last note that was sent.")
    peers: int
    source: str = Field(description="Whose time it is, and how evenly its clock comes.")
    pedals: list[PedalView] = Field(description="Switches whose gestures do something.")
    heard: bool | None = Field(description="Whether somebody listens at the port; null if unknown.")
    commit_ms: float
    looped_bars: int
    ending: int | None = Field(description="The bar of its last hit, while it is to end.")
    learning: str | None = Field(description="The control that waits for a knob.")
    notice: str
    set: SetView | None
    captures: list[Capture] = Field(description="The last ones, the newest at the end.")


class Making(Message):
    """How long a bar took, and how long it was allowed to take, ms."""

    bar: int
    waited_ms: float | None
    allowed_ms: float | None
    late: bool


class Proof(Message):
    """How well time is kept. Lateness of the last notes: counts in bins of `bin_ms`, the last one open."""

    type: Literal["proof"] = "proof"
    notes: int
    bars: int
    late_bars: int
    dropped: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    most_ms: float
    bin_ms: float
    bins: list[int]
    making: list[Making]
    made_by: dict[str, int] = Field(description="Bars by who made them, where other machines do.")


class OnsetView(Message):
    """A note of another player, `offset` sixteenths after a step of a bar."""

    bar: int
    step: int
    offset: float = Field(description="-0.5 to 0.5, later positive.")
    velocity: int
    instrument: str = Field(description="bass, guitar, keys or drums.")


class Onsets(Message):
    """What the other players have struck since the last such message, in this bar and the one before."""

    type: Literal["onsets"] = "onsets"
    onsets: list[OnsetView]


class Reason(Message):
    """What the drummer takes from the other players: what it moves, by how much, and for which figure."""

    moves: str = Field(description="accents, density, energy, pocket, fill, thin or rest.")
    amount: float
    why: str


class Players(Message):
    """What is understood of the other players in bar `bar`, and what comes of it."""

    type: Literal["players"] = "players"
    bar: int
    activity: float = Field(description="How busy they are, 0-1.")
    loudness: float = Field(description="How loud they are, 0-1.")
    riff_bars: int = Field(description="The length of the riff that is repeated; 0 without one.")
    silent_bars: int = Field(description="Bars since the last note.")
    phrase_place: int = Field(description="The bar of the phrase, from 1.")
    phrase_length: int
    phrase_known: bool = Field(description="Whether the length was heard, rather than guessed.")
    pushes_ms: dict[str, float] = Field(description="How far each instrument plays behind the beat.")
    similarity: float = Field(description="How alike the last bar was to what was expected, 0-1.")
    reasons: list[Reason]


class Answer(Message):
    """What became of a command: `wrong` is null where it was applied."""

    type: Literal["answer"] = "answer"
    id: int | None
    wrong: str | None


ToPage = Annotated[
    Welcome | Pong | TimeMap | Plan | Controls | Live | Proof | Onsets | Players | Answer,
    Field(discriminator="type"),
]

# --- from the page -----------------------------------------------------------------------------


class Ping(Message):
    """A question for the engine's clock."""

    type: Literal["ping"]
    sent_ms: float = Field(allow_inf_nan=False)


class Turn(Message):
    """A control, an action, or what `named_command` takes, with its values.

    `draw` takes bar, step, voice, velocity and whether to keep it; `erase` takes bar, step and voice.
    """

    type: Literal["turn"]
    id: int
    name: str = Field(max_length=64)
    values: list[Value] = Field(max_length=5)


class Tap(Message):
    """A rhythm is tapped on the page: a note for the drummer to hear."""

    type: Literal["tap"]
    velocity: int = Field(ge=1, le=127)
    at_us: float | None = Field(
        allow_inf_nan=False, description="When, by the engine's clock; null where the page does not know it."
    )


ToEngine = Annotated[Ping | Turn | Tap, Field(discriminator="type")]
FROM_PAGE: TypeAdapter[Ping | Turn | Tap] = TypeAdapter(ToEngine)


def schema() -> dict[str, Any]:
    """Return both directions as one JSON Schema."""

    class Messages(BaseModel):
        """The messages of the stage page, by direction."""

        version: int
        to_page: ToPage
        to_engine: ToEngine

    made = Messages.model_json_schema(mode="serialization")
    made["properties"]["version"] = {"const": VERSION}
    for name, union in (("to_page", "ToPage"), ("to_engine", "ToEngine")):
        made["$defs"][union] = made["properties"][name]
        made["properties"][name] = {"$ref": f"#/$defs/{union}"}
    return {"title": "Messages", **_plain(made)}


def _plain(part: Any) -> Any:
    """Return a schema in which every field is there, as it is when written, and none is a type of its own."""
    if isinstance(part, list):
        return [_plain(each) for each in part]
    if not isinstance(part, dict):
        return part
    named = {
        name: {each: _plain(field) for each, field in value.items()}
        if name in ("properties", "$defs")
        else _plain(value)
        for name, value in part.items()
        if name != "title"
    }
    return {**named, "required": list(named["properties"])} if "properties" in named else named


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))  # noqa: T201 - for tools/stage
