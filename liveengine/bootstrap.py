"""Putting the engine together: the only place that chooses adapters."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console
from rich.live import Live

import liveengine
from liveengine import settings as configs
from liveengine.clock.system import SteadyTimeline, SystemClock
from liveengine.clock.virtual import VirtualTimeline
from liveengine.contracts import BarSource, Timeline
from liveengine.control_file import load_own_control_map, save_own_control_map
from liveengine.engine.conductor import Conductor, ConductorSettings
from liveengine.engine.offline import VirtualPlayer, play_virtually
from liveengine.engine.player import PlayerCore
from liveengine.engine.player_client import ProcessPlayer
from liveengine.engine.player_process import PlayerSettings
from liveengine.engine.priority import take_short_slices
from liveengine.engine.record import Record
from liveengine.engine.scenes import SceneBook
from liveengine.engine.session import Keeper, Session
from liveengine.engine.snapshot import public_state, snapshot
from liveengine.engine.trace import Trace
from liveengine.errors import ConfigError
from liveengine.generation.client import LocalBarSource, ProcessBarSource
from liveengine.midi import ports
from liveengine.midi.memory import MemorySink
from liveengine.music.beats import check_bpm, meter_for_quantum
from liveengine.music.control import ControlState, check_level
from liveengine.music.control_map import ControlMap
from liveengine.music.drums import KitMap
from liveengine.music.request import Guidance
from liveengine.music.scene import Scene, SetList
from liveengine.music.style import Style, StyleBook
from liveengine.osc.server import OscServer
from liveengine.own_files import own_folder, saved_latency_ms
from liveengine.repertoire import load_repertoire
from liveengine.scene_file import load_scenes, load_set_list, save_scene
from liveengine.view.terminal import LogLines, render

VIEW_HZ = 8
NO_PORT = ("file", "none")


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """What `liveengine play` was asked, beyond the engine settings."""

    settings: configs.EngineSettings
    clock: str = "link"
    bpm: float | None = None
    duration_s: float | None = None
    take: Path | None = None
    trace: Path | None = None
    checkpoint: Path | None = None
    set_list: Path | None = None
    show_view: bool = True


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is read before anything is started."""

    options: PlayOptions
    styles: StyleBook
    style: Style
    kit: KitMap
    control_map: ControlMap
    checkpoint: Path
    checkpoint_sha256: str
    packs: tuple[Path, ...]
    scenes: tuple[Scene, ...]
    set_list: SetList | None
    notes: tuple[str, ...]
    seed: int
    bpm: float

    def conductor(self, latency_ms: float) -> Conductor:
        """Return a conductor for these settings."""
        chosen = self.options.settings
        return Conductor(
            ConductorSettings(
                meter=meter_for_quantum(chosen.quantum),
                quantum_beats=chosen.quantum,
                seed=self.seed,
                lookahead_bars=chosen.lookahead_bars,
                cover_ms=chosen.cover_ms,
                guidance=Guidance(chosen.style_guidance, chosen.control_guidance),
            ),
            self.styles,
            self.kit,
            ControlState(
                style=self.style.name,
                swing_percent=chosen.swing_percent,
                humanize=chosen.humanize,
                latency_ms=latency_ms,
                fill_every=chosen.fill_every,
                switch=chosen.switch,
            ),
            scenes=SceneBook(self.scenes),
            set_list=self.set_list,
        )

    def record(self, trace: Trace) -> Record:
        """Return an empty record."""
        options = self.options
        return Record(
            trace,
            meter_for_quantum(options.settings.quantum),
            self.kit.channel,
            keep_take=options.take is not None or options.settings.backend == "file",
        )

    def core(self) -> PlayerCore:
        """Return a player's core."""
        chosen = self.options.settings
        return PlayerCore(
            channel=self.kit.channel,
            gate_ms=chosen.gate_ms,
            late_drop_ms=chosen.late_drop_ms,
            midi_clock=chosen.midi_clock,
        )

    def player_settings(self, backend: str | None) -> PlayerSettings:
        """Return the settings of a player process."""
        chosen = self.options.settings
        return PlayerSettings(
            backend=backend,
            port=None if chosen.port == ports.OUTPUT_PORT else chosen.port,
            channel=self.kit.channel,
            gate_ms=chosen.gate_ms,
            late_drop_ms=chosen.late_drop_ms,
            notes=self.kit.notes,
            midi_clock=chosen.midi_clock,
        )

    def latency_ms(self, backend: str | None, port: str) -> float:
        """Return the latency for a port: as asked, else as calibrated for it, else 0."""
        asked = self.options.settings.latency_ms
        saved = saved_latency_ms(backend, port) if asked is None and backend is not None else asked
        return saved or 0.0

    def header(self, latency_ms: float, **more: object) -> dict[str, Any]:
        """Return the fields of the trace's first line."""
        chosen = self.options.settings
        return {
            "version": liveengine.__version__,
            "python": sys.version.split()[0],
            "seed": self.seed,
            "checkpoint": str(self.checkpoint),
            "checkpoint_sha256": self.checkpoint_sha256,
            "style": self.style.name,
            "quantum": chosen.quantum,
            "meter": str(meter_for_quantum(chosen.quantum)),
            "kit": self.kit.name,
            "kit_notes": self.kit.notes,
            "channel": self.kit.channel,
            "swing_percent": chosen.swing_percent,
            "humanize": chosen.humanize,
            "fill_every": chosen.fill_every,
            "switch": chosen.switch,
            "latency_ms": latency_ms,
            "generator": chosen.generator,
            "midi_clock": chosen.midi_clock,
            "start_stop_sync": chosen.start_stop_sync,
            **more,
        }


class OwnKeeper(Keeper):
    """Keeps captures, scenes and what MIDI learn has learned in the player's own folder."""

    captures = own_folder() / "captures"

    def keep_scene(self, scene: Scene) -> str:
        """Write the scene's file."""
        return f"scene {scene.name} is kept: {save_scene(scene)}"

    def keep_map(self, control_map: ControlMap) -> str:
        """Write the own control map."""
        return f"the control map is kept: {save_own_control_map(control_map)}"


def gather(options: PlayOptions) -> Parts:
    """Read and check everything that can be wrong before anything starts.

    Raises LiveEngineError: unknown style or kit, values out of range, an unusable checkpoint.
    """
    chosen = options.settings
    repertoire = load_repertoire(options.checkpoint or configs.default_checkpoint())
    style = repertoire.find(chosen.style)
    if options.bpm is not None:
        check_bpm(options.bpm, "--bpm")
    meter_for_quantum(chosen.quantum)
    for name in ("swing_percent", "humanize", "latency_ms"):
        value = getattr(chosen, name)
        if value is not None:
            check_level(name, value)
    scenes, faults = load_scenes(repertoire.styles)
    set_list = None
    if options.set_list is not None:
        named = {scene.name: scene for scene in scenes}
        set_list = load_set_list(options.set_list, named, repertoire.styles)
    return Parts(
        options=options,
        styles=repertoire.styles,
        style=style,
        kit=configs.load_kit(chosen.kit),
        control_map=load_own_control_map(),
        checkpoint=repertoire.checkpoint,
        checkpoint_sha256=repertoire.checkpoint_sha256,
        packs=repertoire.packs,
        scenes=tuple(scenes),
        set_list=set_list,
        notes=(*repertoire.notes, *faults),
        seed=random.SystemRandom().randrange(2**31) if chosen.seed is None else chosen.seed,
        bpm=style.middle_bpm if options.bpm is None else options.bpm,
    )


def play(options: PlayOptions, console: Console) -> None:
    """Play as the options say, until stopped. Raises LiveEngineError where that cannot be."""
    parts = gather(options)
    for note in parts.notes:
        console.print(note, style="yellow", highlight=False, markup=False)
    if options.clock == "virtual":
        _play_virtually(parts, console)
    else:
        asyncio.run(play_live(parts, console))


def _play_virtually(parts: Parts, console: Console) -> None:
    """Play in virtual time: at once, without ports, the same for the same seed."""
    options = parts.options
    timeline = VirtualTimeline(parts.bpm)
    trace = Trace(options.trace)
    latency_ms = parts.latency_ms(None, "")
    header = parts.header(latency_ms, clock="virtual")
    player = VirtualPlayer(parts.core(), MemorySink(), timeline)
    record = parts.record(trace)
    record.header(header)
    session = Session(
        timeline=timeline,
        source=LocalBarSource(parts.checkpoint, options.settings.device, parts.packs),
        player=player,
        conductor=parts.conductor(latency_ms),
        record=record,
    )
    play_virtually(session, timeline, player, 20.0 if options.duration_s is None else options.duration_s)
    trace.close()
    if options.take is not None:
        record.write_take(options.take)
    console.print(f"{record.bars} bars, {record.notes} notes, seed {parts.seed}", highlight=False)


def bar_source(parts: Parts, started: Callable[[int], None]) -> BarSource:
    """Return what makes the bars: a process, or other machines with it as their cover.

    Raises ConfigError where Celery is asked for and is not installed, or no broker is named.
    """
    chosen = parts.options.settings
    if chosen.generator == "local":
        return ProcessBarSource(parts.checkpoint, chosen.device, started, parts.packs)
    if chosen.broker is None:
        raise ConfigError("--generator celery: expected --broker redis://..., got none")
    try:
        from liveengine.generation.remote import CeleryAsk, RemoteBarSource
    except ImportError as error:
        raise ConfigError(f"--generator celery needs `pip install liveengine[workers]`: {error}") from error
    ask = CeleryAsk(chosen.broker, parts.checkpoint_sha256)
    local = ProcessBarSource(parts.checkpoint, chosen.device, started, parts.packs)
    return RemoteBarSource(local, ask, chosen.remote_deadline_ms)


async def join_timeline(parts: Parts) -> Timeline:
    """Return the timeline that the options name; Link is joined without moving its tempo."""
    if parts.options.clock == "system":
        return SteadyTimeline(parts.bpm)
    from liveengine.clock.link import LinkTimeline

    chosen = parts.options.settings
    return await LinkTimeline.join(parts.bpm, chosen.quantum, chosen.start_stop_sync)


def choose_backend(options: PlayOptions, console: Console) -> str | None:
    """Return the MIDI system to send through, or None; tells the cure where `auto` finds none."""
    wanted = options.settings.backend
    if wanted in NO_PORT:
        return None
    found = ports.choose_backend(wanted)
    if found is None:
        console.print(
            f"No MIDI system on this machine: playing without a port. "
            f"To hear it, {ports.NO_MIDI_CURE.get(sys.platform, 'start a MIDI system')}.",
            style="yellow",
        )
    return found


async def play_live(
    parts: Parts, console: Console, opened: Callable[[Session], None] = lambda _: None
) -> None:
    """Play until stopped; `opened` is told the session once all of it stands.

    Raises LiveEngineError where that cannot be. Signals stop it only where it runs in the main thread.
    """
    options = parts.options
    backend = choose_backend(options, console)
    clock = SystemClock()
    async with AsyncExitStack() as closing:
        last, stack = closing.enter_context(ExitStack()), closing.enter_context(ExitStack())
        trace = Trace(options.trace)
        stack.callback(trace.close)
        record = parts.record(trace)
        pids: dict[str, int] = {}

        def started(name: str) -> Callable[[int], None]:
            def tell(pid: int) -> None:
                if name in pids:
                    record.process(clock.now_us(), name, pid)
                pids[name] = pid

            return tell

        source = bar_source(parts, started("generator"))
        stack.callback(source.close)
        player = ProcessPlayer(parts.player_settings(backend), started("player"))
        stack.callback(player.close)
        latency_ms = parts.latency_ms(backend, player.ready.port)
        take_short_slices()  # before Link starts its threads, which take them over
        coming = asyncio.create_task(_bring_door(parts))  # while Link settles
        timeline = await join_timeline(parts)
        stack.callback(timeline.close)
        session = Session(
            timeline=timeline,
            source=source,
            player=player,
            conductor=parts.conductor(latency_ms),
            record=record,
            control_map=parts.control_map,
            keeper=OwnKeeper(),
        )
        control = _control_input(parts, backend, session)
        if control is not None:
            last.callback(_leave_port, control, player, console)
        osc_port = await _open_osc(parts, session, closing)
        heard_on = (backend, player.ready.port if backend else "", control.port if control else "")
        door = await coming
        web = await door.open_stage(options.settings, session, closing, console, heard_on) if door else None
        _tell_whose_tempo(options, timeline, console)
        where = f"{ports.OUTPUT_CLIENT}:{player.ready.port}" if backend else ""
        header = parts.header(
            latency_ms,
            clock=options.clock,
            backend=backend or "none",
            output_port=where,
            control_port=f"{ports.CONTROL_CLIENT}:{control.port}" if control else "",
            osc_port=osc_port,
            web=web,
            player=player.ready.priority,
            pids={"engine": os.getpid(), **pids},
        )
        record.header(header)
        if not options.show_view:
            console.print(f"{parts.style.title}; sending to {where or 'no port'}; {player.ready.priority}")
        if threading.current_thread() is threading.main_thread():
            stack.enter_context(stopping_by_signal(session))
        opened(session)
        view = asyncio.create_task(_show(session, where, console, options.show_view))
        try:
            await session.run(options.duration_s)
        finally:
            view.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await view
            _keep_take(options, record, console)


async def _bring_door(parts: Parts) -> ModuleType | None:
    """Import the stage door, which takes half a second, on a thread of its own; None where none is wanted."""
    if not parts.options.settings.web:
        return None
    return await asyncio.to_thread(importlib.import_module, "liveengine.stage_door")


async def _open_osc(parts: Parts, session: Session, closing: AsyncExitStack) -> int | None:
    """Take controls by OSC if it is asked for; return the port."""
    chosen = parts.options.settings
    if chosen.osc_port is None:
        return None
    osc = OscServer(parts.styles, session.post, lambda: public_state(session))
    port = await osc.open(chosen.osc_host, chosen.osc_port)
    closing.push_async_callback(osc.close)
    return port


def _tell_whose_tempo(options: PlayOptions, timeline: Timeline, console: Console) -> None:
    state = timeline.state()
    if options.bpm is not None and state.peers:
        console.print(
            f"The session runs at {state.beat_map.bpm:.2f} bpm and keeps its tempo; "
            f"--bpm {options.bpm:g} holds only when alone.",
            style="yellow",
        )


def _keep_take(options: PlayOptions, record: Record, console: Console) -> None:
    path = options.take
    if path is None and options.settings.backend == "file":
        path = Path("liveengine-take.mid")
    if path is not None:
        record.write_take(path)
        console.print(f"take: {path} ({record.bars} bars, {record.notes} notes)", highlight=False)


def _control_input(parts: Parts, backend: str | None, session: Session) -> ports.ControlInput | None:
    if backend is None:
        return None
    wanted = parts.options.settings.control_port
    if backend == "winmm" and wanted == ports.CONTROL_PORT:
        return None  # Windows has no virtual ports, and nobody named one
    return ports.ControlInput(
        backend,
        None if wanted == ports.CONTROL_PORT else wanted,
        session.receive,
    )


def _leave_port(control: ports.ControlInput, player: ProcessPlayer, console: Console) -> None:
    """Close the control port as the very last thing.

    A MIDI system that has stopped answering would hold this process for ever, in a call that python-rtmidi
    makes with Python's lock held. The player met it first: where that could not close its port, this
    process ends with its own still open, which the MIDI system notices by itself.
    """
    if player.had_to_be_killed:
        console.print("The MIDI system does not answer: its ports could not be closed.", style="red")
        sys.stdout.flush()
        os._exit(1)
    control.close()


@contextlib.contextmanager
def stopping_by_signal(session: Session) -> Iterator[None]:
    """Let ctrl-C and SIGTERM end the session in good order."""
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(kind, lambda *_: session.stop()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


async def _show(session: Session, port: str, console: Console, show_view: bool) -> None:
    """Show the view, or print plain lines, until cancelled."""
    if show_view and console.is_terminal:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            while True:
                live.update(render(snapshot(session), port), refresh=True)
                await asyncio.sleep(1 / VIEW_HZ)
    log = LogLines()
    while True:
        for line in log.lines(snapshot(session)):
            console.print(line, highlight=False)
        await asyncio.sleep(1 / VIEW_HZ)
