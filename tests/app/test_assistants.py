"""The drummer's tools for assistants: the SDK's own client speaks with them, and they with a real engine."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import mido
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.types import CallToolResult, TextContent

from liveengine.app.cli.mcp import mcp as command
from liveengine.errors import ConfigError
from tests.waiting import PATIENCE_S, until

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
TOOLS = {
    "get_state",
    "list_styles",
    "list_controls",
    "set_controls",
    "perform",
    "list_scenes",
    "save_scene",
    "recall_scene",
    "capture",
    "generate_pattern",
}


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[str]:
    """Run a command of ours until the end of the block; yield the address that it prints."""
    printed = folder / f"{arguments[0]}.txt"
    environment = surroundings(folder)
    with printed.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "liveengine", *arguments],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
        )
    try:
        until(lambda: ADDRESS.search(printed.read_text()) is not None, f"an address of {arguments}")
        found = ADDRESS.search(printed.read_text())
        assert found is not None
        yield found.group()
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def surroundings(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "LIVEENGINE_HOME": str(folder / "own"),
        "JACK_DEFAULT_SERVER": "none-such",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine that plays fast, so that a bar is soon over."""
    folder = tmp_path_factory.mktemp("engine")
    play = ("play", "--clock", "system", "--backend", "none", "--no-ui", "--bpm", "240", "--web-port", "0")
    with running(folder, *play) as address:
        yield address


@asynccontextmanager
async def assistant(folder: Path, *arguments: str) -> AsyncIterator[Client]:
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "liveengine", "mcp", "--folder", str(folder), *arguments],
        env=surroundings(folder),
    )
    async with Client(stdio_client(parameters)) as client:
        yield client


async def called(client: Client, tool: str, **arguments: Any) -> Any:
    """Return what a tool says that must not fail."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, said(result)
    assert result.structured_content is not None
    return result.structured_content.get("result", result.structured_content)


def said(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def test_an_assistant_plays_by_every_tool(engine: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with assistant(tmp_path, "--url", engine) as client:
            listed = await client.list_tools()
            assert {tool.name for tool in listed.tools} == TOOLS
            assert all(len(tool.description or "") > 40 for tool in listed.tools)

            styles = {each["name"]: each for each in await called(client, "list_styles")}
            assert styles["j_dilla"]["title"] == "J Dilla"
            await called(
                client, "set_controls", values={"style": "j_dilla", "density": 0.25, "mute_kick": False}
            )
            state = await called(client, "get_state")
            assert (state["style"], state["density"], state["bpm"]) == ("j_dilla", 0.25, 240)
            controls = {each["name"]: each for each in await called(client, "list_controls")}
            assert (controls["density"]["low"], controls["density"]["high"]) == (0, 1)

            await called(client, "save_scene", name="quiet")
            await called(client, "set_controls", values={"density": 0.75})
            assert "quiet" in await called(client, "list_scenes")
            await called(client, "recall_scene", name="quiet")
            assert (await called(client, "get_state"))["density"] == 0.25

            await called(client, "perform", action="fill")
            while (await called(client, "get_state"))["bar"] < 2:
                await asyncio.sleep(0.1)
            kept = await called(client, "capture", bars=1)
            assert any(message.type == "note_on" for message in mido.MidiFile(kept))
            again = await called(client, "capture", bars=1)
            assert again != kept

    asyncio.run(asyncio.wait_for(play(), PATIENCE_S))


def test_what_cannot_be_is_said_and_nothing_turns(engine: str, tmp_path: Path) -> None:
    async def try_them() -> None:
        async with assistant(tmp_path, "--url", engine) as client:
            before = (await called(client, "get_state"))["energy"]
            for tool, arguments, words in (
                ("set_controls", {"values": {"energy": 0.1, "density": 7}}, "density"),
                ("set_controls", {"values": {"loudness": 1}}, "'loudness' is unknown"),
                ("perform", {"action": "somersault"}, "somersault"),
                ("recall_scene", {"name": "nowhere"}, "nowhere"),
                ("list_styles", {"family": "polka"}, "polka"),
                ("generate_pattern", {"style": "funk", "name": "../up"}, "../up"),
                ("generate_pattern", {"style": "no such style"}, "no such style"),
            ):
                result = await client.call_tool(tool, arguments)
                assert result.is_error, tool
                assert words in said(result)
            assert (await called(client, "get_state"))["energy"] == before

    asyncio.run(asyncio.wait_for(try_them(), PATIENCE_S))


def test_patterns_are_made_without_an_engine_and_over_nothing(tmp_path: Path) -> None:
    async def make() -> None:
        async with assistant(tmp_path, "--url", "http://127.0.0.1:9") as client:
            result = await client.call_tool("get_state", {})
            assert result.is_error
            assert "start one with" in said(result)
            asked = {"style": "J Dilla", "bars": 2, "seed": 3, "name": "idea"}
            first, second = [await called(client, "generate_pattern", **asked) for _ in range(2)]
            assert (Path(first["path"]).name, Path(second["path"]).name) == ("idea.mid", "idea-2.mid")
            assert Path(first["path"]).read_bytes() == Path(second["path"]).read_bytes()

    asyncio.run(asyncio.wait_for(make(), PATIENCE_S))


def test_it_serves_over_http_to_who_has_the_token(engine: str, tmp_path: Path) -> None:
    async def ask(address: str) -> None:
        async with Client(address) as client:
            assert (await called(client, "get_state"))["playing"]

    with running(tmp_path, "mcp", "--http", "0", "--url", engine) as address:
        asyncio.run(asyncio.wait_for(ask(f"{address}/mcp"), PATIENCE_S))
    with (
        running(tmp_path, "mcp", "--http", "0", "--url", engine, "--serve-token", "sesame") as address,
        pytest.raises(urllib.error.HTTPError) as refused,
    ):
        urllib.request.urlopen(f"{address}/mcp", timeout=PATIENCE_S)
    assert refused.value.code == 401


def test_beyond_this_machine_a_token_is_needed() -> None:
    with pytest.raises(ConfigError, match="--serve-token"):
        command(http=0, host="0.0.0.0")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "mcp"]:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not there
    monkeypatch.delitem(sys.modules, "liveengine.app.assistants", raising=False)
    monkeypatch.delattr("liveengine.app.assistants", raising=False)
    with pytest.raises(ConfigError, match=r"pip install 'liveengine\[mcp\]'"):
        command()


def test_the_command_line_loads_no_sdk() -> None:
    code = "import sys, liveengine.app.cli.main; sys.exit('mcp' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_S)
