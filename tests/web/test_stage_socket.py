"""The stage page's socket, files and token over real sockets, beside an engine in virtual time."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from typing import Any

import mido
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from liveengine.engine.session import SessionStore
from liveengine.music.control import SetValue
from liveengine.web import stage as stage_module
from liveengine.web.app import PREFIX, make_app
from liveengine.web.feed import StageFeed
from liveengine.web.kits import add_kits
from liveengine.web.messages import VERSION, PortCard
from liveengine.web.server import WebServer
from liveengine.web.stage import TAP_LATE_US, add_stage, built_page
from tests.rig import Rig
from tests.waiting import PATIENCE_S

TOKEN = 'open sesame; then "close"'
"""Characters that mean something in a cookie."""
UPGRADE = (
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
)
CARD = PortCard(backend="", name="", control="", system="linux", cure="")
Message = dict[str, Any]


class Served:
    """A rig that plays on and an app that serves it, both on the thread of one event loop."""

    def __init__(self, rig: Rig, token: str | None = None) -> None:
        self.rig = rig
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        session = rig.session
        app = make_app(session.conductor.styles, session.post, dict, tuple)
        add_kits(app, session.post, session.conductor.kits, session.notes)
        add_stage(app, session, StageFeed(session, CARD))
        self._server = WebServer(app, token)
        self.port = self.call(self._server.open("127.0.0.1", 0))
        self._playing = asyncio.run_coroutine_threadsafe(self._play(), self.loop)

    def call(self, work: Any) -> Any:
        """Do work on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)

    async def _play(self) -> None:
        while True:
            self.rig.run(0.005)
            await asyncio.sleep(0.005)

    def page(self, headers: dict[str, str] | None = None) -> ClientConnection:
        """Open a page's socket."""
        address = f"ws://127.0.0.1:{self.port}{PREFIX}/stage"
        return connect(address, additional_headers=headers or {}, open_timeout=PATIENCE_S, proxy=None)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a call."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        found = (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
        connection.close()
        return found

    def close(self) -> None:
        """Stop."""
        self._playing.cancel()
        self.call(self._server.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()


def told(page: ClientConnection, kind: str, true: Callable[[Message], bool] = bool) -> Message:
    """Return the first message of a kind that is as wanted."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        message: Message = json.loads(page.recv(PATIENCE_S))
        if message["type"] == kind and true(message):
            return message
    raise AssertionError(f"no {kind!r} came")


def say(page: ClientConnection, **message: Any) -> None:
    page.send(json.dumps(message))


@pytest.fixture
def served(make_rig: Callable[..., Rig], tmp_path: Path) -> Iterator[Served]:
    store = SessionStore()
    store.captures = tmp_path
    rig = make_rig(store=store)
    rig.run(4.5)
    running = Served(rig)
    yield running
    running.close()


@pytest.fixture
def locked(make_rig: Callable[..., Rig]) -> Iterator[Served]:
    running = Served(make_rig(), TOKEN)
    yield running
    running.close()


def test_a_page_is_welcomed_and_told_everything(served: Served) -> None:
    with served.page() as page:
        welcome = json.loads(page.recv(PATIENCE_S))
        assert (welcome["type"], welcome["version"]) == ("welcome", VERSION)
        first = [json.loads(page.recv(PATIENCE_S))["type"] for _ in range(5)]
        assert set(first) == {"plan", "time", "controls", "live", "proof"}


def test_the_clock_is_told_between_asking_and_hearing(served: Served) -> None:
    with served.page() as page:
        before = served.rig.timeline.now_us()
        say(page, type="ping", sent_ms=1234.5)
        pong = told(page, "pong")
        assert pong["sent_ms"] == 1234.5
        assert before <= pong["at_us"] <= served.rig.timeline.now_us()


def test_what_one_page_turns_the_other_sees(served: Served) -> None:
    with served.page() as one, served.page() as other:
        say(one, type="turn", id=7, name="style", values=["JAZZ"])
        assert told(one, "answer") == {"type": "answer", "id": 7, "wrong": None}
        assert told(other, "controls", lambda each: each["values"]["style"] == "jazz")
        say(other, type="turn", id=8, name="fill", values=[0])  # a button that is let go
        assert told(other, "answer")["wrong"] is None


def test_half_time_that_goes_on_puts_double_time_out(served: Served) -> None:
    with served.page() as page:
        say(page, type="turn", id=1, name="double_time", values=[True])
        assert told(page, "controls", lambda each: each["values"]["double_time"])
        say(page, type="turn", id=2, name="half_time", values=[True])
        values = told(page, "controls", lambda each: each["values"]["half_time"])["values"]
        assert not values["double_time"]
        say(page, type="turn", id=3, name="count_in", values=[2])
        say(page, type="turn", id=4, name="count_with", values=["hat"])
        assert (
            told(page, "controls", lambda each: each["values"]["count_with"] == "hat")["values"]["count_in"]
            == 2
        )


def test_a_page_draws_into_the_next_bar_and_sees_it(served: Served) -> None:
    with served.page() as page:
        bar = told(page, "plan")["current"] + 2
        say(page, type="turn", id=3, name="draw", values=[bar, 6, 1, 110, True])
        assert told(page, "answer") == {"type": "answer", "id": 3, "wrong": None}
        stroke = {"step": 6, "voice": 1, "velocity": 110, "keep": True}
        told(page, "plan", lambda plan: any(stroke in each["drawing"] for each in plan["bars"]))
        say(page, type="turn", id=4, name="draw", values=[bar + 100, 6, 1, 110])
        assert "draw: expected a bar up to" in told(page, "answer")["wrong"]


@pytest.mark.parametrize(
    ("said", "asked", "wrong"),
    [
        ({"type": "turn", "id": 1, "name": "density", "values": [7]}, 1, "density: expected 0 to 1, got 7"),
        ({"type": "turn", "id": 2, "name": "style", "values": ["polka"]}, 2, "style 'polka' is unknown"),
        ({"type": "turn", "id": 3, "name": "scene", "values": ["none"]}, 3, "scene 'none' is unknown"),
        ({"type": "turn", "id": 4, "name": "volume", "values": []}, 4, "control: expected one of"),
        (
            {"type": "turn", "id": 5, "name": "blend", "values": [None]},
            5,
            "blend: expected a number, got None",
        ),
        ({"type": "dance"}, None, "expected tags"),
    ],
)
def test_what_is_wrong_is_answered_and_changes_nothing(
    served: Served, said: Message, asked: int | None, wrong: str
) -> None:
    before = served.rig.conductor.controls
    with served.page() as page:
        say(page, **said)
        answer = told(page, "answer")
        assert answer["id"] == asked
        assert wrong in answer["wrong"]
    assert served.rig.conductor.controls == before


def test_what_is_tapped_on_one_page_is_heard_and_both_see_it(served: Served) -> None:
    with served.page() as one, served.page() as other:
        told(other, "live")
        say(one, type="tap", velocity=96, at_us=None)
        for page in (one, other):
            (onset,) = told(page, "onsets")["onsets"]
            assert (onset["velocity"], onset["instrument"]) == (96, "keys")
    ears = served.rig.session.ears
    assert (ears.notes, ears.malformed) == (1, 0)


def test_a_tap_is_heard_when_it_was_tapped_but_not_long_before_nor_later(served: Served) -> None:
    heard: list[tuple[Sequence[int], float]] = []
    with served.page() as page:
        told(page, "live")
        served.rig.session.ears.hear = lambda *note: heard.append(note)  # type: ignore[method-assign]
        now_us = served.rig.timeline.now_us()
        for at_us in (now_us - 90_000.0, 0.0, 1e15):
            say(page, type="tap", velocity=1, at_us=at_us)
        say(page, type="ping", sent_ms=1.0)
        at_us = told(page, "pong")["at_us"]
    assert [message for message, _ in heard] == [(0x9F, 60, 1), (0x8F, 60, 0)] * 3
    struck = [moment for _, moment in heard[::2]]
    assert struck[0] == now_us - 90_000.0
    assert now_us - TAP_LATE_US <= struck[1] <= at_us - TAP_LATE_US
    assert now_us <= struck[2] <= at_us


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"velocity": 0}, "tap.velocity: Input should be greater than or equal to 1"),
        ({"velocity": 128}, "tap.velocity: Input should be less than or equal to 127"),
        ({"velocity": "loud"}, "tap.velocity: Input should be a valid integer"),
        ({}, "tap.velocity: Field required"),
        ({"velocity": 90, "at_us": "now"}, "tap.at_us: Input should be a valid number"),
        ({"velocity": 90, "note": 36}, "tap.note: Extra inputs are not permitted"),
    ],
)
def test_a_bad_tap_is_refused_and_not_heard(served: Served, said: Message, wrong: str) -> None:
    with served.page() as page:
        say(page, **{"type": "tap", "at_us": None, **said})
        answer = told(page, "answer")
        assert answer["id"] is None
        assert wrong in answer["wrong"]
    assert served.rig.session.ears.notes == 0


def test_what_is_no_text_is_answered(served: Served) -> None:
    with served.page() as page:
        page.send(b"\x01")
        assert told(page, "answer")["wrong"] == "message: expected text, got bytes"
        say(page, type="ping", sent_ms=1.0)
        assert told(page, "pong")


def test_a_name_of_any_script_is_in_takes_and_captures(served: Served) -> None:
    name = "Don\u2019t stop, Припев"
    with served.page() as page:
        say(page, type="turn", id=1, name="save_scene", values=[name])
        assert told(page, "answer")["wrong"] is None
        told(page, "controls", lambda each: name in each["scenes"])
        say(page, type="turn", id=2, name="capture_1", values=[])
        capture = told(page, "live", lambda each: bool(each["captures"]))["captures"][0]["name"]
    assert f"save_scene {name}".encode() in served.get(f"{PREFIX}/take.mid")[2]
    assert served.get(f"{PREFIX}/captures/{capture}")[0] == 200


def test_a_large_body_is_refused(served: Served) -> None:
    connection = HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_S)
    connection.request("PUT", f"{PREFIX}/seed", b"[" * 20_000, {"Content-Type": "application/json"})
    response = connection.getresponse()
    assert response.status == 413
    assert "expected at most 16384 bytes" in json.loads(response.read())["detail"]
    connection.close()


@pytest.mark.parametrize(
    ("headers", "status", "detail"),
    [
        ({"Host": "[::1"}, 421, "Host: expected one of"),
        ({"Host": "evil.example"}, 421, "Host: expected one of"),
        ({"Origin": "http://["}, 403, "Origin: expected"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403, "Sec-Fetch-Site: expected"),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "image"}, 403, "Sec-Fetch-Site: expected"),
    ],
)
def test_who_is_refused_is_told_why_pages_and_sockets_alike(
    served: Served, caplog: pytest.LogCaptureFixture, headers: dict[str, str], status: int, detail: str
) -> None:
    found, _, body = served.get(f"{PREFIX}/take.mid", headers)
    assert (found, detail in json.loads(body)["detail"]) == (status, True)
    if "Host" not in headers:  # the client writes that itself
        with pytest.raises(InvalidStatus) as refused:
            served.page(headers).close()
        assert refused.value.response.status_code == status
        assert detail in json.loads(refused.value.response.body or b"{}")["detail"]
    served.call(asyncio.sleep(0))  # what the loop does with a refusal it has done by now
    assert [each.getMessage() for each in caplog.records if each.levelname in ("WARNING", "ERROR")] == []


def test_a_link_of_another_site_leads_to_the_page(served: Served) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert served.get("/", visit)[0] == 200
    assert served.get("/", {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})[0] == 200


def test_a_page_that_says_too_much_is_left(served: Served) -> None:
    with served.page() as page:
        page.send("x" * 20_000)
        with pytest.raises(ConnectionClosed):
            told(page, "never")
    with served.page() as page:
        told(page, "welcome")


def test_more_pages_than_any_stage_has_are_told_to_try_again(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "PAGES_MOST", 1)
    with served.page() as first:
        told(first, "welcome")
        with served.page() as second, pytest.raises(ConnectionClosed, match="1013"):
            told(second, "welcome")
    with served.page() as third:
        assert told(third, "welcome")


def test_a_page_that_does_not_read_misses_frames_and_holds_nobody_up(served: Served) -> None:
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.connect(("127.0.0.1", served.port))
    deaf.sendall(
        f"GET {PREFIX}/stage HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n{UPGRADE}\r\n\r\n".encode()
    )
    session, turns = served.rig.session, 1500

    async def storm() -> None:
        for turn in range(turns):
            session.post(SetValue("level_kick", 0.5 + turn / turns))
            served.rig.run(0.013)
            await asyncio.sleep(0)

    with served.page() as page:
        asyncio.run_coroutine_threadsafe(storm(), served.loop).result(60)
        last = 0.5 + (turns - 1) / turns
        assert told(page, "controls", lambda each: abs(each["values"]["level_kick"] - last) < 1e-9)
    deaf.settimeout(0.5)
    heard = b""
    while last_text := f'"level_kick":{last}'.encode():
        heard += deaf.recv(65536)
        if last_text in heard:
            break
    deaf.close()
    assert heard.count(b'"type":"controls"') < turns / 3


def test_the_page_comes_from_here_and_is_framed_by_nobody(served: Served) -> None:
    status, headers, body = served.get("/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    loaded = re.findall(r'(?:src|href)="(.*?)"', body.decode())
    assert loaded
    for each in loaded:
        assert each.startswith("./")
        assert served.get(each[1:])[0] == 200
    assert served.get("/../../pyproject.toml")[0] == 404
    assert served.get("/assets/..%2f..%2fapp.py")[0] == 404
    assert (built_page() / "index.html").is_file()


def test_the_take_and_captures_can_be_fetched(served: Served) -> None:
    status, headers, body = served.get(f"{PREFIX}/take.mid?bars=1")
    assert (status, headers["content-type"]) == (200, "audio/midi")
    assert "liveengine-take.mid" in headers["content-disposition"]
    assert any(message.type == "note_on" for message in mido.MidiFile(file=BytesIO(body)))
    assert served.get(f"{PREFIX}/take.mid")[0] == 200
    assert served.get(f"{PREFIX}/take.mid?bars=65")[0] == 422
    assert served.get(f"{PREFIX}/captures/none.mid")[0] == 404
    assert served.get(f"{PREFIX}/captures/..%2Fpyproject.toml")[0] == 404
    with served.page() as page:
        say(page, type="turn", id=1, name="capture_1", values=[])
        name = told(page, "live", lambda each: bool(each["captures"]))["captures"][0]["name"]
    status, headers, body = served.get(f"{PREFIX}/captures/{name}")
    assert status == 200
    assert name in headers["content-disposition"]
    assert any(message.type == "note_on" for message in mido.MidiFile(file=BytesIO(body)))


def test_before_a_bar_has_played_there_is_no_take_of_it(make_rig: Callable[..., Rig]) -> None:
    fresh = Served(make_rig())
    try:
        status, _, body = fresh.get(f"{PREFIX}/take.mid?bars=1")
        assert status == 422
        assert "expected a bar that has been played" in json.loads(body)["detail"]
    finally:
        fresh.close()


def test_a_token_in_the_address_lets_the_whole_page_in(locked: Served) -> None:
    assert locked.get("/")[0] == 401
    with pytest.raises(InvalidStatus):
        locked.page().close()
    status, headers, body = locked.get("/?token=open%20sesame%3B%20then%20%22close%22")
    assert status == 200
    written = headers["set-cookie"]
    assert "HttpOnly" in written
    assert "SameSite=Strict" in written
    cookie = {"Cookie": written.partition("; Path")[0]}
    for each in re.findall(r'(?:src|href)="\.(.*?)"', body.decode()):
        assert locked.get(each)[0] == 401
        assert locked.get(each, cookie)[0] == 200
    with locked.page(cookie) as page:
        assert told(page, "welcome")
    with pytest.raises(InvalidStatus):
        locked.page({**cookie, "Origin": "http://evil.example"}).close()
    assert "set-cookie" not in locked.get("/", cookie)[1]
    assert locked.get("/", {"Cookie": "liveengine=wrong"})[0] == 401
