"""What an assistant may do with the drummer, as tools of the Model Context Protocol.

Each tool is a command of the stage page, sent to an engine that plays, or makes a file. The official Python
SDK speaks the protocol; it is the extra `liveengine[mcp]`.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

import liveengine
from liveengine.app.engine_client import EngineClient
from liveengine.config.settings import load_all_styles
from liveengine.config.user_files import free_path
from liveengine.errors import ConfigError, LiveEngineError
from liveengine.httpserver.connections import server_config
from liveengine.httpserver.security import Guard, is_loopback
from liveengine.httpserver.sockets import bound_socket
from liveengine.music.beats import read_meter
from liveengine.music.control import ACTIONS
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import PatternRequest

KEPT = "kept: "
"""How the engine begins to say where a capture is."""
CAPTURE_S = 15.0
LOOK_S = 0.1
PLAIN_NAME = re.compile(r"[\w -]{1,64}")
INSTRUCTIONS = """
liveengine is a drummer that plays in real time. Read get_state first. Styles are chosen by name: list_styles
has them. Numbers from 0 to 1 such as density (few notes to many), energy (soft to loud), variation and
humanize go to set_controls, several at once; list_controls says what each takes. A change is heard from the
next beat. What happens once (a fill, a break, an ending) is perform. capture keeps the last bars that were
played as a MIDI file; generate_pattern makes a new file without touching what plays. No file is overwritten.
""".strip()
READS = ToolAnnotations(read_only_hint=True)
TURNS = ToolAnnotations(destructive_hint=False)
Value = str | float | bool | None
Made = TypeVar("Made")
Level = Annotated[float | None, Field(ge=0, le=1)]


class StyleFacts(BaseModel):
    """A style as it can be chosen."""

    name: str
    title: str
    family: str
    low_bpm: float
    high_bpm: float


class MadeFile(BaseModel):
    """A MIDI file that was made."""

    path: str
    bars: int
    seed: int = Field(description="Makes the same file again.")


@dataclass(slots=True)
class Tools:
    """The tools. The engine and the model are asked on threads; patterns are made one by one."""

    engine: EngineClient
    folder: Path
    checkpoint: Path | None = None
    _renderer: PatternRenderer | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    async def get_state(self) -> dict[str, Any]:
        """Read every control by its name, and how the music goes: tempo (bpm), bar, whether it plays."""
        return dict(await _aside(lambda: self.engine.get("state")))

    async def list_styles(
        self,
        family: Annotated[str | None, Field(description="Only this family, such as hip-hop.")] = None,
    ) -> list[StyleFacts]:
        """List the styles that the drummer can play: name, title, family, and the tempo range that suits."""
        styles, _ = load_all_styles()
        found = [
            StyleFacts(
                name=each.name,
                title=each.title,
                family=each.family,
                low_bpm=each.tempo_bpm[0],
                high_bpm=each.tempo_bpm[1],
            )
            for each in styles.styles
            if family is None or each.family.casefold() == family.casefold()
        ]
        if not found:
            families = sorted({each.family for each in styles.styles})
            raise ToolError(f"family: expected one of {', '.join(families)}; got {family!r}")
        return found

    async def list_controls(self) -> list[dict[str, Any]]:
        """List every control: its kind, range or choices, and its value now. Actions are for perform."""
        return list(await _aside(lambda: self.engine.get("controls")))

    async def set_controls(
        self,
        values: Annotated[
            dict[str, Value],
            Field(description='By name, such as {"style": "j_dilla", "density": 0.4, "mute_kick": true}.'),
        ],
    ) -> str:
        """Turn controls, all together or, if one is wrong, none. Heard from the next beat on."""
        await _aside(lambda: self.engine.post("controls", body=values))
        return f"turned: {', '.join(values)}"

    async def perform(
        self,
        action: Annotated[
            str,
            Field(description=f"One of: {', '.join(ACTIONS)}."),
        ],
    ) -> str:
        """Do something once, now: a fill that lands on a crash, a break, an ending, a loop."""
        await _aside(lambda: self.engine.post("actions", action))
        return f"done: {action}"

    async def list_scenes(self) -> list[str]:
        """List the scenes: settings of all controls that were kept under a name."""
        return list(await _aside(lambda: self.engine.get("scenes")))

    async def save_scene(self, name: Annotated[str, Field(min_length=1, max_length=64)]) -> str:
        """Keep all controls as they are now under a name; a scene of that name is replaced."""
        await _aside(lambda: self.engine.put("scenes", name, body={}))
        return f"kept: {name}"

    async def recall_scene(
        self,
        name: Annotated[str, Field(min_length=1, max_length=64)],
        bars: Annotated[int, Field(ge=0, le=64, description="Bars to morph over; 0 is at once.")] = 0,
    ) -> str:
        """Turn all controls to a scene's, at once or gradually over some bars."""
        await _aside(lambda: self.engine.post("scenes", name, "recall", body={"bars": bars}))
        return f"recalled: {name}"

    async def capture(
        self, bars: Annotated[Literal[1, 4, 16, 64], Field(description="How many of the last bars.")] = 4
    ) -> str:
        """Keep the last bars that were played as a MIDI file; return its path on the engine's machine."""
        return await _aside(lambda: self._capture(bars))

    def _capture(self, bars: int) -> str:
        before = self.engine.get("state")["notice"]
        self.engine.post("actions", f"capture_{bars}")
        until = time.monotonic() + CAPTURE_S
        while time.monotonic() < until:
            notice = str(self.engine.get("state")["notice"])
            if notice != before and notice.startswith(KEPT):
                return notice.removeprefix(KEPT)
            time.sleep(LOOK_S)
        raise ToolError(f"capture: expected a file within {CAPTURE_S:g} s, got none; last said: {notice!r}")

    async def generate_pattern(  # noqa: PLR0917 - the SDK makes a schema of parameters
        self,
        style: Annotated[str, Field(description="By any spelling; list_styles has them.")],
        bars: Annotated[int, Field(ge=1, le=64)] = 4,
        tempo: Annotated[float | None, Field(ge=20, le=999, description="None is the style's own.")] = None,
        time_signature: Annotated[str, Field(description="Such as 4/4, 3/4, 7/8.")] = "4/4",
        density: Annotated[Level, Field(description="Few notes (0) to many (1).")] = None,
        energy: Annotated[Level, Field(description="Soft (0) to loud (1).")] = None,
        humanize: Annotated[Level, Field(description="On the grid (0) to human (1).")] = None,
        section: Annotated[str | None, Field(description="intro, verse, chorus, break or outro.")] = None,
        seed: Annotated[int | None, Field(ge=0, le=2**53 - 1, description="Repeats a pattern.")] = None,
        name: Annotated[
            str, Field(description="The file's name without its ending; no folders.")
        ] = "pattern",
    ) -> MadeFile:
        """Make a drum pattern as a MIDI file, without an engine and without touching what plays."""
        drawn = random.SystemRandom().randrange(2**31) if seed is None else seed

        def make() -> MadeFile:
            request = PatternRequest(
                style,
                bars=bars,
                meter=read_meter(time_signature),
                bpm=tempo,
                seed=drawn,
                density=density,
                energy=energy,
                humanize=humanize,
                section=section,
            )
            return self._made(request, name)

        return await _aside(make)

    def _made(self, request: PatternRequest, name: str) -> MadeFile:
        if not PLAIN_NAME.fullmatch(name):
            raise ToolError(f"name: expected up to 64 letters, digits, spaces, - or _, got {name!r}")
        with self._making:
            if self._renderer is None:  # the model is loaded once, and by nobody who makes nothing
                self._renderer = PatternRenderer(self.checkpoint, "auto", lanes=1)
            self._renderer.pattern(request)  # an unknown name is refused before that
            (pattern,) = self._renderer.make([request])
            path = free_path(self.folder / f"{name}.mid")
            pattern.take().write(path)
        return MadeFile(path=str(path), bars=request.bars, seed=request.seed)


async def _aside(work: Callable[[], Made]) -> Made:
    """Do work on a thread; what is wrong goes to the model in the error's own words."""
    try:
        return await asyncio.to_thread(work)
    except LiveEngineError as error:
        raise ToolError(str(error)) from error


def make_server(tools: Tools) -> MCPServer:
    """Return a server with the tools."""
    server = MCPServer(
        "liveengine",
        title="liveengine, a live drummer",
        instructions=INSTRUCTIONS,
        version=liveengine.__version__,
        log_level="WARNING",
    )
    for tool in (tools.get_state, tools.list_styles, tools.list_controls, tools.list_scenes):
        server.add_tool(tool, annotations=READS)
    for turning in (
        tools.set_controls,
        tools.perform,
        tools.save_scene,
        tools.recall_scene,
        tools.capture,
        tools.generate_pattern,
    ):
        server.add_tool(turning, annotations=TURNS)
    return server


def serve_stdio(tools: Tools) -> None:
    """Serve on standard input and output until the client goes."""
    make_server(tools).run("stdio")


def serve_http(tools: Tools, host: str, port: int, token: str | None, tell: Callable[[str], None]) -> None:
    """Serve under `/mcp` until a signal; beyond this machine only to who has the token, as the page does.

    Raises ConfigError without a token beyond this machine, and where the port or host cannot be had.
    """
    if not is_loopback(host) and not token:
        raise ConfigError(f"--host {host}: expected --serve-token, which callers must have, got none")
    app = make_server(tools).streamable_http_app(
        host=host,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # Guard has it
    )
    guarded = Guard(app, host=host, tokens=[token] if token else [])
    with bound_socket(host, port, "--host", "--http") as listening:
        shown = f"[{host}]" if ":" in host else host
        tell(f"http://{shown}:{listening.getsockname()[1]}/mcp")
        uvicorn.Server(server_config(guarded)).run([listening])
