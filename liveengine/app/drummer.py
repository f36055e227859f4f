"""The drummer as a Python object: `with Drummer(style="funk") as drummer: drummer.set("density", 0.8)`."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from rich.console import Console

from liveengine.app.live import play_live
from liveengine.app.loading import PlayOptions, load_session
from liveengine.config.settings import load_engine_settings
from liveengine.engine.session import Session
from liveengine.engine.snapshot import public_state
from liveengine.errors import ConfigError, ContractError, LiveEngineError
from liveengine.music.control_map import check_message
from liveengine.music.named import DRAWN_VELOCITY, named_command

START_PATIENCE_S = 60.0
ANSWER_PATIENCE_S = 5.0
DRUMMER_CLOCKS = ("link", "midi", "tap", "system")
"""Virtual time is over at once: there is nothing in it to turn."""
Answered = TypeVar("Answered")


class Drummer:
    """Plays in threads and processes of its own from `with` to its end. Any thread may call it.

    The settings are those of `configs/engine.yaml`, by their names.
    """

    def __init__(
        self,
        *,
        clock: str = "link",
        bpm: float | None = None,
        take: Path | str | None = None,
        trace: Path | str | None = None,
        checkpoint: Path | str | None = None,
        set_list: Path | str | None = None,
        console: Console | None = None,
        **settings: Any,
    ) -> None:
        """Prepare to play. Raises LiveEngineError for settings that cannot be."""
        defaults = load_engine_settings()
        known = {field.name for field in fields(defaults)}
        unknown = [name for name in settings if name not in known]
        if unknown:
            raise ContractError(f"Drummer: expected settings of configs/engine.yaml, got {unknown[0]!r}")
        if clock not in DRUMMER_CLOCKS:
            raise ConfigError(f"Drummer: expected a clock of {', '.join(DRUMMER_CLOCKS)}; got {clock!r}")
        if bpm is not None and (isinstance(bpm, bool) or not isinstance(bpm, int | float)):
            raise ContractError(f"bpm: expected a number, got {bpm!r}")
        # A program that plays opens no door that it has not asked for.
        settings.setdefault("web", "web_port" in settings or "web_host" in settings)
        self._loaded = load_session(
            PlayOptions(
                settings=replace(defaults, **settings),
                clock=clock,
                bpm=bpm,
                take=_path("take", take),
                trace=_path("trace", trace),
                checkpoint=_path("checkpoint", checkpoint),
                set_list=_path("set_list", set_list),
                show_view=False,
            )
        )
        self._console = console or Console(quiet=True)
        self._opened: Future[tuple[Session, asyncio.AbstractEventLoop]] = Future()
        self._failure: BaseException | None = None
        self._ended = False
        self._waiting: set[Future[Any]] = set()
        self._lock = threading.Lock()
        """Around `_ended` and `_waiting`: whoever waits for an answer learns of the end."""
        self._thread = threading.Thread(target=self._run, name="liveengine", daemon=True)

    def __enter__(self) -> Self:
        """Begin. Raises LiveEngineError where it cannot play, and for a second time."""
        if self._thread.ident is not None:
            raise ContractError("Drummer: expected one `with` for each, got another: make a new Drummer")
        self._thread.start()
        try:
            self._opened.result(START_PATIENCE_S)
        except TimeoutError as error:
            self._opened.add_done_callback(_stop_at_once)
            raise LiveEngineError(
                f"Drummer: expected the engine to begin within {START_PATIENCE_S:g} s, it did not"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every note, and write the take. Raises what ended the engine, if anything did."""
        self._opened.result()[0].stop()
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self) -> None:
        def opened(session: Session) -> None:
            self._opened.set_result((session, asyncio.get_running_loop()))

        try:
            asyncio.run(play_live(self._loaded, self._console, opened))
        except BaseException as error:
            if self._opened.done():
                self._failure = error
            else:
                self._opened.set_exception(error)
        finally:
            with self._lock:
                self._ended = True
                waiting = list(self._waiting)
            for answer in waiting:
                _settle(answer, error=self._end())

    def set(self, name: str, value: float | str | bool | None) -> None:
        """Turn a control, or give `seed`, `scene`, `save_scene`, `marker` or `learn_midi` a value.

        Raises ContractError for one that cannot be, UnknownNameError for a name that there is not.
        """
        self._apply(name, value)

    def do(self, action: str) -> None:
        """Do something once: fill, break, lock_4, undo, capture_16 ... Raises ContractError for another."""
        self._apply(action)

    def draw(
        self, bar: int, step: int, voice: str, velocity: int = DRAWN_VELOCITY, *, keep: bool = False
    ) -> None:
        """Put a stroke into a step of bar `bar`, both from 0, or silence its voice there with velocity 0.

        `bar` is as `state()["bar"]` counts; with `keep` it is so in every bar from there on. Raises
        ContractError for a cell that cannot be drawn any more.
        """
        self._apply("draw", bar, step, voice, velocity, keep)

    def erase(self, bar: int, step: int, voice: str) -> None:
        """Leave to the model again what was drawn; raises as `draw` does."""
        self._apply("erase", bar, step, voice)

    def hear(self, message: Sequence[int]) -> None:
        """Let the drummer hear a MIDI message of another player, as it is played now.

        Raises ContractError for what is no MIDI message.
        """
        session, _ = self._running()
        if not all(isinstance(byte, int) and 0 <= byte <= 255 for byte in message):
            raise ContractError(f"MIDI message: expected bytes 0-255, got {message!r}")
        check_message(message)
        session.ears.hear(message, session.timeline.now_us())

    def recall(self, scene: str, bars: int = 0) -> None:
        """Turn to a scene, over some bars. Raises UnknownNameError where there is none of the name."""
        self._apply("scene", scene, bars)

    def save(self, scene: str, program: int | None = None) -> None:
        """Keep the controls as they are, under a name and a program number if given."""
        self._apply("save_scene", scene, *([] if program is None else [program]))

    def state(self) -> Mapping[str, str | float | bool | None]:
        """Return every control by its name, how it goes, and where the music is."""
        return self._on_its_thread(public_state)

    def _end(self) -> BaseException:
        """Return what ended the engine."""
        return self._failure or LiveEngineError("Drummer: expected one that plays, this one has ended")

    def _running(self) -> tuple[Session, asyncio.AbstractEventLoop]:
        """Return the session and its loop. Raises what ended the engine, and ContractError before `with`."""
        if self._thread.ident is None:
            raise ContractError("Drummer: expected `with Drummer() as drummer:` around what it is to do")
        if self._ended and self._opened.exception() is None:
            raise self._end()
        return self._opened.result()

    def _apply(self, name: str, *values: object) -> None:
        session, _ = self._running()
        command = named_command(name, values, self._loaded.styles)
        if command is None:
            return
        answer: Future[LiveEngineError | None] = Future()
        refused = self._wait_for(answer, lambda: session.post(command, lambda said: _settle(answer, said)))
        if refused is not None:
            raise refused

    def _on_its_thread(self, question: Callable[[Session], Answered]) -> Answered:
        session, loop = self._running()
        answer: Future[Answered] = Future()

        def ask() -> None:
            try:
                _settle(answer, question(session))
            except Exception as error:
                _settle(answer, error=error)

        def post() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(ask)

        return self._wait_for(answer, post)

    def _wait_for(self, answer: Future[Answered], ask: Callable[[], None]) -> Answered:
        """Ask, and return the answer. Raises what ended the engine meanwhile, if anything did."""
        with self._lock:
            if self._ended:
                raise self._end()
            self._waiting.add(answer)
        try:
            ask()
            return answer.result(ANSWER_PATIENCE_S)
        except TimeoutError as error:
            raise LiveEngineError(
                f"Drummer: expected an answer within {ANSWER_PATIENCE_S:g} s, the engine gives none"
            ) from error
        finally:
            with self._lock:
                self._waiting.discard(answer)


def _settle(answer: Future[Any], result: object = None, error: BaseException | None = None) -> None:
    """Give an answer, unless the end of the engine has."""
    with contextlib.suppress(InvalidStateError):
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)


def _stop_at_once(opened: Future[tuple[Session, asyncio.AbstractEventLoop]]) -> None:
    """Stop an engine that nobody waits for any more."""
    if opened.exception() is None:
        opened.result()[0].stop()


def _path(name: str, given: object) -> Path | None:
    if given is None or isinstance(given, Path):
        return given
    if not isinstance(given, str) or not given:
        raise ContractError(f"{name}: expected a path, got {given!r}")
    return Path(given)
