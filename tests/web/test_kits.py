"""Kits over HTTP, beside an engine that plays: read, struck, learned from a pad, saved and played at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from liveengine.config.kits import load_kit, own_kits_folder
from liveengine.httpserver.problems import PROBLEM_TYPE
from liveengine.music.control_map import Binding, ControlMap
from liveengine.music.kit import GENERAL_MIDI_KIT, Articulation
from liveengine.web import kits as kits_module
from liveengine.web.app import PREFIX
from tests.rig import Rig
from tests.waiting import PATIENCE_S, until
from tests.web.test_stage_socket import TOKEN, Served, say, told

OTHER = replace(GENERAL_MIDI_KIT, name="other", title="The Other", channel=3)
SNARE_40 = {"like": "gm", "notes": {"snare": 40}}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIVEENGINE_HOME", str(tmp_path / "own"))
    return own_kits_folder()


@pytest.fixture
def served(make_rig: Callable[..., Rig]) -> Iterator[Served]:
    rig = make_rig(kits=[OTHER], control_map=ControlMap((Binding("note", 40, "mute_kick"),)))
    rig.run(4.5)
    running = Served(rig)
    yield running
    running.close()


def call(
    served: Served, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> tuple[int, Any]:
    """Return the status and the answer of a call."""
    connection = HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE_S)
    content = body if isinstance(body, bytes | None) else json.dumps(body)
    connection.request(method, PREFIX + path, content, {"Content-Type": "application/json"} | (headers or {}))
    response = connection.getresponse()
    status, kind, text = response.status, response.headers.get_content_type(), response.read()
    connection.close()
    assert kind == (PROBLEM_TYPE if status >= 400 else "application/json"), text
    return status, json.loads(text)


def struck(served: Served, since: int = 0) -> list[tuple[int, ...]]:
    return [message for _, message in list(served.rig.sent)[since:] if message[0] & 0xF0 == 0x90]


def test_kits_are_listed_and_told_in_full(served: Served) -> None:
    status, kits = call(served, "GET", "/kits")
    assert (status, kits) == (
        200,
        [
            {"name": "other", "title": "The Other", "own": False},
            {"name": "gm", "title": "gm", "own": False},
        ],
    )
    status, kit = call(served, "GET", "/kits/GM")
    sounds = {each["articulation"]: each for each in kit["sounds"]}
    assert (status, kit["name"], kit["fields"]) == (200, "gm", {"like": "gm"})
    assert list(sounds) == list(Articulation)
    assert sounds["snare"] == {
        "articulation": "snare",
        "notes": [38],
        "by": "turn",
        "channel": 10,
        "nearest": None,
    }
    assert (sounds["half_open_hat"]["notes"], sounds["half_open_hat"]["nearest"]) == ([], "open_hat")
    assert call(served, "GET", "/kits/spoons")[0] == 404


def test_a_stroke_is_heard_at_once_and_ends(served: Served) -> None:
    before = len(served.rig.sent)
    assert call(served, "POST", "/strokes", {"articulation": "bell", "velocity": 64})[0] == 200
    until(lambda: (0x99, 53, 64) in struck(served, before), "the stroke")
    assert call(served, "POST", "/strokes", {"articulation": "bell", "note": 99})[0] == 200
    until(lambda: (0x99, 99, 100) in struck(served, before), "the stroke on another note")
    ends = {(0x89, 53, 0), (0x89, 99, 0)}
    until(lambda: ends <= {message for _, message in list(served.rig.sent)[before:]}, "the end of both")


def test_a_page_strikes_over_its_socket(served: Served) -> None:
    with served.page() as page:
        say(page, type="turn", id=1, name="strike", values=["crash", 90, 77])
        assert told(page, "answer")["wrong"] is None
        until(lambda: (0x99, 77, 90) in struck(served), "the stroke")
        say(page, type="turn", id=2, name="strike", values=["cowbell"])
        assert "strike: expected one of kick" in told(page, "answer")["wrong"]


def test_the_next_note_is_told_and_turns_nothing(served: Served) -> None:
    heard: list[tuple[int, Any]] = []
    waiting = threading.Thread(target=lambda: heard.append(call(served, "POST", "/next-note")))
    waiting.start()
    until(lambda: bool(served.rig.session.notes._waiting), "the wait")
    served.rig.session.receive((0x99, 40, 96))
    waiting.join(PATIENCE_S)
    assert heard == [(200, {"channel": 10, "note": 40, "velocity": 96})]
    assert not any(served.rig.conductor.controls.muted)
    served.rig.session.receive((0x99, 40, 0))
    served.rig.session.receive((0x99, 40, 96))
    until(lambda: any(served.rig.conductor.controls.muted), "the pad to be what it was")


def test_nobody_waits_for_a_note_any_more_once_the_page_has_left(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_connection(("127.0.0.1", served.port), PATIENCE_S) as asking:
        asking.sendall(
            f"POST {PREFIX}/next-note HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()
        )
        until(lambda: bool(served.rig.session.notes._waiting), "the wait")
    until(lambda: not served.rig.session.notes._waiting, "its end")
    monkeypatch.setattr(kits_module, "NOTE_WAIT_S", 0.05)
    began = time.monotonic()
    nothing = {"channel": None, "note": None, "velocity": None}
    assert call(served, "POST", "/next-note") == (200, nothing)
    assert time.monotonic() - began >= 0.05
    assert not served.rig.session.notes._waiting


def test_a_kit_is_saved_and_played_from_the_next_note_on(served: Served, own_home: Path) -> None:
    with served.page() as page:
        told(page, "controls")
        saving = {"fields": {"like": "gm", "notes": {"kick": 24}}}
        status, saved = call(served, "PUT", "/kits/Garage%20Pads", saving)
        assert (status, saved) == (
            200,
            {"name": "garage_pads", "file": "kits/garage_pads.yaml", "replaced": False, "used": True},
        )
        new = told(page, "controls", lambda message: message["values"]["kit"] == "garage_pads")
        assert new["kits"] == ["other", "gm", "garage_pads"]
    before = len(served.rig.sent)
    until(lambda: any(m[1] == 24 for m in struck(served, before)), "its kick")
    assert load_kit("garage pads").notes[0] == 24
    status, view = call(served, "GET", "/kits/garage_pads")
    assert (view["own"], view["fields"]) == (
        True,
        {"title": "Garage Pads", "like": "gm", "notes": {"kick": 24}},
    )
    assert call(served, "POST", "/actions/undo")[0] == 200
    until(lambda: served.rig.conductor.kit.name == "gm", "the kit before")


def test_a_kit_is_replaced_only_where_it_is_said_and_then_at_once(served: Served, own_home: Path) -> None:
    assert call(served, "PUT", "/kits/mine", {"fields": {"like": "gm", "notes": {"kick": 24}}})[0] == 200
    before = (own_home / "mine.yaml").read_text()
    status, problem = call(served, "PUT", "/kits/Mine", {"fields": {"like": "gm", "notes": {"kick": 25}}})
    assert status == 409
    assert problem["detail"] == ("kit mine: expected a new name, or to replace it, got one of your own")
    assert (own_home / "mine.yaml").read_text() == before
    again = {"fields": {"like": "gm", "notes": {"kick": 25}}, "replace": True}
    assert call(served, "PUT", "/kits/mine", again) == (
        200,
        {"name": "mine", "file": "kits/mine.yaml", "replaced": True, "used": True},
    )
    since = len(served.rig.sent)
    until(lambda: any(m[1] == 25 for m in struck(served, since)), "the new kick")
    assert (own_home / "mine.yaml~").read_text() == before
    assert call(served, "PUT", "/kits/gm", {"fields": SNARE_40})[1]["detail"].endswith(
        "got one that ships: yours would hide it"
    )


def test_a_kit_can_be_saved_without_being_played(served: Served) -> None:
    status, saved = call(served, "PUT", "/kits/later", {"fields": SNARE_40, "use": False})
    assert (status, saved["used"]) == (200, False)
    assert served.rig.conductor.kit.name == "gm"
    assert call(served, "PUT", "/controls/kit", {"value": "later"})[0] == 200
    assert served.rig.conductor.kit.name == "later"


WRONG: list[tuple[str, str, Any, str]] = [
    ("PUT", "/kits/m", b"{", "JSON decode error"),
    ("PUT", "/kits/m", {}, "body.fields: Field required"),
    ("PUT", "/kits/m", [1], "body: Input should be"),
    ("PUT", "/kits/m", {"fields": [1]}, "body.fields"),
    ("PUT", "/kits/m", {"fields": SNARE_40, "replace": "yes"}, "body.replace"),
    ("PUT", "/kits/m", {"fields": SNARE_40, "use": 1}, "body.use"),
    ("PUT", "/kits/m", {"fields": {}}, "field notes: expected this field, or like"),
    ("PUT", "/kits/m", {"fields": {"like": "gm", "notes": {"snare": 128}}}, "field notes.snare: expected a"),
    ("PUT", "/kits/m", {"fields": {"like": "gm", "notes": {"snare": "C1"}}}, "field notes.snare: expected"),
    ("PUT", "/kits/m", {"fields": {"like": "gm", "notes": {"snare": None}}}, "field notes.snare: expected"),
    ("PUT", "/kits/m", {"fields": {"like": "gm", "notes": {"kick": "none"}}}, "field notes.kick: expected"),
    ("PUT", "/kits/m", {"fields": {"like": "gm", "notes": {"cowbell": 56}}}, "field notes.cowbell: expected"),
    ("PUT", "/kits/m", {"fields": {"like": "spoons"}}, "field like: expected a kit"),
    ("PUT", "/kits/m", {"fields": {"like": "/etc/passwd"}}, "field like: expected the name of a kit"),
    ("PUT", "/kits/m", {"fields": {"like": "gm", "channel": 0}}, "field channel: expected a whole number"),
    ("PUT", "/kits/%21", {"fields": SNARE_40}, "name: expected a name with letters or digits"),
    ("PUT", f"/kits/{'x' * 65}", {"fields": SNARE_40}, "path.name"),
    ("POST", "/strokes", {}, "body.articulation: Field required"),
    ("POST", "/strokes", {"articulation": "cowbell"}, "articulation: expected one of kick"),
    ("POST", "/strokes", {"articulation": "snare", "velocity": 0}, "body.velocity"),
    ("POST", "/strokes", {"articulation": "snare", "velocity": True}, "body.velocity"),
    ("POST", "/strokes", {"articulation": "snare", "note": 128}, "body.note"),
]


@pytest.mark.parametrize("wrong_call", WRONG, ids=lambda each: each[3])
def test_what_is_wrong_names_its_field_and_changes_nothing(
    served: Served, own_home: Path, wrong_call: tuple[str, str, Any, str]
) -> None:
    method, path, body, wrong = wrong_call
    status, problem = call(served, method, path, body)
    assert status == problem["status"] == 422
    assert wrong in problem["detail"]
    assert str(own_home.parent) not in problem["detail"]
    assert not own_home.exists()
    assert served.rig.conductor.kits.names == ("other", "gm")


def test_a_folder_that_cannot_be_written_is_a_problem_and_nothing_is_played(
    served: Served, own_home: Path
) -> None:
    own_home.parent.mkdir()
    own_home.write_text("no folder")
    status, problem = call(served, "PUT", "/kits/m", {"fields": SNARE_40})
    assert (status, served.rig.conductor.kits.names) == (500, ("other", "gm"))
    assert "expected a place to write" in problem["detail"]


def test_without_the_token_no_kit_is_read_struck_or_saved(make_rig: Callable[..., Rig]) -> None:
    locked = Served(make_rig(), TOKEN)
    try:
        for method, path, body in (
            ("GET", "/kits", None),
            ("POST", "/strokes", {"articulation": "snare"}),
            ("POST", "/next-note", None),
            ("PUT", "/kits/m", {"fields": SNARE_40}),
        ):
            assert call(locked, method, path, body)[0] == 401
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        assert call(locked, "GET", "/kits", None, bearer)[0] == 200
    finally:
        locked.close()
