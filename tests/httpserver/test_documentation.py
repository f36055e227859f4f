"""The pages that describe the HTTP interfaces: whole without internet, an example for every answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from liveengine.config.settings import load_styles
from liveengine.engine.note_learning import NoteLearning
from liveengine.httpserver.documentation import answer_example, described_app
from liveengine.httpserver.security import Guard
from liveengine.music.kit import GENERAL_MIDI_KIT
from liveengine.music.kit_book import KitBook
from liveengine.patterns.renderer import PatternRenderer
from liveengine.service.app import PREFIX as SERVICE
from liveengine.service.app import make_app as service_app
from liveengine.service.local_queue import LocalQueue
from liveengine.service.server import COOKIE
from liveengine.service.store import Store
from liveengine.web.app import PREFIX as LIVE
from liveengine.web.app import make_app as live_app
from liveengine.web.kits import add_kits


@pytest.fixture
def service(small_checkpoint: Path, tmp_path: Path) -> Iterator[ASGIApp]:
    store = Store(str(tmp_path / "store"))
    queue = LocalQueue(store, small_checkpoint, "cpu")
    yield service_app(PatternRenderer(small_checkpoint, "cpu"), store, queue)
    queue.close()


@pytest.fixture(params=[SERVICE, LIVE])
def described(request: pytest.FixtureRequest, service: ASGIApp) -> tuple[TestClient, str]:
    """A client of an interface, and its prefix."""
    app = service
    if request.param == LIVE:
        app = live = live_app(load_styles(), lambda *_: None, dict, tuple)
        add_kits(live, lambda *_: None, KitBook(GENERAL_MIDI_KIT), NoteLearning())
    return TestClient(app, base_url="http://127.0.0.1"), request.param


def test_the_page_loads_only_what_comes_along(described: tuple[TestClient, str]) -> None:
    client, prefix = described
    page = client.get(f"{prefix}/docs")
    assert page.status_code == 200
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 3, "script, style and icon"
    for each in loaded:
        assert each.startswith(prefix), each
        found = client.get(each)
        assert found.status_code == 200
        assert len(found.content) > 1_000
    assert "http" not in re.sub(r"http://127\.0\.0\.1", "", page.text).lower().replace("<!doctype html>", "")


def test_every_answer_has_an_example(described: tuple[TestClient, str]) -> None:
    client, prefix = described
    calls: dict[str, dict[str, Any]] = client.get(f"{prefix}/openapi.json").json()["paths"]
    assert calls
    for path, methods in calls.items():
        for method, call in methods.items():
            right = [answer for status, answer in call["responses"].items() if status.startswith("2")]
            assert right, f"{method} {path}"
            assert all("example" in content for answer in right for content in answer["content"].values()), (
                f"{method} {path}"
            )


def test_the_service_s_address_alone_leads_to_its_page(service: ASGIApp) -> None:
    assert str(TestClient(service).get("/").url).endswith(f"{SERVICE}/docs")


def test_a_browser_comes_in_with_a_key_and_sees_the_page(service: ASGIApp) -> None:
    client = TestClient(Guard(service, host="0.0.0.0", tokens=["key"], cookie=COOKIE))
    assert client.get("/").status_code == 401
    assert str(client.get("/?token=key").url).endswith(f"{SERVICE}/docs")
    assert client.get(f"{SERVICE}/openapi.json").status_code == 200


def test_an_app_of_one_call_shows_its_example() -> None:
    app: FastAPI = described_app("/x", "A thing.")
    app.add_api_route("/x/one", lambda: 1, responses=answer_example(1))
    content = TestClient(app).get("/x/openapi.json").json()["paths"]["/x/one"]["get"]["responses"]["200"]
    assert content["content"]["application/json"]["example"] == 1
