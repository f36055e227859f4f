"""Strokes drawn by hand while it plays: in the plan, in the trace, at the listener, whatever is turned."""

from __future__ import annotations

import itertools
import json
import random
import signal
import threading
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from liveengine.music.drums import Voice
from tests.live.checks import check_dropped, check_lengths, check_matching, end_by_signal, tell
from tests.live.engine import Engine, EngineStarter, run_to_end
from tests.live.jack import JackServer
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import StallProbe

pytestmark = pytest.mark.live
TRIES = 100
A_BAR = 8
BPM = 190.0
ANSWER_S = 5.0
LOCKED = (7, Voice.LOW_TOM, 101)
"""A step, voice and velocity that is drawn for every bar."""
TURNS: tuple[tuple[str, object, bool], ...] = (
    ("style", "jazz", True),
    ("density", 0.9, False),
    ("style", "j_dilla", False),
    ("humanize", 0.3, True),
    ("style", "rock", True),
    ("fill", 1, False),
    ("swing_percent", 62, True),
    ("style", "funk", False),
    ("seed", 5, False),
)
"""What is turned after each bar's strokes are drawn, again and again, and whether it is undone again."""
UNDONE_AFTER_S = 0.3
Cell = tuple[int, int, int]
"""Bar, step and voice."""


class Page:
    """The stage page's socket: draws, turns, and keeps each bar as it was last seen in the plan."""

    def __init__(self, socket: ClientConnection) -> None:
        """Listen to an open one; it has a first plan when this returns."""
        self.bars: dict[int, dict[str, Any]] = {}
        self.current = -1
        self.notes: list[int] = []
        self._answers: dict[int, str | None] = {}
        self._ids = itertools.count(1)
        self._new = threading.Condition()
        self._socket = socket
        threading.Thread(target=self._hear, daemon=True).start()
        self.wait_for_bar(0)

    def _hear(self) -> None:
        try:
            for text in self._socket:
                message = json.loads(text)
                with self._new:
                    if message["type"] == "welcome":
                        self.notes = [voice["note"] for voice in message["voices"]]
                    elif message["type"] == "plan":
                        self.current = message["current"]
                        self.bars |= {each["index"]: each for each in message["bars"]}
                    elif message["type"] == "answer":
                        self._answers[message["id"]] = message["wrong"]
                    self._new.notify_all()
        except ConnectionClosed:
            return

    def wait_for_bar(self, index: int) -> None:
        """Wait until a bar plays."""
        with self._new:
            assert self._new.wait_for(lambda: self.current >= index, 30.0), f"bar {index} has not come"

    def turn(self, *turns: tuple[object, ...]) -> None:
        """Turn things, each a name and values, and wait until all are applied.

        Raises AssertionError where one is refused.
        """
        asked = {next(self._ids): turn for turn in turns}
        for each, (name, *values) in asked.items():
            self._socket.send(json.dumps({"type": "turn", "id": each, "name": name, "values": values}))
        with self._new:
            assert self._new.wait_for(lambda: asked.keys() <= self._answers.keys(), ANSWER_S), "no answer"
            assert not any(self._answers[each] for each in asked), self._answers


def draw(page: Page) -> dict[Cell, int]:
    """Draw strokes into the bars to come and turn something in each; return their velocities."""
    dice, turns = random.Random(3), itertools.cycle(TURNS)
    drawn: dict[Cell, int] = {}
    page.turn(("draw", page.current + 1, *LOCKED, True))
    while len(drawn) < TRIES:
        now, fresh = page.current, dict[Cell, int]()
        for voice in dice.sample([voice for voice in Voice if voice is not LOCKED[1]], A_BAR):
            bar, step = now + 1 + dice.randrange(2), dice.randrange(2, 16)
            if not any((bar, voice) == (cell[0], cell[2]) for cell in drawn):  # one of a voice in a bar
                fresh[bar, step, int(voice)] = dice.randrange(60, 128)
        page.turn(*(("draw", *cell, velocity) for cell, velocity in fresh.items()))
        drawn |= fresh
        name, value, undone = next(turns)
        page.turn((name, value))
        if undone:
            time.sleep(UNDONE_AFTER_S)
            page.turn(("undo",))
        page.wait_for_bar(now + 1)
    page.wait_for_bar(max(bar for bar, _, _ in drawn) + 1)
    return drawn


def in_the_plan(page: Page, cell: Cell, velocity: int) -> bool:
    """Tell whether a bar as it was last seen has just this stroke in a cell."""
    bar, step, voice = cell
    view = page.bars[bar]
    struck = [hit for hit in view["hits"] if (hit["step"], hit["voice"]) == (step, voice)]
    said = {"step": step, "voice": voice, "velocity": velocity, "keep": (step, voice) == LOCKED[:2]}
    return len(struck) == 1 and bool(struck[0]["drawn"]) and said in view["drawing"]


def test_what_is_drawn_is_planned_traced_and_heard(
    jack_server: JackServer,
    listener: Listener,
    peer: Peer,
    start_engine: EngineStarter,
    stall_probe: StallProbe,
) -> None:
    peer.set_tempo(BPM)
    engine: Engine = start_engine(
        "--backend", "jack", "--style", "funk", "--switch", "instant", "--seed", "3", "--web-port", "0"
    )
    engine.wait_for("bar")
    socket = engine.wait_for("header")["web"].replace("http://", "ws://").rstrip("/") + "/api/v1/live/stage"
    with connect(socket, proxy=None, max_size=None) as opened:
        page = Page(opened)
        began = time.monotonic()
        drawn = draw(page)
        took_s = time.monotonic() - began
        end_by_signal(engine, listener, signal.SIGINT)

    planned = {cell for cell, velocity in drawn.items() if in_the_plan(page, cell, velocity)}
    kit = page.notes
    by_hand = [note for note in engine.lines("note") if note["drawn"]]
    traced = {(note["bar"], note["note"]): note for note in by_hand}
    stated = {cell for cell in drawn if (cell[0], kit[cell[2]]) in traced}
    recording = listener.stop()
    outcome = check_matching(engine, recording, stall_probe.stalls())
    check_lengths(recording.messages, stall_probe.stalls())
    sounded = {(pair.stated.bar, pair.stated.note, pair.stated.sent_us) for pair in outcome.pairs}
    heard = {
        cell
        for cell in stated
        if (cell[0], kit[cell[2]], traced[cell[0], kit[cell[2]]]["sent_us"]) in sounded
    }
    replanned = sum(line["replanned"] for line in engine.lines("bar"))
    tell(
        f"of {len(drawn)} strokes {len(planned)} were in the plan, {len(stated)} in the trace, {len(heard)} "
        f"heard; {replanned} bars planned anew in {took_s:.0f} s"
    )
    assert planned == stated == heard == set(drawn)
    assert len(by_hand) == len(traced), "each is struck once"
    bars = range(min(bar for bar, _, _ in drawn) + 1, max(bar for bar, _, _ in drawn))
    assert {bar for bar in bars if (bar, kit[LOCKED[1]]) in traced} == set(bars)
    assert all(in_the_plan(page, (bar, LOCKED[0], LOCKED[1]), LOCKED[2]) for bar in bars)
    check_dropped(engine, stall_probe.stalls())
    status, text = run_to_end(["replay", str(engine.trace)], timeout_s=90)
    tell(text.splitlines()[-1])
    assert status == 0, text
