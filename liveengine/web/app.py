"""The HTTP interface of a running engine: every control by its name, state, scenes, MIDI learn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path
from pydantic import BaseModel, Field

from liveengine.errors import LiveEngineError, UnknownNameError
from liveengine.httpserver.documentation import answer_example, described_app
from liveengine.httpserver.problems import Problem, tell_problems
from liveengine.httpserver.values import WHOLE, Switch
from liveengine.music.control import ACTIONS, Command, SetKit
from liveengine.music.kit_book import KitBook
from liveengine.music.named import DRAWN_VELOCITY, named_command
from liveengine.music.style import StyleBook
from liveengine.web.controls import TURNABLE, Control, Value, all_controls

PREFIX = "/api/v1/live"
Post = Callable[[Command, Callable[[LiveEngineError | None], None]], None]
"""Takes a command, and calls back with what is wrong with it, or None."""
Name = Annotated[str, Path(max_length=64)]
State = Callable[[], Mapping[str, Value]]
Scenes = Callable[[], tuple[str, ...]]
REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such control, style, kit, scene or marker."},
    422: {"model": Problem, "description": "The value cannot be."},
}


SWING = {"name": "swing_percent", "kind": "number", "low": 50.0, "high": 75.0, "choices": None, "value": 62.0}
"""A control as it is described."""


Program = Annotated[int, Field(ge=0, le=127), WHOLE]
Velocity = Annotated[int, Field(ge=0, le=127), WHOLE]
MorphBars = Annotated[int, Field(ge=0, le=64), WHOLE]


class NewValue(BaseModel):
    """A value for a control."""

    value: Value = Field(description="A number in the control's range, true or false, or a name.")


class Saving(BaseModel):
    """How a scene is to be kept."""

    program: Program | None = Field(None, description="The Program Change that recalls it.")


class Recalling(BaseModel):
    """How a scene is to come."""

    bars: MorphBars = Field(0, description="Bars to morph over; 0 is at once.")


class Learning(BaseModel):
    """What the next knob or pad is for."""

    control: str | None = Field(None, description="A control's name; none gives up waiting.")


class Drawn(BaseModel):
    """A stroke that is drawn by hand."""

    velocity: Velocity = Field(default=DRAWN_VELOCITY, description="0 keeps the voice silent there.")
    keep: Switch = Field(default=False, description="Whether it is so in every bar from there on.")


class Said(BaseModel):
    """A command was applied."""

    obeyed: str


async def apply_command(post: Post, command: Command) -> None:
    """Post a command and wait until it was applied; raises what was wrong with it."""
    answered: asyncio.Future[LiveEngineError | None] = asyncio.get_running_loop().create_future()
    post(command, answered.set_result)
    refused = await answered
    if refused is not None:
        raise refused


class LiveApi:
    """The calls. All of it runs on the engine's event loop; commands go through the one inbox."""

    def __init__(
        self, styles: StyleBook, post: Post, state: State, scenes: Scenes, kits: KitBook | None = None
    ) -> None:
        """Speak for an engine that can play on `kits`."""
        self._styles, self._post, self._state, self._scenes = styles, post, state, scenes
        self._kits = kits

    async def _handle(self, name: str, *values: object) -> Said:
        command = named_command(name, values, self._styles)
        if command is not None:
            await apply_command(self._post, command)
        return Said(obeyed=name)

    async def read_state(self) -> dict[str, Value]:
        """Return every control by its name, how it goes, and where the music is."""
        return dict(self._state())

    async def read_controls(self) -> list[Control]:
        """Return all controls: what they take, and how they are turned."""
        return all_controls(self._state(), self._styles, self._kits.names if self._kits else ())

    async def turn(self, name: Name, new: NewValue) -> Said:
        """Turn one control."""
        return await self._handle(_known(name, TURNABLE, "control"), new.value)

    async def turn_several(
        self, values: Annotated[dict[str, Value], Body(examples=[{"style": "J Dilla", "density": 0.6}])]
    ) -> Said:
        """Turn several controls together: all of it is right, or nothing is turned."""
        for name, value in values.items():
            command = named_command(_known(name, TURNABLE, "control"), [value], self._styles)
            if isinstance(command, SetKit) and self._kits is not None:
                self._kits.of(command.name)
        for name, value in values.items():
            await self._handle(name, value)
        return Said(obeyed=", ".join(values))

    async def act(self, name: Name) -> Said:
        """Do something once: fill, break, lock_4, undo, capture_16 ..."""
        return await self._handle(_known(name, ACTIONS, "action"))

    async def reseed(self, new: NewValue) -> Said:
        """Throw other dice."""
        return await self._handle("seed", new.value)

    async def draw(self, bar: int, step: int, voice: Name, drawn: Drawn | None = None) -> Said:
        """Put a stroke into a step of a bar that is still to come, both counted from 0, or silence it."""
        drawn = drawn or Drawn()
        return await self._handle("draw", bar, step, voice, drawn.velocity, drawn.keep)

    async def erase(self, bar: int, step: int, voice: Name) -> Said:
        """Leave a step to the model again where a voice was drawn; one kept in every bar from there on."""
        return await self._handle("erase", bar, step, voice)

    async def read_scenes(self) -> list[str]:
        """Return the names of all scenes."""
        return list(self._scenes())

    async def save(self, name: Name, saving: Saving | None = None) -> Said:
        """Keep the controls as they are, under a name."""
        program = saving.program if saving else None
        return await self._handle("save_scene", name, *([] if program is None else [program]))

    async def recall(self, name: Name, recalling: Recalling | None = None) -> Said:
        """Turn to a scene, over some bars if asked."""
        return await self._handle("scene", name, recalling.bars if recalling else 0)

    async def mark(self, name: Name) -> Said:
        """A place of the song has come that the set list waits for."""
        return await self._handle("marker", name)

    async def learn(self, learning: Learning) -> Said:
        """Bind the next knob or pad that is touched to a control."""
        return await self._handle("learn_midi", *([learning.control] if learning.control else []))


def make_app(
    styles: StyleBook, post: Post, state: State, scenes: Scenes, kits: KitBook | None = None
) -> FastAPI:
    """Return the app of an engine, with its OpenAPI under `/api/v1/live/docs`."""
    app = described_app(PREFIX, "A drummer that plays: every control by its name, its state, its scenes.")
    tell_problems(app)
    api = LiveApi(styles, post, state, scenes, kits)
    for method, path, call, example in (
        ("GET", "/state", api.read_state, {"style": "j_dilla", "density": 0.6, "bar": 12, "bpm": 92.0}),
        ("GET", "/controls", api.read_controls, [SWING]),
        ("POST", "/controls", api.turn_several, "style, density"),
        ("PUT", "/controls/{name}", api.turn, "density"),
        ("POST", "/actions/{name}", api.act, "fill"),
        ("PUT", "/seed", api.reseed, "seed"),
        ("PUT", "/drawing/{bar}/{step}/{voice}", api.draw, "draw"),
        ("DELETE", "/drawing/{bar}/{step}/{voice}", api.erase, "erase"),
        ("GET", "/scenes", api.read_scenes, ["verse", "chorus"]),
        ("PUT", "/scenes/{name}", api.save, "save_scene"),
        ("POST", "/scenes/{name}/recall", api.recall, "scene"),
        ("POST", "/markers/{name}", api.mark, "marker"),
        ("POST", "/midi-learn", api.learn, "learn_midi"),
    ):
        answer = Said(obeyed=example).model_dump() if isinstance(example, str) else example
        refused = {} if method == "GET" else REFUSED
        app.add_api_route(
            PREFIX + path, call, methods=[method], responses={**answer_example(answer), **refused}
        )
    return app


def _known(name: str, names: tuple[str, ...], what: str) -> str:
    if name not in names:
        raise UnknownNameError(f"{what} {name!r} is unknown; all: {', '.join(names)}")
    return name
