"""Speaks with an engine that plays, by its HTTP interface: what another program of ours asks of it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from liveengine.errors import ConfigError, LiveEngineError, as_started

USUAL_ADDRESS = "http://127.0.0.1:8765"
"""Where an engine's page is, unless another has the port."""
ANSWER_S = 10.0
PREFIX = "/api/v1/live"


class EngineError(LiveEngineError):
    """No engine answers, or it refuses what is asked: in its own words."""


@dataclass(frozen=True, slots=True)
class EngineClient:
    """One engine by the address of its page; any thread. Each call waits for its answer."""

    address: str = USUAL_ADDRESS
    token: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no address of HTTP."""
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"--url: expected an address such as {USUAL_ADDRESS}, got {self.address!r}")

    def get(self, *path: str) -> Any:
        """Return what is there. Raises EngineError where no engine is, and where it refuses."""
        return self._asked("GET", path, None)

    def post(self, *path: str, body: Any = None) -> Any:
        """Have something done. Raises as `get`."""
        return self._asked("POST", path, body)

    def put(self, *path: str, body: Any = None) -> Any:
        """Have something kept. Raises as `get`."""
        return self._asked("PUT", path, body)

    def _asked(self, method: str, path: tuple[str, ...], body: Any) -> Any:
        parts = "/".join(quote(each, safe="") for each in path)
        headers = {"Content-Type": "application/json"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(
            f"{self.address.rstrip('/')}{PREFIX}/{parts}",
            None if body is None else json.dumps(body).encode(),
            headers,
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise EngineError(_refusal(error)) from error
        except (OSError, ValueError) as error:
            raise EngineError(
                f"{self.address}: expected an engine that plays, found none ({error}); "
                f"start one with {as_started('play')}, or say --url with the address that it shows"
            ) from error


def _refusal(error: urllib.error.HTTPError) -> str:
    if error.code == 401:
        return "the engine wants its token: --token, or LIVEENGINE_TOKEN, with the one in its page's address"
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"{error.url}: expected an engine, got status {error.code}"
