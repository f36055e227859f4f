"""Calibration: a click on every beat, nudged by key until it sits; its latency is saved for the port.

Or a player plays with the click, and how late his notes come is saved for the port that hears them. Or
Ableton Live records the click, and how late it comes there is saved for the port that sends it.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar

from rich.console import Console
from rich.text import Text

from liveengine.ableton.click_recording import Offset, record_click
from liveengine.app.clocks import join_timeline
from liveengine.app.keyboard import HANGUP
from liveengine.app.live import choose_backend, start_input, start_listening, stopping_by_signal
from liveengine.app.live_clips import LiveAddress, with_live
from liveengine.app.loading import LoadedSession, PlayOptions, load_session
from liveengine.app.screen import boxed, flow, showing
from liveengine.config.settings import EngineSettings
from liveengine.config.user_files import save_latency_ms
from liveengine.engine.session import Session
from liveengine.errors import ContractError, MidiError
from liveengine.generation.fixed_source import FixedBarSource
from liveengine.music.beats import STEPS_PER_BEAT, Meter, meter_for_quantum
from liveengine.music.control import LATENCY_LIMIT_MS, ControlState, SetValue
from liveengine.music.drums import Voice
from liveengine.music.pattern import Hit
from liveengine.music.style import Feel, Style, StyleBook
from liveengine.planning.conductor import Conductor
from liveengine.planning.conductor_settings import ConductorSettings
from liveengine.playback.client import ProcessPlayer
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

ACCENT, PLAIN = 120, 90
LISTEN_BARS = 8
MOST_CELLS, FRAME_CELLS = 90, 4
NUDGES_MS = {"left": -1.0, "right": 1.0, "down": -10.0, "up": 10.0, "-": -1.0, "+": 1.0, "=": 1.0}
"""By arrow, and by keys that every keyboard has."""
SAVE, LEAVE, NONE = ("enter",), ("q", "escape", "ctrl-c", "ctrl-d", HANGUP), "0"
CLICK = Style(
    "click",
    "click",
    (("none", 1.0),),
    (20, 999),
    "a metronome has no feel",
    feel=Feel(jitter_ms=0.0, humanize=0.0),
)
WHAT_TO_DO = "Switch on another click of the session (in Live: the metronome) and listen to both."
KEYS = (
    ("←", "later 1 ms"),
    ("→", "earlier 1 ms"),
    ("↓", "later 10 ms"),
    ("↑", "earlier 10 ms"),
    ("0", "none"),
    ("Enter", "save for this port"),
    ("Q", "leave without saving"),
)


@dataclass(slots=True)
class Calibration:
    """What the keys have brought about. Owned by the event loop's thread."""

    latency_ms: float
    saved: bool = False
    ended: bool = False
    title: ClassVar[str] = "calibrate"
    what_to_do: ClassVar[str] = WHAT_TO_DO
    keys: ClassVar[tuple[tuple[str, str], ...]] = KEYS

    @property
    def fields(self) -> list[str]:
        """What is shown of it."""
        return [f"{self.latency_ms:+g} ms"]

    def follow(self, session: Session) -> bool:
        """Look at what the session has heard; here nothing is listened to."""
        del session
        return False

    def press(self, key: str) -> bool:
        """Handle a key; return whether the latency has changed."""
        before = self.latency_ms
        if key in SAVE or key in LEAVE:
            self.saved, self.ended = key in SAVE, True
        elif key == NONE:
            self.latency_ms = 0.0
        else:
            nudged_ms = self.latency_ms + NUDGES_MS.get(key, 0.0)
            self.latency_ms = max(-LATENCY_LIMIT_MS, min(LATENCY_LIMIT_MS, nudged_ms))
        return self.latency_ms != before


@dataclass(slots=True)
class ListenCalibration(Calibration):
    """What the notes of a player who plays with the click have brought about."""

    notes: int = 0
    spread_ms: float = 0.0
    title: ClassVar[str] = "calibrate --listen"
    what_to_do: ClassVar[str] = (
        f"Play a note on every click, for {LISTEN_BARS} bars; how late they come is saved by itself. "
        "Calibrate the output first: it moves the click."
    )
    keys: ClassVar[tuple[tuple[str, str], ...]] = (("Enter", "save now"), ("Q", "leave without saving"))

    @property
    def fields(self) -> list[str]:
        """What is shown of it."""
        if not self.notes:
            return ["nothing heard yet"]
        return [f"{self.latency_ms:+.1f} ms", f"± {self.spread_ms:.1f} ms", f"{self.notes} notes"]

    def follow(self, session: Session) -> bool:
        """Take in what was heard; tell whether it is enough."""
        state = session.conductor.session
        if state is None or session.ears.notes == self.notes:
            return False
        self.notes = session.ears.notes
        ms_per_beat = 60_000 / state.beat_map.bpm
        offsets_ms = [(onset.beats - round(onset.beats)) * ms_per_beat for onset in session.ears.recent]
        self.latency_ms = round(statistics.median(offsets_ms), 1)
        self.spread_ms = statistics.median(abs(each - self.latency_ms) for each in offsets_ms)
        first, last = session.ears.recent[0].bar, session.ears.recent[-1].bar
        self.saved = self.ended = last - first >= LISTEN_BARS
        return self.ended

    def press(self, key: str) -> bool:
        """Handle a key; what was heard stays as it is. Nothing is saved before anything was heard."""
        if key in SAVE or key in LEAVE:
            self.saved, self.ended = key in SAVE and self.notes > 0, True
        return False


SURE_ENOUGH_MS = 3.0
"""An offset that may be further off than this, in 1 of 20 cases, is not saved."""


@dataclass(slots=True)
class LiveCalibration(Calibration):
    """What Live has recorded of the click."""

    offset: Offset | None = None
    title: ClassVar[str] = "calibrate --live"
    what_to_do: ClassVar[str] = (
        f"Live, in the same Link session, records the click for {LISTEN_BARS} bars, in a track that is made "
        "for it and goes again. How late it comes is saved by itself."
    )
    keys: ClassVar[tuple[tuple[str, str], ...]] = (("Q", "leave without saving"),)

    @property
    def fields(self) -> list[str]:
        """What is shown of it."""
        return [f"{self.latency_ms:+.1f} ms"] if self.offset else ["Live records"]

    def press(self, key: str) -> bool:
        """Handle a key: there is but one."""
        self.ended = self.ended or key in LEAVE
        return False

    def take(self, offset: Offset) -> None:
        """Take in what Live has recorded; it is saved where it is sure enough."""
        self.offset, self.latency_ms = offset, round(offset.late_ms, 1)
        self.saved = offset.sure_ms <= SURE_ENOUGH_MS and abs(offset.late_ms) <= LATENCY_LIMIT_MS
        self.ended = True

    @property
    def verdict(self) -> str:
        """What is said of it in the end."""
        if self.offset is None:
            return "Live was not waited for"
        found = self.offset
        return (
            f"in Live the click is {found.late_ms:+.1f} ms late, give or take {found.sure_ms:.1f} ms "
            f"(in 19 of 20 cases; {found.notes} clicks)"
        )


def clicks(meter: Meter, voice: Voice) -> tuple[Hit, ...]:
    """Return a hit on every beat of a bar, the first one louder."""
    steps = range(0, meter.steps, STEPS_PER_BEAT)
    return tuple(Hit(step, voice, 0, PLAIN if step else ACCENT) for step in steps)


def calibrate(
    options: PlayOptions,
    voice: str,
    console: Console,
    *,
    listening: bool = False,
    live_input: str | None = None,
) -> None:
    """Click until a key ends it, or, `listening`, until a player was heard for long enough.

    With `live_input`, our port as Live calls it, until Live has recorded enough. Raises ContractError for an
    unknown voice and where keys cannot be read, MidiError without a port, LiveEngineError for want of Live.
    """
    known = {each.label: each for each in Voice}
    if voice not in known:
        raise ContractError(f"--voice: expected one of {', '.join(known)}, got {voice!r}")
    if not sys.stdin.isatty():
        raise ContractError("calibrate: expected a terminal to read keys from, got something else on stdin")
    if live_input is not None and listening:
        raise ContractError("calibrate: expected --live or --listen, got both")
    if live_input is not None and options.clock != "link":
        raise ContractError(f"--live: expected --clock link, which Live keeps too, got {options.clock!r}")
    asyncio.run(
        _calibrate(load_session(options), known[voice], console, listening=listening, live_input=live_input)
    )


def _calibration(latency_ms: float, *, listening: bool, live: bool) -> Calibration:
    if live:
        return LiveCalibration(0.0)
    return ListenCalibration(0.0) if listening else Calibration(latency_ms)


async def _calibrate(
    loaded: LoadedSession, voice: Voice, console: Console, *, listening: bool, live_input: str | None
) -> None:
    backend = choose_backend(loaded.settings.backend, console)
    if backend is None:
        raise MidiError("calibrate: expected a MIDI port to send the click to, there is none")
    meter = meter_for_quantum(loaded.settings.quantum)
    with ExitStack() as stack:
        player = ProcessPlayer(loaded.player_settings(backend))
        stack.callback(player.close)
        opened = player.ready.port
        port, where = (opened.name, opened.shown) if opened else ("", "")
        latency_ms = 0.0 if live_input else loaded.latency_ms(backend, port)
        calibration = _calibration(latency_ms, listening=listening, live=live_input is not None)
        timeline = await join_timeline(loaded)
        stack.callback(timeline.close)
        session = Session(
            timeline=timeline,
            source=FixedBarSource(lambda meter: clicks(meter, voice)),
            player=player,
            conductor=Conductor(
                ConductorSettings(loaded.settings.quantum, seed=0),
                StyleBook([CLICK]),
                loaded.kit,
                ControlState("click", latency_ms=latency_ms, jam="off", time_signature=str(meter)),
            ),
            record=PerformanceLog(Trace(None), meter, loaded.kit.channel, keep_take=False),
        )

        if listening:
            heard = stack.enter_context(start_input(loaded, backend, "listen"))
            assert heard is not None  # there is a MIDI system
            start_listening(loaded, backend, heard, session)
            session.ears.latency_ms = 0.0
            port, where = heard.port.name, heard.port.shown

        def followed() -> None:
            if calibration.follow(session):
                session.stop()

        session.watch(followed)

        def pressed(key: str) -> None:
            if calibration.press(key):
                session.post(SetValue("latency_ms", calibration.latency_ms))
            if calibration.ended:
                session.stop()

        stack.enter_context(stopping_by_signal(session))
        async with (
            measuring(calibration, session, loaded.settings, live_input),
            showing(console, lambda width, _: panel(calibration, session, where, width), pressed),
        ):
            await session.run()
    if isinstance(calibration, LiveCalibration):
        console.print(calibration.verdict)
    if calibration.saved:
        path = save_latency_ms(backend, port, calibration.latency_ms)
        console.print(f"{calibration.latency_ms:+g} ms saved for {backend}: {where} in {path}")
    else:
        console.print("nothing saved")


@contextlib.asynccontextmanager
async def measuring(
    calibration: Calibration, session: Session, settings: EngineSettings, live_input: str | None
) -> AsyncIterator[None]:
    """Let Live record the click meanwhile, where that is wanted; raise in the end what was wrong with it."""
    if live_input is None or not isinstance(calibration, LiveCalibration):
        yield
        return
    address = LiveAddress(settings.live_host, settings.live_port, settings.live_reply_port)

    async def measure() -> None:
        try:
            calibration.take(
                await with_live(address, lambda live: record_click(live, live_input, LISTEN_BARS))
            )
        finally:
            session.stop()

    task = asyncio.create_task(measure())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def panel(calibration: Calibration, session: Session, port: str, width: int) -> list[Text]:
    """Return what is shown in `width` cells: the latency, the tempo, and the keys."""
    inner = min(width, MOST_CELLS) - FRAME_CELLS
    fields = [*(Text(each, "bold") for each in calibration.fields), Text(port)]
    state = session.conductor.session
    if state is not None:
        others = "peer" if state.peers == 1 else "peers"
        fields += [Text(f"{state.beat_map.bpm:.2f} bpm"), Text(f"{state.peers} other {others}")]
    keys = [Text.assemble((key, "bold"), (f" {does}", "dim")) for key, does in calibration.keys]
    rows = [
        *flow(fields, inner),
        Text(),
        *(Text(line, "dim") for line in textwrap.wrap(calibration.what_to_do, inner)),
        *flow(keys, inner),
    ]
    return boxed(calibration.title, rows, inner + FRAME_CELLS)
