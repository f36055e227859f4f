"""Playing live: each part is started in order and ended in reverse; the only place that chooses adapters."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from types import ModuleType

from rich.console import Console

from liveengine.app.clocks import Clocks
from liveengine.app.link_bridge import start_bridge
from liveengine.app.live_following import start_live
from liveengine.app.loading import LoadedSession, PlayOptions
from liveengine.app.takes import journal_for, keep_take
from liveengine.app.view import start_view, tell_summary
from liveengine.clock.system import SystemClock, now_us
from liveengine.config.control_maps import save_own_control_map
from liveengine.config.scenes import save_scene
from liveengine.config.user_files import own_folder
from liveengine.engine.ears import Ears
from liveengine.engine.session import Session, SessionStore
from liveengine.engine.snapshot import public_state
from liveengine.errors import ConfigError, MidiError
from liveengine.generation.process_source import ProcessBarSource
from liveengine.interfaces import BarSource, Timeline
from liveengine.midi import ports
from liveengine.midi.input_process import InputProcess, InputSettings
from liveengine.music.control_map import ControlMap
from liveengine.music.scene import Scene
from liveengine.osc.server import OscServer
from liveengine.playback.client import ProcessPlayer
from liveengine.playback.priority import take_short_slices
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

NO_PORT = ("file", "none")


class UserSessionStore(SessionStore):
    """Keeps captures, scenes and what MIDI learn has learned in the player's own folder."""

    captures = own_folder() / "captures"

    def __init__(self, name: str, ready_map: str | None) -> None:
        """Keep captures under the engine's name, and of the control map what differs from the ready one."""
        self.name = name
        self._ready_map = ready_map

    def keep_scene(self, scene: Scene) -> str:
        """Write the scene's file."""
        return f"scene {scene.name} is kept: {save_scene(scene)}"

    def keep_map(self, control_map: ControlMap) -> str:
        """Write the own control map."""
        return f"the control map is kept: {save_own_control_map(control_map, self._ready_map)}"


def bar_source(loaded: LoadedSession, started: Callable[[int], None]) -> BarSource:
    """Return what makes the bars: a process, or other machines with it as their cover.

    Raises ConfigError where Celery is asked for and is not installed, or no broker is named.
    """
    chosen = loaded.settings
    if chosen.generator == "local":
        return ProcessBarSource(loaded.checkpoint, chosen.device, started, loaded.packs)
    if chosen.broker is None:
        raise ConfigError("--generator celery: expected --broker redis://..., got none")
    try:
        from liveengine.generation.celery_source import CeleryAsk, RemoteBarSource
    except ImportError as error:
        raise ConfigError(f"--generator celery needs `pip install liveengine[workers]`: {error}") from error
    ask = CeleryAsk(chosen.broker, loaded.checkpoint_sha256)
    local = ProcessBarSource(loaded.checkpoint, chosen.device, started, loaded.packs)
    return RemoteBarSource(local, ask, chosen.remote_deadline_ms)


def choose_backend(wanted: str, console: Console) -> str | None:
    """Return the MIDI system to send through, or None; tells the cure where `auto` finds none."""
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


class _Processes:
    """The pids of the child processes; one that comes anew goes into the record."""

    def __init__(self, record: PerformanceLog) -> None:
        self.pids: dict[str, int] = {}
        self._record = record
        self._clock = SystemClock()

    def started(self, name: str) -> Callable[[int], None]:
        """Return what is to be called with the pid of each process of that name."""

        def note(pid: int) -> None:
            if name in self.pids:
                self._record.process(self._clock.now_us(), name, pid)
            self.pids[name] = pid

        return note


async def play_live(
    loaded: LoadedSession, console: Console, opened: Callable[[Session], None] = lambda _: None
) -> None:
    """Play until stopped; `opened` is called with the session once all of it stands.

    Raises LiveEngineError where that cannot be. Signals stop it only where it runs in the main thread.
    """
    options, settings = loaded.options, loaded.settings
    backend = choose_backend(settings.backend, console)
    async with AsyncExitStack() as stack:
        trace = stack.enter_context(contextlib.closing(Trace(options.trace)))
        journal = stack.enter_context(journal_for(loaded.take, console))
        record = loaded.record(trace, journal)
        processes = _Processes(record)
        source = stack.enter_context(contextlib.closing(bar_source(loaded, processes.started("generator"))))
        inputs = {
            kind: stack.enter_context(start_input(loaded, backend, kind, processes.started(kind)))
            for kind in ("control", "listen")
        }
        player = stack.enter_context(start_player(loaded, backend, processes.started("player")))
        drums = player.ready.port
        latency_ms = loaded.latency_ms(backend, drums.name if drums else "")
        take_short_slices()  # before Link starts its threads, which take them over
        door = asyncio.create_task(_import_stage_server(wanted=settings.web))  # while Link settles
        clocks = Clocks(loaded, backend)
        timeline = await stack.enter_async_context(clocks.start())
        session = Session(
            timeline=timeline,
            source=source,
            player=player,
            conductor=loaded.conductor(latency_ms),
            record=record,
            control_map=loaded.control_map,
            store=UserSessionStore(settings.name, settings.map),
            ears=Ears(loaded.meter),
        )
        control, listening = inputs["control"], inputs["listen"]
        if control is not None:
            control.open(lambda message, _: session.receive(message), session.ears.notice)
        if listening is not None:
            start_listening(loaded, backend or "", listening, session)
        synced = stack.enter_context(clocks.port(session.ears.notice))
        await stack.enter_async_context(start_bridge(loaded, timeline.followed))
        door_closing = await stack.enter_async_context(AsyncExitStack())
        osc_port = await door_closing.enter_async_context(
            start_osc(settings.osc_host, settings.osc_port, session)
        )
        await door_closing.enter_async_context(start_live(settings, session))
        where = drums.shown if drums else ""
        controlled_at = control.port.shown if control else ""
        server = await door
        web = (
            await server.open_stage(
                settings, session, door_closing, console, (backend, lambda: player.port, controlled_at)
            )
            if server
            else None
        )
        _tell_whose_tempo(options, timeline, console)
        record.header(
            loaded.header(
                latency_ms,
                clock=options.clock,
                backend=backend or "none",
                output_port=where,
                control_port=controlled_at,
                listen_port=listening.port.shown if listening else "",
                sync_port=synced.port.shown if synced else "",
                osc_port=osc_port,
                web=web,
                player=player.ready.priority,
                pids={"engine": os.getpid(), **processes.pids},
            )
        )
        if not options.show_view:
            console.print(f"{loaded.style.title}; sending to {where or 'no port'}; {player.ready.priority}")
        stack.enter_context(stopping_by_signal(session))
        opened(session)
        try:
            async with start_view(session, where, web or "", console, options.show_view):
                await session.run(options.duration_s)
        finally:
            try:
                if loaded.take is not None:
                    keep_take(record, loaded.take, journal, console)
            finally:
                tell_summary(record, options.trace, console)


@contextlib.contextmanager
def start_player(
    loaded: LoadedSession, backend: str | None, started: Callable[[int], None]
) -> Iterator[ProcessPlayer]:
    """Start the player process, with its port; raises MidiError where that could not be closed in the end."""
    player = ProcessPlayer(loaded.player_settings(backend), started)
    with contextlib.closing(player):
        yield player
    if player.had_to_be_killed:
        raise MidiError("The MIDI system does not answer: its ports could not be closed.")


@contextlib.contextmanager
def start_input(
    loaded: LoadedSession,
    backend: str | None,
    kind: str,
    started: Callable[[int], None] = lambda _: None,
) -> Iterator[InputProcess | None]:
    """Start the process of the port for controls or of that for other players' notes; it opens meanwhile.

    None where there is no MIDI system for one: Windows has no virtual ports, and nobody may have named one.
    """
    chosen = loaded.settings
    own, wanted = {
        "control": (ports.CONTROL_PORT, chosen.control_port),
        "listen": (ports.LISTEN_PORT, chosen.listen_port),
    }[kind]
    if backend is None or (backend == "winmm" and wanted == own):
        yield None
        return
    port = None if wanted == own else wanted
    with contextlib.closing(
        InputProcess(InputSettings(kind, backend, port, now_us, chosen.name), started)
    ) as opening:
        yield opening


def start_listening(loaded: LoadedSession, backend: str, listening: InputProcess, session: Session) -> None:
    """Let the session hear other players. Raises MidiError where the port cannot be opened."""
    heard = listening.open(session.ears.hear, session.ears.notice)
    session.ears.latency_ms = loaded.listen_latency_ms(backend, heard.name)


@contextlib.asynccontextmanager
async def start_osc(host: str, port: int | None, session: Session) -> AsyncIterator[int | None]:
    """Take controls by OSC if a port is named, 0 for any; yield the port."""
    if port is None:
        yield None
        return
    osc = OscServer(session.conductor.styles, session.post, lambda: public_state(session))
    chosen = await osc.open(host, port)
    try:
        yield chosen
    finally:
        await osc.close()


async def _import_stage_server(*, wanted: bool) -> ModuleType | None:
    """Import it on a thread, for it takes half a second; None where no page is wanted."""
    if not wanted:
        return None
    return await asyncio.to_thread(importlib.import_module, "liveengine.app.stage_server")


def _tell_whose_tempo(options: PlayOptions, timeline: Timeline, console: Console) -> None:
    state = timeline.state()
    if options.bpm is not None and state.peers:
        console.print(
            f"The session runs at {state.beat_map.bpm:.2f} bpm and keeps its tempo; "
            f"--bpm {options.bpm:g} holds only when alone.",
            style="yellow",
        )


@contextlib.contextmanager
def stopping_by_signal(session: Session) -> Iterator[None]:
    """Let ctrl-C, SIGTERM and a closed terminal (SIGHUP) end the session in good order.

    Elsewhere than in the main thread it does nothing. What ignores SIGHUP from the start, as under nohup,
    goes on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    kinds = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        kinds.append(signal.SIGHUP)
    before = [signal.signal(kind, lambda *_: session.stop()) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)
