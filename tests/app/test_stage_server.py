"""The stage door: which port it takes, and how it tells the way."""

from __future__ import annotations

import asyncio
import io
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from rich.console import Console

from liveengine.app import stage_server as stage_door
from liveengine.config.settings import EngineSettings
from liveengine.errors import ConfigError, PortTakenError
from liveengine.httpserver.sockets import bound_socket
from liveengine.midi.ports import OpenPort
from tests.rig import Rig

HEARD_ON = ("jack", lambda: OpenPort("drums", "liveengine:drums"), "liveengine-control:control")


def opened(rig: Rig, settings: EngineSettings) -> tuple[str, str]:
    """Return the address and what was printed."""
    console = Console(file=io.StringIO(), width=200, markup=False)

    async def open_and_close() -> str:
        async with AsyncExitStack() as closing:
            return await stage_door.open_stage(settings, rig.session, closing, console, HEARD_ON)

    address = asyncio.run(open_and_close())
    assert isinstance(console.file, io.StringIO)
    return address, console.file.getvalue()


def test_the_usual_port_is_left_to_whoever_has_it(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(stage_door, "USUAL_PORTS", [port])
        address, printed = opened(make_rig(), EngineSettings())
        assert not address.endswith(f":{port}")
        assert f"Stage page: {address}\n" in printed
        with pytest.raises(ConfigError, match=f"--web-port {port}: expected a free port"):
            opened(make_rig(), EngineSettings(web_port=port))


def test_who_asks_second_is_told_at_once_that_a_port_is_taken() -> None:
    with bound_socket("127.0.0.1", 0, "--web-host", "--web-port") as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"--web-port {port}: expected a free port"):
            bound_socket("127.0.0.1", port, "--web-host", "--web-port")


def test_a_host_of_another_machine_is_named_by_its_option(make_rig: Callable[..., Rig]) -> None:
    with pytest.raises(ConfigError, match=r"--web-host 192\.0\.2\.1: expected an address of this machine"):
        opened(make_rig(), EngineSettings(web_host="192.0.2.1"))


def test_an_address_of_version_6_is_printed_whole() -> None:
    console = Console(file=io.StringIO(), width=200, markup=False)
    stage_door.tell_the_way(console, "fd12::1", 8765, "sesame")
    assert isinstance(console.file, io.StringIO)
    assert "Stage page: http://[fd12::1]:8765/?token=sesame" in console.file.getvalue()


def test_the_usual_port_is_taken_where_it_is_free(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(stage_door, "USUAL_PORTS", [port])
    assert opened(make_rig(), EngineSettings())[0] == f"http://127.0.0.1:{port}"


def test_beyond_this_machine_the_way_has_a_token_and_is_drawn(
    make_rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_door, "own_address", lambda: "192.168.1.5")
    settings = EngineSettings(web_host="0.0.0.0", web_port=0, web_token="sesame")
    address, printed = opened(make_rig(), settings)
    port = address.rpartition(":")[2]
    assert f"http://192.168.1.5:{port}/?token=sesame" in printed
    assert printed.count("█") + printed.count("▀") + printed.count("▄") > 100
    drawn = replace(settings, web_token=None)
    assert "/?token=" in opened(make_rig(), drawn)[1]


def test_a_token_of_any_spelling_fits_into_an_address() -> None:
    console = Console(file=io.StringIO(), width=200, markup=False)
    stage_door.tell_the_way(console, "192.168.1.5", 1, "a b&c#d")
    assert isinstance(console.file, io.StringIO)
    assert "token=a%20b%26c%23d" in console.file.getvalue()


def test_an_address_of_ipv6_is_in_brackets() -> None:
    assert stage_door.address("::1", 8765) == "http://[::1]:8765"
