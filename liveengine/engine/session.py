"""A live session: the event loop that moves sessions, bars, controls, orders and reports to their places."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from liveengine.engine.ears import Ears
from liveengine.engine.midi_control import ControlSurface
from liveengine.engine.note_learning import NoteLearning
from liveengine.errors import ContractError, LiveEngineError
from liveengine.interfaces import BarSource, Timeline
from liveengine.music.control import Command, LearnMidi
from liveengine.music.control_map import ControlMap, GestureBinding
from liveengine.music.scene import Scene
from liveengine.planning.conductor import Conductor
from liveengine.planning.events import (
    AskBar,
    AskRehearsal,
    CaptureBars,
    KeepScene,
    MoveTempo,
    ShareTransport,
    TellPlayer,
)
from liveengine.planning.scenes import Progress
from liveengine.planning.song_following import SongFollower
from liveengine.playback.client import Player
from liveengine.recording.performance_log import PerformanceLog

log = logging.getLogger(__name__)

TICK_S = 0.005
"""How often the session is read. A new tempo, a start or stop, and a command wake the loop at once."""
HANDFUL_S = 0.003
"""Commands that come within this of others are applied together."""
SETTLE_US = 12_000.0
"""Feel and loudness are heard at once, and in a storm this often."""
FLUSH_S = 0.5
DRAIN_S = 0.05
"""Time given to the last reports before the record is closed."""

Answer = Callable[[LiveEngineError | None], None]
"""Called on the engine's thread with the error that refused a command, or None."""
Kept = Callable[[], None]


class SessionStore:
    """Where a session keeps what is to outlast it; this one keeps nothing. Called on a thread of its own."""

    captures: Path | None = None
    name = "liveengine"
    """What the files of captures begin with."""

    def keep_scene(self, scene: Scene) -> str:
        """Keep a scene; return a sentence that says where."""
        return f"scene {scene.name} is kept until the end"

    def keep_map(self, control_map: ControlMap) -> str:
        """Keep a control map; return a sentence that says where."""
        return f"{len(control_map.bindings)} bindings are kept until the end"


class Session:
    """Owns the loop; everything in it runs on the event loop's thread."""

    def __init__(
        self,
        *,
        timeline: Timeline,
        source: BarSource,
        player: Player,
        conductor: Conductor,
        record: PerformanceLog,
        control_map: ControlMap | None = None,
        store: SessionStore | None = None,
        ears: Ears | None = None,
    ) -> None:
        """Bring the parts together; they are closed by whoever made them."""
        self.timeline = timeline
        self.source = source
        self.player = player
        self.conductor = conductor
        self.record = record
        self.ears = ears or Ears(conductor.controls.bar_meter)
        self.song: SongFollower | None = None
        self.captured = 0
        self._store = store or SessionStore()
        self._surface = ControlSurface(
            control_map or ControlMap(), conductor.styles, self._scene_of_program, conductor.kits
        )
        self.notes = NoteLearning()
        self._stopping = False
        self._inbox: deque[tuple[Command | Sequence[int], Answer | None]] = deque()
        self._awake = False
        self._settled_us = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pause: asyncio.Future[None] | None = None
        self._answers_pipe: int | None = None
        self._commanded = False
        self._aside: ThreadPoolExecutor | None = None
        self._watchers: list[Callable[[], None]] = []

    def watch(self, moved: Callable[[], None]) -> None:
        """Have `moved` called after each step; it looks for what has changed, and returns at once."""
        self._watchers.append(moved)

    @property
    def progress(self) -> Progress | None:
        """Where the set list is, or else the song that is followed."""
        place = self.conductor.set_walk or self.song
        return place.progress(self.conductor.horizon.current) if place else None

    @property
    def pedals(self) -> tuple[GestureBinding, ...]:
        """The foot switches and pads whose gestures do something."""
        bindings = self._surface.control_map.bindings
        return tuple(each for each in bindings if isinstance(each, GestureBinding))

    @property
    def learning(self) -> str | None:
        """The control that waits for a knob or pad."""
        return self._surface.learning

    def _scene_of_program(self, number: int) -> str | None:
        scene = self.conductor.scenes.of_program(number)
        return scene.name if scene else None

    def stop(self) -> None:
        """Ask the session to end."""
        self._stopping = True

    def post(self, command: Command, answer: Answer | None = None) -> None:
        """Put a command into the inbox. Any thread."""
        self._put(command, answer)

    def receive(self, message: Sequence[int]) -> None:
        """Put a message of the control port into the inbox. Any thread."""
        self._put(message, None)

    def _put(self, item: Command | Sequence[int], answer: Answer | None) -> None:
        self._inbox.append((item, answer))
        if not self._awake and self._loop is not None:
            self._awake = True
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def _watch_answers(self) -> None:
        """Let an answer of the generator wake the loop; its pipe is another one after each restart."""
        pipe = self.source.fileno()
        if pipe != self._answers_pipe and self._loop is not None:
            self._ignore_answers()
            if pipe is not None:
                self._loop.add_reader(pipe, self._wake)
            self._answers_pipe = pipe

    def _ignore_answers(self) -> None:
        if self._answers_pipe is not None and self._loop is not None:
            self._loop.remove_reader(self._answers_pipe)
        self._answers_pipe = None

    async def _wait(self) -> None:
        """Wait for a tick, less if something has happened; commands in a storm are taken in handfuls."""
        if self._commanded:
            await asyncio.sleep(HANDFUL_S)
        loop = asyncio.get_running_loop()
        self._pause = loop.create_future()
        timer = loop.call_later(TICK_S, self._wake)
        await self._pause
        timer.cancel()

    async def run(self, duration_s: float | None = None) -> None:
        """Play until stopped, or for `duration_s` from the first downbeat.

        Raises LiveEngineError where the generator or the port is lost for good.
        """
        gc.collect()
        gc.freeze()  # what is there by now stays: to look through it took up to 80 ms, and held up orders
        flush_at = time.monotonic() + FLUSH_S
        self._loop = asyncio.get_running_loop()
        self.timeline.watch(self._wake)
        try:
            while not self._stopping:
                now_us = self.timeline.now_us()
                self.step(now_us)
                first = self.conductor.first_downbeat_us
                if duration_s is not None and first is not None and now_us >= first + duration_s * 1e6:
                    break
                if time.monotonic() >= flush_at:
                    self.record.flush()
                    flush_at = time.monotonic() + FLUSH_S
                self._watch_answers()
                await self._wait()
        finally:
            self._ignore_answers()
            self.end()
            await asyncio.sleep(DRAIN_S)
            await self._finish_aside()
            self._loop = None
            self.record.reports(self.player.reports())
            self.record.summary()
            self.record.flush()

    def end(self) -> None:
        """End every note and the bar that plays."""
        self.conductor.stop()
        self._carry_out()

    def step(self, now_us: float) -> None:
        """Do everything that is to be done at one moment."""
        self._awake = False
        self._commanded = bool(self._inbox)
        while self._inbox:
            self._handle(*self._inbox.popleft(), now_us)
        for command in self._surface.due(now_us / 1e6):
            self._handle(command, None, now_us)
        self._follow_learning(now_us)
        if self.conductor.changes.unsettled and now_us >= self._settled_us + SETTLE_US:
            self._settled_us = now_us
            self.conductor.changes.settle()
        self.conductor.tick(now_us, self.timeline.state())
        self.ears.step(self.conductor, now_us)
        reply = self.source.poll()
        if reply is not None:
            self.record.answered(reply)
            self.conductor.accept(reply, now_us)
        lost = self.source.lost()
        if lost is not None:
            self.conductor.lost(lost, now_us)
        for notice in (*self.source.notices(), *self.player.notices(), *self.ears.notices()):
            self.record.tell(now_us, notice)
        self._carry_out()
        self.record.reports(self.player.reports())
        self.record.trouble(now_us, self._troubles())
        for moved in list(self._watchers):
            if not self._call(moved):
                self._watchers.remove(moved)
                self.record.tell(now_us, "a view of the session failed and is off; see the log")

    def _troubles(self) -> tuple[str, ...]:
        """Return what is wrong at present: what is heard is not what was to be heard."""
        current = self.conductor.horizon.get(self.conductor.horizon.current)
        covered = self.conductor.sounding and current is not None and current.fallback and current.index > 0
        made = self.source.trouble() or (
            "the fallback plays: this bar was not made in time" if covered else ""
        )
        return tuple(each for each in (self.player.trouble(), made) if each)

    def _handle(self, item: Command | Sequence[int], answer: Answer | None, now_us: float) -> None:
        """Apply a command, or the one a message stands for; a wrong one is reported and changes nothing."""
        if isinstance(item, Sequence):
            if self.notes.takes(item):
                return
            try:
                command = self._surface.command(item, self.conductor.controls, now_us / 1e6)
            except ContractError as error:
                self.record.malformed_message(now_us, str(error))
                return
            if command is None:
                return
        else:
            command = item
        refused: LiveEngineError | None = None
        try:
            self.conductor.command(command, now_us)
        except LiveEngineError as error:
            refused = error
            self.record.tell(now_us, str(error))
        if isinstance(command, LearnMidi):
            self._surface.learn(command.control, now_us / 1e6)
            self.record.tell(now_us, _waiting_for(command.control))
        if answer is not None:
            self._call(lambda: answer(refused))

    def _call(self, callback: Callable[[], None]) -> bool:
        """Call somebody's callback; one that fails is logged, and never ends the session."""
        try:
            callback()
        except Exception:
            log.exception("a callback failed and is dropped")
            return False
        return True

    def _follow_learning(self, now_us: float) -> None:
        message = self._surface.learned(now_us / 1e6)
        if message is not None:
            self.record.tell(now_us, message)
            control_map = self._surface.control_map
            self._do_aside(lambda: self._store.keep_map(control_map))

    def _carry_out(self) -> None:
        for effect in self.conductor.effects:
            self.record.effect(effect)
            if isinstance(effect, AskBar):
                self.source.request(effect.request)
            elif isinstance(effect, TellPlayer):
                self.player.tell(effect.message)
            elif isinstance(effect, AskRehearsal):
                self.source.rehearse(effect.requests)
            elif isinstance(effect, CaptureBars):
                self._capture(effect)
            elif isinstance(effect, KeepScene):
                self._keep_scene(effect.scene)
            elif isinstance(effect, ShareTransport):
                self.timeline.set_playing(effect.playing)
            elif isinstance(effect, MoveTempo):
                refused = self.timeline.move(effect.move, effect.at_us)
                if refused is not None:
                    self.record.tell(effect.at_us, refused)
        self.conductor.effects.clear()

    def _keep_scene(self, scene: Scene) -> None:
        self._do_aside(lambda: self._store.keep_scene(scene))

    def _capture(self, asked: CaptureBars) -> None:
        """Write the last bars to a file named by the time; what goes wrong is reported and stops nothing."""
        if self._store.captures is None:
            return
        self.captured += 1
        path = self._store.captures / time.strftime(f"{self._store.name}-%Y%m%d-%H%M%S-{self.captured}.mid")
        tape = self.record.tape.copy()

        def write() -> Kept:
            try:
                take = tape.take(asked.bars)
                take.write(path)
            except LiveEngineError as error:
                wrong = str(error)
                return lambda: self.record.capture(asked.at_us, "", 0, wrong)
            return lambda: self.record.capture(asked.at_us, str(path), take.bars)

        self._run_aside(write)

    # --- what would hold the loop up -----------------------------------------------------------

    def _do_aside(self, work: Callable[[], str]) -> None:
        """Do work on a thread of its own, and tell what it says or what was wrong with it."""

        def done() -> Kept:
            try:
                message = work()
            except LiveEngineError as error:
                message = str(error)
            return lambda: self.record.tell(self.timeline.now_us(), message)

        self._run_aside(done)

    def _run_aside(self, work: Callable[[], Kept]) -> None:
        """Do work on a thread of its own, at once where no loop runs; what it returns is called here."""
        loop = self._loop
        if loop is None:
            work()()
            return

        def done() -> Kept:
            try:
                return work()
            except Exception as error:  # a thread would keep to itself what nobody has foreseen
                message = f"{type(error).__name__}: {error}"
                return lambda: self.record.tell(self.timeline.now_us(), message)

        if self._aside is None:
            self._aside = ThreadPoolExecutor(1, "liveengine-files")
        self._aside.submit(lambda: loop.call_soon_threadsafe(done()))

    async def _finish_aside(self) -> None:
        if self._aside is not None:
            await asyncio.to_thread(self._aside.shutdown)
            await asyncio.sleep(0)  # what is left to tell


def _waiting_for(control: str | None) -> str:
    return f"touch the knob or pad for {control}" if control else "no knob is being learned"
