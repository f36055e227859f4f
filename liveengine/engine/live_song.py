"""Song awareness: what Ableton Live tells of its set becomes sections, starts, stops and meters of a session.

Nothing here reaches the timing path: the sections are planned bars ahead, and where Live tells nothing the
session goes on by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from liveengine.ableton.client import LiveClient, Values
from liveengine.engine.session import Session
from liveengine.errors import LiveSilentError
from liveengine.music.beats import METERS
from liveengine.music.control import SetChoice, TriggerAction
from liveengine.planning.song_following import Cue, SongFollower
from liveengine.planning.song_position import SongPosition

log = logging.getLogger(__name__)

SET_S = 3.0
"""How often the names of scenes and the locators are read: AbletonOSC has no listener for them."""
POSITION_S = 0.25
"""How often the song's position is asked for."""
STALE_S = 0.1
"""How old a position may be when Live is asked for it: it is moved on as often as Live's screen is drawn."""
SETTLE_S = 0.5
"""After Live's transport has changed, Link, where it shares starts and stops, is given so long to do so."""
BOTH_S = 0.15
"""The two numbers of a time signature come within this."""
SHOWN_NAMES = 12


class LiveSong:
    """Follows Live for a session. Used by the event loop's thread only."""

    def __init__(self, session: Session, live: LiveClient) -> None:
        """Begin with nothing known; `start` begins to listen."""
        self._session, self._live = session, live
        self.song = SongFollower(session.conductor)
        self._position = SongPosition()
        self._names: tuple[str, ...] = ()
        self._cue_names: tuple[tuple[str, float], ...] = ()
        self._triggered: dict[int, bool] = {}
        self._shifted = False
        self._numerator: int | None = None
        self._denominator: int | None = None
        self._signature: str | None = None
        self._playing: bool | None = None
        self._strayed = False
        self._told = ""
        self._stops: list[Callable[[], None]] = []
        self._scene_stops: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._read_now = asyncio.Event()

    def start(self) -> None:
        """Follow Live from now on, whenever it answers."""
        session, live = self._session, self._live
        session.song = self.song
        session.watch(self.song.follow)
        live.events.loaded.append(self._loaded)
        self._stops = [
            live.listen("/live/song/get/is_playing", heard=self._heard_playing),
            live.listen("/live/song/get/signature_numerator", heard=self._heard_numerator),
            live.listen("/live/song/get/signature_denominator", heard=self._heard_denominator),
            live.listen("/live/song/get/back_to_arranger", heard=self._heard_arranger),
        ]
        self._begin(self._follow_set())
        self._begin(self._follow_position())

    async def close(self) -> None:
        """Follow Live no more; what it has called last stays."""
        for stop in (*self._stops, *self._scene_stops):
            stop()
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _loaded(self) -> None:
        """Live answers, or has loaded a set: all is read anew, and no listener holds on to what it was."""
        self._names, self._cue_names, self._shifted = (), (), False
        self._playing = self._numerator = self._denominator = None
        self._triggered.clear()
        self._position.forget()
        self.song.place(None)
        self._read_now.set()

    # --- the set -------------------------------------------------------------------------------

    async def _follow_set(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._read_now.wait(), SET_S)
            self._read_now.clear()
            if self._live.answering:
                try:
                    await self._read_set()
                except LiveSilentError:
                    continue  # the client says so, and that it is there again
                except Exception:
                    log.exception("reading the set of Live failed")

    async def _read_set(self) -> None:
        names = tuple(map(str, await self._live.query("/live/song/get/scene_names")))
        points = await self._live.query("/live/song/get/cue_points")
        cue_names = tuple(
            (str(name), float(beat))
            for name, beat in zip(points[::2], points[1::2], strict=False)
            if isinstance(beat, int | float)
        )
        if names != self._names:
            self._shifted = self._shifted or bool(self._names)
            self._names = names
            self._listen_to_scenes()
        if cue_names != self._cue_names:
            self._cue_names = cue_names
            found = [(self.song.section_of(name), beat) for name, beat in cue_names]
            self.song.lay([Cue(section, beat) for section, beat in found if section is not None])
        self._tell_what_is_understood()

    def _listen_to_scenes(self) -> None:
        for stop in self._scene_stops:
            stop()
        self._scene_stops = [
            self._live.listen("/live/scene/get/is_triggered", index, heard=self._hears_scene(index))
            for index in range(len(self._names))
        ]

    def _hears_scene(self, index: int) -> Callable[[Values], None]:
        def heard(values: Values) -> None:
            now = bool(values and values[0])
            before, self._triggered[index] = self._triggered.get(index, False), now
            if now and not before:
                self._begin(self._launched(index)) if self._shifted else self._launch(index)

        return heard

    async def _launched(self, index: int) -> None:
        """Launch a scene if it is the one that blinks.

        After a scene was put in or taken out, AbletonOSC goes on telling what has become of scenes under the
        numbers that they had.
        """
        with contextlib.suppress(LiveSilentError):
            blinks = await self._live.query("/live/scene/get/is_triggered", index, attempts=2)
            if blinks and blinks[0]:
                self._launch(index)

    def _launch(self, index: int) -> None:
        section = self.song.section_of(self._names[index]) if index < len(self._names) else None
        if section is not None:
            self.song.launch(section)

    def _tell_what_is_understood(self) -> None:
        """Say, once for each set, which names are understood and what is wrong with others."""
        named = [*(name for name, _ in self._cue_names), *filter(None, self._names)]
        meant = [(name, self.song.section_of(name)) for name in dict.fromkeys(named)]
        understood = [name for name, section in meant if section is not None]
        faults = [f"{name}: {fault}" for name in dict.fromkeys(named) for fault in self.song.faults_of(name)]
        if not understood:
            text = ""
        else:
            more = f" and {len(understood) - SHOWN_NAMES} more" if len(understood) > SHOWN_NAMES else ""
            text = f"Live's song: {', '.join(understood[:SHOWN_NAMES])}{more}"
        text = "; ".join([*filter(None, [text]), *faults])
        if text and text != self._told:
            self._session.ears.notice(text)
        self._told = text

    # --- transport and meter -------------------------------------------------------------------

    def _heard_playing(self, values: Values) -> None:
        playing = bool(values and values[0])
        before, self._playing = self._playing, playing
        if playing != before:
            self._position.forget()
            self.song.place(None)
        if before is not None and playing != before:
            self._begin(self._follow_transport(playing))

    async def _follow_transport(self, playing: bool) -> None:
        """Start or stop with Live, where Link has not done so already, and Live still does."""
        await asyncio.sleep(SETTLE_S)
        state = self._session.conductor.session
        if self._playing == playing and state is not None and state.playing != playing:
            self._session.post(TriggerAction("start" if playing else "stop"))

    def _heard_numerator(self, values: Values) -> None:
        if values and isinstance(values[0], int):
            self._numerator = values[0]
            self._begin(self._follow_signature())

    def _heard_denominator(self, values: Values) -> None:
        if values and isinstance(values[0], int):
            self._denominator = values[0]
            self._begin(self._follow_signature())

    async def _follow_signature(self) -> None:
        """Take over Live's time signature, once both of its numbers have come."""
        await asyncio.sleep(BOTH_S)
        if self._numerator is None or self._denominator is None:
            return
        written = f"{self._numerator}/{self._denominator}"
        if written == self._signature:
            return
        self._signature = written
        if written in map(str, METERS) and written != self._session.conductor.controls.time_signature:
            self._session.post(SetChoice("time_signature", written))

    def _heard_arranger(self, values: Values) -> None:
        if values:
            self.song.follow_arrangement(follows=not values[0])

    # --- the song's position -------------------------------------------------------------------

    async def _follow_position(self) -> None:
        while True:
            await asyncio.sleep(POSITION_S)
            if self._live.answering:
                try:
                    await self._ask_position()
                except LiveSilentError:
                    continue  # the song goes on as it was, as far as anybody knows
                except Exception:
                    log.exception("following Live's song failed")

    async def _ask_position(self) -> None:
        asked_beat = self._beat(-STALE_S)
        values = await self._live.query("/live/song/get/current_song_time")
        if not values or not isinstance(values[0], int | float):
            return
        song_beat = float(values[0])
        if not self._playing:
            self.song.rest(song_beat)
            return
        conductor = self._session.conductor
        line_beat = conductor.grid.start_beat(conductor.horizon.current) if conductor.sounding else 0.0
        bar_beats = (self._numerator or 4) * 4 / (self._denominator or 4)
        self._position.hear(song_beat, asked_beat, self._beat(), bar_beats=bar_beats, line_beat=line_beat)
        self.song.place(self._position.offset_beats)
        if self._position.strays and not self._strayed:
            self._session.ears.notice(
                "Live's bars are not those of the session, so that its locators are not followed: "
                "switch Link on in Live"
            )
        self._strayed = self._position.strays

    def _beat(self, since_s: float = 0.0) -> float:
        """Return the session's beat so many seconds from now."""
        timeline = self._session.timeline
        return timeline.state().beat_map.beat_at(timeline.now_us() + since_s * 1e6)
