"""The HTTP interface over a real socket: every control, errors as problems, foreign pages refused."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from typing import Any

import pytest

from liveengine.config.settings import load_styles
from liveengine.errors import ConfigError, LiveEngineError, UnknownNameError
from liveengine.httpserver.problems import PROBLEM_TYPE
from liveengine.music.control import (
    ACTIONS,
    RANGES,
    Command,
    JumpToMarker,
    LearnMidi,
    RecallScene,
    SaveScene,
    SetKit,
    SetSeed,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.drums import Voice
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook
from liveengine.web.app import PREFIX, make_app
from liveengine.web.server import WebServer
from tests.waiting import PATIENCE_S

STYLES = load_styles()
TOKEN = "open-sesame"
KITS = KitBook(GENERAL_MIDI_KIT, [replace(GENERAL_MIDI_KIT, name="mine")])


@dataclass
class Engine:
    """What stands for the engine's inbox: it knows one scene."""

    posted: list[Command] = field(default_factory=list)
    port: int = 0

    def post(self, command: Command, answer: Callable[[LiveEngineError | None], None]) -> None:
        self.posted.append(command)
        unknown = isinstance(command, RecallScene) and command.name != "verse"
        answer(UnknownNameError("scene is unknown; all: verse") if unknown else None)

    def call(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Return the status and the answer of a call."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"} | (headers or {}))
        response = connection.getresponse()
        status, kind, text = response.status, response.headers.get_content_type(), response.read()
        connection.close()
        assert kind == (PROBLEM_TYPE if status >= 400 else "application/json"), text
        return status, json.loads(text)


def served(token: str | None) -> Iterator[Engine]:
    engine = Engine()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    state = {"style": "funk", "density": None, "bar": 3, "kit": "gm"}
    server = WebServer(make_app(STYLES, engine.post, lambda: state, lambda: ("verse",), KITS), token)
    engine.port = asyncio.run_coroutine_threadsafe(server.open("127.0.0.1", 0), loop).result(5)
    try:
        yield engine
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


@pytest.fixture(scope="module")
def open_engine() -> Iterator[Engine]:
    yield from served(None)


@pytest.fixture
def engine(open_engine: Engine) -> Engine:
    open_engine.posted.clear()
    return open_engine


@pytest.fixture(scope="module")
def locked_engine() -> Iterator[Engine]:
    yield from served(TOKEN)


@pytest.mark.parametrize(
    ("method", "path", "body", "command"),
    [
        ("PUT", "/controls/style", {"value": "J Dilla"}, SetStyle("j_dilla")),
        ("PUT", "/controls/density", {"value": 0.25}, SetValue("density", 0.25)),
        ("PUT", "/controls/kit", {"value": "Mine"}, SetKit("Mine")),
        ("PUT", "/controls/kit", {"value": None}, SetKit(None)),
        ("PUT", "/controls/mute_kick", {"value": True}, SetToggle("mute_kick", True)),
        ("POST", "/actions/fill", None, TriggerAction("fill")),
        ("PUT", "/seed", {"value": 7}, SetSeed(7)),
        ("PUT", "/scenes/verse", None, SaveScene("verse")),
        ("PUT", "/scenes/verse", {"program": 4}, SaveScene("verse", 4)),
        ("POST", "/scenes/verse/recall", None, RecallScene("verse")),
        ("POST", "/scenes/verse/recall", {"bars": 4}, RecallScene("verse", 4)),
        ("PUT", "/drawing/9/3/snare", None, DrawStroke(9, 3, Voice.SNARE, 100)),
        (
            "PUT",
            "/drawing/9/3/closed_hat",
            {"velocity": 0, "keep": True},
            DrawStroke(9, 3, Voice.CLOSED_HAT, 0, keep=True),
        ),
        ("DELETE", "/drawing/9/3/snare", None, EraseStroke(9, 3, Voice.SNARE)),
        ("POST", "/actions/clear_drawing", None, TriggerAction("clear_drawing")),
        ("POST", "/markers/drop", None, JumpToMarker("drop")),
        ("POST", "/midi-learn", {"control": "density"}, LearnMidi("density")),
        ("POST", "/midi-learn", {}, LearnMidi(None)),
    ],
)
def test_every_call_becomes_its_command(
    engine: Engine, method: str, path: str, body: Any, command: Command
) -> None:
    status, _ = engine.call(method, PREFIX + path, body)
    assert status == 200
    assert engine.posted == [command]


def test_several_controls_are_turned_together_or_none(engine: Engine) -> None:
    status, _ = engine.call("POST", f"{PREFIX}/controls", {"style": "jazz", "density": 0.5})
    assert status == 200
    assert engine.posted == [SetStyle("jazz"), SetValue("density", 0.5)]
    engine.posted.clear()
    status, told = engine.call("POST", f"{PREFIX}/controls", {"style": "jazz", "density": 5})
    assert (status, told["detail"]) == (422, "density: expected 0 to 1, got 5")
    assert engine.posted == []


def test_state_scenes_and_the_table_of_controls(engine: Engine) -> None:
    expected = {"style": "funk", "density": None, "bar": 3, "kit": "gm"}
    assert engine.call("GET", f"{PREFIX}/state") == (200, expected)
    assert engine.call("GET", f"{PREFIX}/scenes") == (200, ["verse"])
    _, controls = engine.call("GET", f"{PREFIX}/controls")
    by_name = {control["name"]: control for control in controls}
    assert set(RANGES) | set(ACTIONS) <= set(by_name)
    assert (by_name["swing_percent"]["low"], by_name["swing_percent"]["high"]) == (50, 75)
    assert by_name["style"]["value"] == "funk"


@pytest.mark.parametrize(
    ("call", "status", "told"),
    [
        (("PUT", "/controls/volume", {"value": 1}), 404, "control 'volume' is unknown; all: style"),
        (("PUT", "/controls/fill", {"value": 1}), 404, "control 'fill' is unknown"),
        (("PUT", "/controls/style", {"value": "polka"}), 404, "style 'polka' is unknown"),
        (("PUT", "/controls/density", {"value": 2}), 422, "density: expected 0 to 1, got 2"),
        (("PUT", "/controls/density", {"value": "much"}), 422, "density: expected a number, got 'much'"),
        (("PUT", "/controls/density", {}), 422, "body.value: Field required"),
        (("PUT", "/controls/density", b"{"), 422, "JSON decode error"),
        (("PUT", "/controls/density", {"value": {"a": 1}}), 422, "body.value"),
        (("POST", "/actions/explode", None), 404, "action 'explode' is unknown"),
        (("POST", "/scenes/chorus/recall", None), 404, "scene is unknown; all: verse"),
        (("POST", "/scenes/verse/recall", {"bars": 65}), 422, "body.bars"),
        (("PUT", "/scenes/verse", {"program": 128}), 422, "body.program"),
        (("PUT", "/scenes/" + "x" * 65, None), 422, "path.name"),
        (("POST", "/midi-learn", {"control": "volume"}), 422, "learn_midi: expected one of style"),
        (("PUT", "/drawing/9/3/cowbell", None), 422, "draw: expected a drum voice"),
        (("PUT", "/drawing/9/40/snare", None), 422, "expected a step from 0 to 31, got 40"),
        (("PUT", "/drawing/9/3/snare", {"velocity": 128}), 422, "body.velocity"),
        (("GET", "/nothing", None), 404, "Not Found"),
        (("DELETE", "/state", None), 405, "Method Not Allowed"),
    ],
)
def test_what_is_wrong_is_a_problem_and_changes_nothing(
    engine: Engine, call: tuple[str, str, Any], status: int, told: str
) -> None:
    method, path, body = call
    answered, problem = engine.call(method, PREFIX + path, body)
    assert answered == problem["status"] == status
    assert told in problem["detail"]
    assert [each for each in engine.posted if not isinstance(each, RecallScene)] == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:80"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "localhost:1", "Origin": "http://localhost:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
    ],
)
def test_foreign_pages_and_names_are_refused(engine: Engine, headers: dict[str, str], status: int) -> None:
    answered, _ = engine.call("POST", f"{PREFIX}/actions/panic", None, headers)
    assert answered == status
    assert bool(engine.posted) == (status == 200)


def test_with_a_token_only_who_has_it_is_let_in(locked_engine: Engine) -> None:
    state = f"{PREFIX}/state"
    assert locked_engine.call("GET", state)[0] == 401
    assert locked_engine.call("GET", f"{state}?token=wrong")[0] == 401
    assert locked_engine.call("GET", f"{state}?token={TOKEN}")[0] == 200
    bearer = {"Authorization": f"Bearer {TOKEN}", "Host": "studio.local:8765"}
    assert locked_engine.call("GET", state, None, bearer)[0] == 200
    assert locked_engine.call("GET", state, None, bearer | {"Origin": "http://evil.example"})[0] == 403


def test_a_port_that_is_taken_is_told(engine: Engine) -> None:
    server = WebServer(make_app(STYLES, engine.post, dict, tuple))
    with pytest.raises(ConfigError, match=f"--web-port {engine.port}: expected a free port"):
        asyncio.run(server.open("127.0.0.1", engine.port))


def test_kits_are_offered_and_with_an_unknown_one_nothing_is_turned(engine: Engine) -> None:
    status, controls = engine.call("GET", f"{PREFIX}/controls")
    (kit,) = [each for each in controls if each["name"] == "kit"]
    assert (status, kit["kind"], kit["choices"], kit["value"]) == (200, "choice", ["mine", "gm"], "gm")
    status, problem = engine.call("POST", f"{PREFIX}/controls", {"density": 0.5, "kit": "spoons"})
    assert (status, engine.posted) == (404, [])
    assert "kit 'spoons' is unknown; all: mine, gm" in problem["detail"]
