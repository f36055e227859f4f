"""Kits over HTTP: what each plays, a stroke by hand, the next note that is struck, and one that is saved."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from pydantic import BaseModel, Field

from liveengine.config.kit_files import KitTakenError, is_own, kit_fields, save_kit
from liveengine.engine.note_learning import NoteLearning, StruckNote
from liveengine.httpserver.documentation import answer_example
from liveengine.httpserver.problems import Problem, problem
from liveengine.httpserver.values import WHOLE, Switch
from liveengine.music.control import SetKit
from liveengine.music.kit import NEAREST, Articulation, KitMap
from liveengine.music.kit_book import KitBook
from liveengine.music.kit_commands import STRUCK_VELOCITY, AddKit, StrikePad, articulation_named
from liveengine.web.app import PREFIX, Post, Said, apply_command

NOTE_WAIT_S = 20.0
"""How long the next note is waited for."""
MidiNote = Annotated[int, Field(ge=0, le=127), WHOLE]
StruckVelocity = Annotated[int, Field(ge=1, le=127), WHOLE]
Title = Annotated[str, Path(max_length=64)]
REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such kit."},
    409: {"model": Problem, "description": "A kit of this name exists, and `replace` is not set."},
    422: {"model": Problem, "description": "A field cannot be as it is; the detail names it."},
}


class KitCard(BaseModel):
    """A kit in the list of all."""

    name: str
    title: str
    own: bool = Field(description="Whether it is a file of the player's own.")


class SoundView(BaseModel):
    """What an articulation is struck by: one note, or several, chosen by `by`."""

    articulation: str
    notes: list[int] = Field(description="None where the kit has no note for it.")
    by: str = Field(description="turn, velocity or openness.")
    channel: int
    nearest: str | None = Field(description="What stands for it where it has no note; null: it needs one.")


class KitView(KitCard):
    """All of a kit: what it plays, and what its file says, which is what a changed one begins from."""

    sounds: list[SoundView]
    fields: dict[str, Any]


class Stroke(BaseModel):
    """One stroke by hand."""

    articulation: str = Field(max_length=64)
    velocity: StruckVelocity = STRUCK_VELOCITY
    note: MidiNote | None = Field(None, description="In the place of the kit's own.")


class NextNote(BaseModel):
    """The note that was struck; all null where none was in time."""

    channel: int | None
    note: int | None
    velocity: int | None


class SavingKit(BaseModel):
    """A kit to be kept, as in a file."""

    fields: dict[str, Any] = Field(description="The fields of a kit file; `title` is the name without one.")
    replace: Switch = Field(default=False, description="Whether a kit of this name may be replaced.")
    use: Switch = Field(default=True, description="Whether it is played from the next note on.")


class KitSaved(BaseModel):
    """A kit that was kept."""

    name: str
    file: str
    replaced: bool
    used: bool


class KitApi:
    """The calls. All of it runs on the engine's event loop; files are written on a thread beside it."""

    def __init__(self, post: Post, kits: KitBook, notes: NoteLearning) -> None:
        """Speak for an engine that can play on `kits` and hears `notes` on its control port."""
        self._post, self._kits, self._notes = post, kits, notes
        self._saving = asyncio.Lock()

    async def read_kits(self) -> list[KitCard]:
        """Return all kits."""
        return [_card(kit) for kit in self._kits]

    async def read_kit(self, name: Title) -> KitView:
        """Return what a kit plays, and what its file says."""
        kit = self._kits.find(name)
        fields = await asyncio.to_thread(kit_fields, kit)
        sounds = [_sound(kit, each) for each in Articulation]
        return KitView(**_card(kit).model_dump(), sounds=sounds, fields=fields)

    async def strike(self, stroke: Stroke) -> Said:
        """Strike the kit that is played once, at once; it is no part of the performance."""
        struck = articulation_named(stroke.articulation)
        await apply_command(self._post, StrikePad(struck, stroke.velocity, stroke.note))
        return Said(obeyed="strike")

    async def next_note(self, request: Request) -> NextNote:
        """Wait for the next note on the control port, which then turns nothing; give up with the caller."""
        heard: asyncio.Future[StruckNote] = asyncio.get_running_loop().create_future()
        gone = asyncio.create_task(_gone(request))
        with self._notes.waiting(heard.set_result):
            waited: set[asyncio.Future[Any]] = {heard, gone}
            await asyncio.wait(waited, timeout=NOTE_WAIT_S, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not heard.done():
            return NextNote(channel=None, note=None, velocity=None)
        struck = heard.result()
        return NextNote(channel=struck.channel, note=struck.note, velocity=struck.velocity)

    async def save(self, name: Title, saving: SavingKit) -> KitSaved:
        """Keep a kit as a file of the player's own, checked as any kit file, and play on it at once."""
        async with self._saving:
            saved = await asyncio.to_thread(save_kit, name, saving.fields, replaces=saving.replace)
            await apply_command(self._post, AddKit(saved.kit))
            if saving.use:
                await apply_command(self._post, SetKit(saved.kit.name))
        path = saved.path
        return KitSaved(
            name=saved.kit.name,
            file=f"{path.parent.name}/{path.name}",
            replaced=saved.replaced,
            used=saving.use,
        )


async def _gone(request: Request) -> None:
    """Return once the caller has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _card(kit: KitMap) -> KitCard:
    return KitCard(name=kit.name, title=kit.title or kit.name, own=is_own(kit.name))


def _sound(kit: KitMap, articulation: Articulation) -> SoundView:
    sound = kit.sounds.get(articulation)
    own_channel = sound.channel if sound else None
    return SoundView(
        articulation=articulation,
        notes=list(sound.notes) if sound else [],
        by=sound.by if sound else "turn",
        channel=kit.channel if own_channel is None else own_channel,
        nearest=NEAREST.get(articulation),
    )


MINE = {"name": "mine", "title": "Mine", "own": True}
SNARE = {"articulation": "snare", "notes": [40], "by": "turn", "channel": 10, "nearest": None}
SAVED = {"name": "mine", "file": "kits/mine.yaml", "replaced": False, "used": True}


def add_kits(app: FastAPI, post: Post, kits: KitBook, notes: NoteLearning) -> None:
    """Add the calls to an engine's app."""
    api = KitApi(post, kits, notes)
    app.add_exception_handler(KitTakenError, lambda _, error: problem(409, str(error)))
    for method, path, call, example, refusals in (
        ("GET", "/kits", api.read_kits, [MINE], ()),
        (
            "GET",
            "/kits/{name}",
            api.read_kit,
            {**MINE, "sounds": [SNARE], "fields": {"title": "Mine", "like": "gm", "notes": {"snare": 40}}},
            (404,),
        ),
        ("PUT", "/kits/{name}", api.save, SAVED, (409, 422)),
        ("POST", "/strokes", api.strike, {"obeyed": "strike"}, (422,)),
        ("POST", "/next-note", api.next_note, {"channel": 10, "note": 40, "velocity": 96}, ()),
    ):
        responses = answer_example(example)
        responses.update((status, REFUSED[status]) for status in refusals)
        app.add_api_route(PREFIX + path, call, methods=[method], responses=responses)
