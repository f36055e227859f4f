"""The conductor: follows the session, applies commands, and has the plan played.

Pure: time and session come in with each call, orders and events go out as effects. The same conductor
runs live, offline and in tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from liveengine.interfaces import SessionState
from liveengine.music.beats import BeatMap, Meter, last_multiple
from liveengine.music.control import (
    CLOCK_CHANGES,
    TEMPO_MOVES,
    Command,
    ControlState,
    JumpToMarker,
    LearnMidi,
    RecallScene,
    SaveScene,
    SetBlendStyle,
    SetKit,
    SetSeed,
    SetStyle,
    StateCommand,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke, EraseStroke
from liveengine.music.kit import KitMap
from liveengine.music.kit_book import KitBook
from liveengine.music.kit_commands import AddKit, StrikePad
from liveengine.music.named import recorded
from liveengine.music.request import BarReply, LostRequest
from liveengine.music.scene import Scene, SetList
from liveengine.music.style import Style, StyleBook
from liveengine.planning import gestures as moves
from liveengine.planning.bar_builder import BarMaker
from liveengine.planning.bar_grid import BarGrid, has_jumped
from liveengine.planning.conductor_settings import ConductorSettings
from liveengine.planning.count_in import count_bars, counted_in
from liveengine.planning.covering import cover_late_bars
from liveengine.planning.decode_reports import PLAYER_LEAD_MS
from liveengine.planning.ending import begin_afresh, fill_bar
from liveengine.planning.events import (
    BarEnded,
    CaptureBars,
    ControlMoved,
    Effect,
    KeepScene,
    MoveTempo,
    PeersChanged,
    ShareTransport,
    TellPlayer,
    TempoChanged,
    TransportChanged,
)
from liveengine.planning.hearing import Hearing
from liveengine.planning.horizon import Horizon
from liveengine.planning.intent_changes import IntentChanges
from liveengine.planning.kit_changes import apply_kit_command
from liveengine.planning.planner import Planner
from liveengine.planning.scenes import SceneBook, SetListPlayer
from liveengine.planning.set_following import SetFollower
from liveengine.planning.starting import first_beat
from liveengine.playback.messages import AllOff, Clear, Replace, SetLatency, SetMap, StartSong, StopSong


class Conductor:
    """Owned by the engine's loop. Call `tick` often; read `effects` after each call and clear them."""

    def __init__(
        self,
        settings: ConductorSettings,
        styles: StyleBook,
        kit: KitMap,
        controls: ControlState,
        *,
        scenes: SceneBook | None = None,
        set_list: SetList | None = None,
        kits: Iterable[KitMap] = (),
    ) -> None:
        """Begin before the first bar, on `kit`, which may be switched to one of `kits`.

        Raises UnknownNameError for a style that is not in the book.
        """
        self.scenes = scenes or SceneBook()
        self.set_walk = SetListPlayer(set_list) if set_list else None
        if self.set_walk is not None:
            controls = self.set_walk.first.over(controls)
        styles.find(controls.style)
        self.settings = settings
        self.styles = styles
        self.kits = KitBook(kit, kits)
        self.effects: list[Effect] = []
        self.session: SessionState | None = None
        self.first_downbeat_us: float | None = None
        self.plan = Planner(
            BarMaker(settings.seed, settings.guidance),
            styles,
            self.kits,
            controls,
            self.effects,
            settings=settings,
        )
        self.hearing = Hearing(self.plan, self.effects)
        self._waiting = not settings.waits
        self.changes = IntentChanges(self.plan, self.effects)
        self._set = SetFollower(self.set_walk, self.plan, self.changes, self.effects)
        self.effects.append(TellPlayer(SetLatency(controls.latency_ms)))

    @property
    def horizon(self) -> Horizon:
        """The bars that have been, play, and are planned."""
        return self.plan.horizon

    @property
    def controls(self) -> ControlState:
        """Everything as it is entry now."""
        return self.plan.controls

    @property
    def style(self) -> Style:
        """The style asked for; the bar that plays may still be in another."""
        return self.plan.style

    @property
    def meter(self) -> Meter:
        """The meter of the bar that plays, or of the first that will."""
        grid = self.plan.grid
        return grid.meter_at(self.horizon.current) if grid else self.controls.bar_meter

    @property
    def kit(self) -> KitMap:
        """The kit that is played from the next note on."""
        return self.kits.of(self.controls.kit)

    @property
    def sounding(self) -> bool:
        """Whether the engine plays, or has decided from where on it will."""
        return self.plan.sounding

    # --- what comes in -------------------------------------------------------------------------

    def tick(self, now_us: float, session: SessionState) -> None:
        """Follow the session to this moment: begin, commit, finish and ask for bars."""
        plan = self.plan
        plan.now_us = now_us
        self._follow(now_us, session)
        if self._waiting:
            self._begin_if_ready(now_us)
        if plan.sounding:
            self._note_first_downbeat(now_us)
            cover_late_bars(plan)
            while session.beat_map.beat_at(now_us) >= self.grid.start_beat(plan.horizon.current + 1):
                self._finish_bar()
                if plan.intent.is_over(plan.horizon.current):
                    self._end()
                    break
                self.changes.begin_bar()
                cover_late_bars(plan)
        if plan.sounding:
            self._set.follow(session.beat_map)
            self.changes.morph_on(session.beat_map.beat_at(now_us))
        plan.ask()

    def accept(self, reply: BarReply, now_us: float) -> None:
        """Take a generated bar into the plan; one that nobody waits for any more is left out."""
        self.plan.now_us = now_us
        self.plan.accept(reply)

    def lost(self, request: LostRequest, now_us: float) -> None:
        """Ask again for a bar whose request was lost, with the spec of now; play one that cannot be made.

        What plays is what there is of it in the plan, else the fallback.
        """
        self.plan.now_us = now_us
        self.plan.lost(request)

    def command(self, command: Command, now_us: float) -> None:
        """Apply a command.

        Raises UnknownNameError for a style, scene or marker that does not exist, ContractError for a stroke
        that could not be heard.
        """
        self.plan.now_us = now_us
        if isinstance(command, TriggerAction):
            self._tell("do", command.action)
            self._do(command.action)
        elif isinstance(command, SetSeed):
            self._tell("seed", float(command.seed))
            moves.reseed(self.plan, command.seed)
        elif isinstance(command, SaveScene):
            self._save(command)
        elif isinstance(command, RecallScene):
            scene = self.scenes.find(command.name)
            self.kits.of(scene.controls.kit)
            self._tell("scene", scene.name)
            self.changes.recall(scene, command.bars, self.session.beat_map if self.session else None)
        elif isinstance(command, JumpToMarker):
            self._tell("marker", command.name)
            self._set.call(command.name)
        elif isinstance(command, DrawStroke | EraseStroke):
            self._tell(*recorded(self.changes.draw(command)))
        elif isinstance(command, StrikePad | AddKit):
            apply_kit_command(command, self.kit, self.kits, self.changes, self.effects)
        elif not isinstance(command, LearnMidi):
            self._turn(self._found(command))

    def _tell(self, name: str, value: str | float | bool | None) -> None:
        self.effects.append(ControlMoved(self.plan.now_us, name, value))

    def _found(self, command: StateCommand) -> StateCommand:
        """Return a command with its style or kit spelled as in its book."""
        if isinstance(command, SetStyle):
            return SetStyle(self.styles.find(command.name).name)
        if isinstance(command, SetBlendStyle) and command.name is not None:
            return SetBlendStyle(self.styles.find(command.name).name)
        if isinstance(command, SetKit) and command.name is not None:
            return SetKit(self.kits.find(command.name).name)
        return command

    def _turn(self, command: StateCommand) -> None:
        name, value = recorded(command)
        self._tell(name, value)
        self.changes.turn(name, command)

    def _do(self, action: str) -> None:
        simple = _ACTIONS.get(action)
        if simple is not None:
            simple(self)
            return
        if action in (*TEMPO_MOVES, *CLOCK_CHANGES):
            self.effects.append(MoveTempo(self.plan.now_us, action))
            return
        what, _, count = action.partition("_")
        if what == "lock":
            moves.lock(self.plan, int(count))
        else:
            self.effects.append(CaptureBars(self.plan.now_us, int(count)))

    def _step_style(self, steps: int) -> None:
        self._turn(SetStyle(self.styles.beyond(self.controls.style, steps).name))

    def _share_transport(self, playing: bool) -> None:
        self.effects.append(ShareTransport(playing))
        self._follow_transport(playing)

    def _end_notes(self) -> None:
        self.effects.append(TellPlayer(AllOff(self.kit.keys)))

    # --- scenes --------------------------------------------------------------------------------

    def _save(self, command: SaveScene) -> None:
        self._tell("save_scene", command.name)
        others = [self.scenes.put(Scene(command.name, self.controls, command.program))]
        scene = self.scenes.find(command.name)
        self.effects += [KeepScene(each) for each in [scene, *others] if each is not None]

    def stop(self) -> None:
        """End every note, and the bar that plays; one that has not begun is kept."""
        if self.plan.sounding and self.session is not None and self._has_begun(self.session.beat_map):
            self._finish_bar()
        self.plan.sounding = False
        self._waiting = False
        self.changes.end(None)
        self.effects += [TellPlayer(StopSong()), TellPlayer(Clear())]

    def _end(self) -> None:
        """Wait after an ending, as after a stop; what is started then follows nothing that has been."""
        self.plan.sounding = False
        begin_afresh(self.plan)
        self._share_transport(False)

    # --- the session ---------------------------------------------------------------------------

    @property
    def grid(self) -> BarGrid:
        """Where the bars lie in the session's time; only after a first tick."""
        assert self.plan.grid is not None
        return self.plan.grid

    def _lay_grid(self, beat_map: BeatMap) -> None:
        """Lay the bars, where they lie now, over other beats."""
        laid = self.plan.grid
        self.plan.grid = (
            replace(laid, beat_map=beat_map) if laid else BarGrid(beat_map, self.controls.bar_meter)
        )

    def _follow(self, now_us: float, session: SessionState) -> None:
        before, self.session = self.session, session
        if before is None or session.beat_map != before.beat_map:
            self._lay_grid(session.beat_map)
            jumped = (
                before is not None and self.sounding and has_jumped(before.beat_map, session.beat_map, now_us)
            )
            if jumped:  # what was planned is planned anew: none of it is dropped for where its beat is now
                self.effects.append(TellPlayer(Replace(self.horizon.current, 0, (), again=True)))
            self.effects.append(TellPlayer(SetMap(session.beat_map)))
            if before is None or jumped or session.beat_map.bpm != before.beat_map.bpm:
                beat = session.beat_map.beat_at(now_us)
                self.effects.append(TempoChanged(now_us, session.beat_map.bpm, beat, jumped))
            if jumped:
                self._anchor_again(now_us, before.beat_map if before else session.beat_map)
        if before is None or session.peers != before.peers:
            self.effects.append(PeersChanged(now_us, session.peers))
        if before is None or session.playing != before.playing:
            self.effects.append(TransportChanged(now_us, session.playing))
            if before is not None or (self.settings.waits and session.playing):
                self._follow_transport(session.playing)

    def _follow_transport(self, playing: bool) -> None:
        if playing:
            self._waiting = not self.sounding
        else:
            self.stop()

    def _begin_if_ready(self, now_us: float) -> None:
        """Once the next bar is there, let it begin on the next multiple of the quantum."""
        assert self.session is not None
        current = self.horizon.current
        if self.horizon.get(current) is None:
            return
        quantum = self.settings.quantum_beats
        count_beats = count_bars(self.controls) * self.grid.meter_at(current).beats
        beat = first_beat(
            self.session, quantum, now_us=now_us, lead_us=self.plan.lead_us(), count_beats=count_beats
        )
        self.plan.grid = self.grid.anchored(beat, current)
        self._waiting = False
        self.plan.sounding = True
        if not self.session.playing:  # what starts to play says so: every stop from now on is heard
            self.effects.append(ShareTransport(True))
        self._start_song()
        if count_beats:
            count = counted_in(self.controls, self.grid, self.kit, current)
            self.effects.append(TellPlayer(count))
        self.plan.send(current, 0)

    def _start_song(self) -> None:
        """Let MIDI clock run from the bar line of the current bar."""
        current = self.horizon.current
        start = StartSong(self.grid.start_beat(current), self.grid.song_beat(current))
        self.effects.append(TellPlayer(start))

    def _note_first_downbeat(self, now_us: float) -> None:
        line_us = self.grid.time_of(self.horizon.current)
        if self.first_downbeat_us is None and now_us >= line_us:
            self.first_downbeat_us = line_us

    def _has_begun(self, beat_map: BeatMap) -> bool:
        """Tell whether the current bar has begun: before the first one it is still to come."""
        return beat_map.beat_at(self.plan.now_us) >= self.grid.start_beat(self.horizon.current)

    def _anchor_again(self, now_us: float, before: BeatMap) -> None:
        """After a jump of the beat: the bar that plays goes on from where the new bar line puts it."""
        assert self.session is not None
        if not self._has_begun(before):  # nothing but a count-in has sounded yet: begin anew
            self.plan.sounding, self._waiting = False, True
            self.effects += [TellPlayer(StopSong()), TellPlayer(Clear())]
            return
        current, quantum = self.horizon.current, self.settings.quantum_beats
        beats = self.grid.meter_at(current).beats
        align = beats if quantum % beats == 0 else quantum
        line_beat = last_multiple(self.session.beat_map.beat_at(now_us), align)
        self.plan.intent = self.plan.intent.after_jump(line_beat - self.grid.start_beat(current))
        self.plan.grid = self.grid.anchored(line_beat, current)
        self._start_song()
        self.plan.send(current, self.plan.open_step(current, PLAYER_LEAD_MS))

    def _finish_bar(self) -> None:
        index = self.horizon.current
        start = self.grid.start_beat(index)
        ended = self.horizon.finish_current()
        if ended is not None:
            self.effects.append(BarEnded(start, ended))


_ACTIONS: Mapping[str, Callable[[Conductor], None]] = {
    "start": lambda conductor: conductor._share_transport(True),
    "stop": lambda conductor: conductor._share_transport(False),
    "fill": lambda conductor: moves.fill(conductor.plan),
    "break": lambda conductor: moves.drop_out(conductor.plan),
    "unlock": lambda conductor: moves.unlock(conductor.plan),
    "clear_drawing": lambda conductor: conductor.changes.clear_drawing(),
    "undo": lambda conductor: conductor.changes.undo(),
    "panic": Conductor._end_notes,
    "end": lambda conductor: conductor.changes.end(fill_bar(conductor.plan)),
    "end_phrase": lambda conductor: conductor.changes.end(fill_bar(conductor.plan, with_phrase=True)),
    "next_scene": lambda conductor: conductor._set.call(),
    "next_style": lambda conductor: conductor._step_style(1),
    "previous_style": lambda conductor: conductor._step_style(-1),
    "answer": lambda conductor: conductor.hearing.answer(),
}
