"""Calibration: a click on every beat, nudged by key until it sits; its latency is saved for the port."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from contextlib import ExitStack
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from liveengine.app.keyboard import HANGUP
from liveengine.app.live import choose_backend, join_timeline, stopping_by_signal
from liveengine.app.loading import LoadedSession, PlayOptions, load_session
from liveengine.app.screen import boxed, flow, showing
from liveengine.config.user_files import save_latency_ms
from liveengine.engine.session import Session
from liveengine.errors import ContractError, MidiError
from liveengine.generation.fixed_source import FixedBarSource
from liveengine.music.beats import STEPS_PER_BEAT, Meter, meter_for_quantum
from liveengine.music.control import LATENCY_LIMIT_MS, ControlState, SetValue
from liveengine.music.drums import Voice
from liveengine.music.pattern import Hit
from liveengine.music.style import Feel, Style, StyleBook
from liveengine.planning.conductor import Conductor, ConductorSettings
from liveengine.playback.client import ProcessPlayer
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

ACCENT, PLAIN = 120, 90
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


def clicks(meter: Meter, voice: Voice) -> tuple[Hit, ...]:
    """Return a hit on every beat of a bar, the first one louder."""
    steps = range(0, meter.steps, STEPS_PER_BEAT)
    return tuple(Hit(step, voice, 0, PLAIN if step else ACCENT) for step in steps)


def calibrate(options: PlayOptions, voice: str, console: Console) -> None:
    """Click until a key ends it.

    Raises ContractError for an unknown voice and where keys cannot be read, MidiError without a port.
    """
    known = {each.label: each for each in Voice}
    if voice not in known:
        raise ContractError(f"--voice: expected one of {', '.join(known)}, got {voice!r}")
    if not sys.stdin.isatty():
        raise ContractError("calibrate: expected a terminal to read keys from, got something else on stdin")
    asyncio.run(_calibrate(load_session(options), known[voice], console))


async def _calibrate(loaded: LoadedSession, voice: Voice, console: Console) -> None:
    backend = choose_backend(loaded.settings.backend, console)
    if backend is None:
        raise MidiError("calibrate: expected a MIDI port to send the click to, there is none")
    meter = meter_for_quantum(loaded.settings.quantum)
    with ExitStack() as stack:
        player = ProcessPlayer(loaded.player_settings(backend))
        stack.callback(player.close)
        opened = player.ready.port
        port, where = (opened.name, opened.shown) if opened else ("", "")
        calibration = Calibration(loaded.latency_ms(backend, port))
        timeline = await join_timeline(loaded)
        stack.callback(timeline.close)
        session = Session(
            timeline=timeline,
            source=FixedBarSource(lambda meter: clicks(meter, voice)),
            player=player,
            conductor=Conductor(
                ConductorSettings(meter, loaded.settings.quantum, seed=0),
                StyleBook([CLICK]),
                loaded.kit,
                ControlState("click", latency_ms=calibration.latency_ms),
            ),
            record=PerformanceLog(Trace(None), meter, loaded.kit.channel, keep_take=False),
        )

        def pressed(key: str) -> None:
            if calibration.press(key):
                session.post(SetValue("latency_ms", calibration.latency_ms))
            if calibration.ended:
                session.stop()

        stack.enter_context(stopping_by_signal(session))
        async with showing(console, lambda width, _: panel(calibration, session, where, width), pressed):
            await session.run()
    if calibration.saved:
        path = save_latency_ms(backend, port, calibration.latency_ms)
        console.print(
            f"{calibration.latency_ms:+g} ms saved for {backend}: {where} in {path}", highlight=False
        )
    else:
        console.print("nothing saved", highlight=False)


def panel(calibration: Calibration, session: Session, port: str, width: int) -> list[Text]:
    """Return what is shown in `width` cells: the latency, the tempo, and the keys."""
    inner = min(width, MOST_CELLS) - FRAME_CELLS
    fields = [Text(f"{calibration.latency_ms:+g} ms", "bold"), Text(port)]
    state = session.conductor.session
    if state is not None:
        others = "peer" if state.peers == 1 else "peers"
        fields += [Text(f"{state.beat_map.bpm:.2f} bpm"), Text(f"{state.peers} other {others}")]
    keys = [Text.assemble((key, "bold"), (f" {does}", "dim")) for key, does in KEYS]
    rows = [
        *flow(fields, inner),
        Text(),
        *(Text(line, "dim") for line in textwrap.wrap(WHAT_TO_DO, inner)),
        *flow(keys, inner),
    ]
    return boxed("calibrate", rows, inner + FRAME_CELLS)
