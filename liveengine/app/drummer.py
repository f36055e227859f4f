"""The drummer as a Python object: `with Drummer(style="funk") as drummer: drummer.set("density", 0.8)`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
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
        take: Path | None = None,
        trace: Path | None = None,
        checkpoint: Path | None = None,
        set_list: Path | None = None,
        console: Console | None = None,
        **settings: Any,
    ) -> None:
        """Prepare to play. Raises LiveEngineError for settings that cannot be."""
        defaults = load_engine_settings()
        unknown = [name for name in settings if not hasattr(defaults, name)]
        if unknown:
            raise ContractError(f"Drummer: expected settings of configs/engine.yaml, got {unknown[0]!r}")
        if clock not in DRUMMER_CLOCKS:
            raise ConfigError(f"Drummer: expected a clock of {', '.join(DRUMMER_CLOCKS)}; got {clock!r}")
        # A program that plays opens no door that it has not asked for.
        settings.setdefault("web", "web_port" in settings or "web_host" in settings)
        self._loaded = load_session(
            PlayOptions(
                settings=replace(defaults, **settings),
                clock=clock,
                bpm=bpm,
                take=take,
                trace=trace,
                checkpoint=checkpoint,
                set_list=set_list,
                show_view=False,
            )
        )
        self._console = console or Console(quiet=True)
        self._opened: Future[tuple[Session, asyncio.AbstractEventLoop]] = Future()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="liveengine", daemon=True)

    def __enter__(self) -> Self:
        """Begin. Raises LiveEngineError where it cannot play."""
        self._thread.start()
        self._opened.result(START_PATIENCE_S)
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
        """Let the drummer hear a MIDI message of another player, as it is played now."""
        session, _ = self._running()
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

    def _running(self) -> tuple[Session, asyncio.AbstractEventLoop]:
        """Return the session and its loop. Raises what ended the engine, if anything did."""
        if self._failure is not None:
            raise self._failure
        return self._opened.result()

    def _apply(self, name: str, *values: object) -> None:
        session, _ = self._running()
        command = named_command(name, values, self._loaded.styles)
        if command is None:
            return
        answer: Future[LiveEngineError | None] = Future()
        session.post(command, answer.set_result)
        refused = self._wait_for(answer)
        if refused is not None:
            raise refused

    def _on_its_thread(self, question: Callable[[Session], Answered]) -> Answered:
        session, loop = self._running()
        answer: Future[Answered] = Future()
        loop.call_soon_threadsafe(lambda: answer.set_result(question(session)))
        return self._wait_for(answer)

    def _wait_for(self, answer: Future[Answered]) -> Answered:
        """Return an answer. Raises what ended the engine meanwhile, if anything did."""
        try:
            return answer.result(ANSWER_PATIENCE_S)
        except TimeoutError:
            self._running()
            raise
