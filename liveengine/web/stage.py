"""The stage page's side of the engine: one WebSocket, the page itself, and takes to be fetched."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from importlib.resources import files
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Query, Response, WebSocket, WebSocketDisconnect
from pydantic import ValidationError
from starlette.staticfiles import StaticFiles
from starlette.types import Message as AsgiMessage
from starlette.types import Receive, Scope, Send

from liveengine.engine.session import Session
from liveengine.errors import LiveEngineError, UnknownNameError
from liveengine.listening.notes import NOTE_OFF, NOTE_ON
from liveengine.music.named import named_command
from liveengine.web import messages
from liveengine.web.app import PREFIX
from liveengine.web.feed import ClientCursor, StageFeed

PAGES_MOST = 64
"""More open pages than any stage has; another is asked to try again."""
ANSWERS_MOST = 256
"""A page that asks and does not read loses its oldest answers."""
TRY_AGAIN = 1013
"""WebSocket close code, of the registry that RFC 6455 set up."""
TAP_CHANNEL, TAP_NOTE = 16, 60
"""What is tapped on a page is heard as this note: middle C of a channel that players rarely use."""
TAP_LATE_US = 500_000.0
"""No network that one can play over brings a tap later; what a page says beyond it is not believed."""
MIDI = "audio/midi"
BUILT = "built"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
"""The page loads nothing from elsewhere, and no other page can frame it to steal clicks."""


class Page:
    """One open page. Runs on the engine's event loop; a page that does not read waits for itself alone."""

    def __init__(self, socket: WebSocket, session: Session, feed: StageFeed) -> None:
        """Speak with a page by its socket."""
        self._socket, self._session, self._feed = socket, session, feed
        self._stirred = asyncio.Event()
        self._answers: deque[messages.Message] = deque(maxlen=ANSWERS_MOST)

    async def serve(self) -> None:
        """Send the page what is new and apply its commands until it goes."""
        await self._say(self._feed.welcome())
        self._feed.open(self._stirred.set)
        speaking = asyncio.create_task(self._speak())
        try:
            while (message := await self._socket.receive())["type"] == "websocket.receive":
                self._hear(message.get("text"))
        finally:
            self._feed.close(self._stirred.set)
            speaking.cancel()
            with contextlib.suppress(asyncio.CancelledError, WebSocketDisconnect):
                await speaking

    async def _speak(self) -> None:
        cursor = ClientCursor()
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            while self._answers:
                await self._say(self._answers.popleft())
            for message in self._feed.changes_since(cursor):
                await self._say(message)

    async def _say(self, message: messages.Message) -> None:
        await self._socket.send_text(message.model_dump_json())

    def _hear(self, text: str | None) -> None:
        if text is None:
            self._answer(None, "message: expected text, got bytes")
            return
        try:
            heard = messages.FROM_PAGE.validate_json(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "message"
            self._answer(None, f"{where}: {first['msg']}, got {text[:80]!r}")
            return
        if isinstance(heard, messages.Ping):
            self._put(messages.Pong(sent_ms=heard.sent_ms, at_us=self._session.timeline.now_us()))
            return
        if isinstance(heard, messages.Tap):
            self._tap(heard)
            return
        try:
            command = named_command(heard.name, heard.values, self._session.conductor.styles)
        except LiveEngineError as error:
            self._answer(heard.id, str(error))
            return
        if command is None:
            self._answer(heard.id, None)
        else:
            self._session.post(
                command, lambda refused: self._answer(heard.id, None if refused is None else str(refused))
            )

    def _tap(self, tap: messages.Tap) -> None:
        """Let the session hear a note, struck when it was tapped: it has not come by the listening port."""
        now_us = self._session.timeline.now_us()
        at_us = now_us if tap.at_us is None else max(now_us - TAP_LATE_US, min(now_us, tap.at_us))
        ears = self._session.ears
        for kind, velocity in ((NOTE_ON, tap.velocity), (NOTE_OFF, 0)):
            ears.hear((kind | TAP_CHANNEL - 1, TAP_NOTE, velocity), at_us + ears.latency_ms * 1e3)

    def _answer(self, asked: int | None, wrong: str | None) -> None:
        self._put(messages.Answer(id=asked, wrong=wrong))

    def _put(self, message: messages.Message) -> None:
        self._answers.append(message)
        self._stirred.set()


class StageFiles(StaticFiles):
    """The built page, with headers that keep it to itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a file of the page."""

        async def send_kept(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                kept = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *kept]}
            await send(message)

        await super().__call__(scope, receive, send_kept)


def add_stage(app: FastAPI, session: Session, feed: StageFeed) -> None:
    """Add the page, its socket and takes to an engine's app."""
    pages: set[Page] = set()

    async def stage(socket: WebSocket) -> None:
        await socket.accept()
        if len(pages) >= PAGES_MOST:
            await socket.close(TRY_AGAIN, f"expected at most {PAGES_MOST} pages at once")
            return
        page = Page(socket, session, feed)
        pages.add(page)
        try:
            await page.serve()
        finally:
            pages.discard(page)

    async def take(
        bars: Annotated[int | None, Query(ge=1, le=64, description="The last bars; else all kept.")] = None,
    ) -> Response:
        """Return what was played as a MIDI file: all of a take that is kept, or the last bars."""
        tape = session.record.tape.copy()
        content = await asyncio.to_thread(lambda: tape.take(bars).to_bytes())
        return _midi_file(content, "liveengine-take.mid")

    async def capture(name: str) -> Response:
        """Return a capture of this performance."""
        known = {path.name: path for path, _ in session.record.captures}
        if name not in known:
            raise UnknownNameError(f"capture {name!r} is unknown; all: {', '.join(known) or 'none yet'}")
        try:
            content = await asyncio.to_thread(known[name].read_bytes)
        except OSError as error:
            raise UnknownNameError(f"capture {name!r} is not there any more: {error.strerror}") from error
        return _midi_file(content, name)

    app.add_api_websocket_route(f"{PREFIX}/stage", stage)
    app.add_api_route(f"{PREFIX}/take.mid", take, methods=["GET"], response_class=Response)
    app.add_api_route(f"{PREFIX}/captures/{{name}}", capture, methods=["GET"], response_class=Response)
    app.mount("/", StageFiles(directory=built_page(), html=True))


def built_page() -> Path:
    """Return the folder of the built page."""
    return Path(str(files("liveengine.web") / BUILT))


def _midi_file(content: bytes, name: str) -> Response:
    return Response(
        content, media_type=MIDI, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )
