"""Following a song: each section is planned as soon as its bar comes into view, after a fill before it.

A section is one act among the player's: what he turns afterwards holds until the next section, and what he
turns while one is coming holds in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from liveengine.errors import UnknownNameError
from liveengine.music.control import ControlState
from liveengine.music.scene import Scene
from liveengine.music.song_names import SectionPlan, bare, understood
from liveengine.planning.bar_grid import BarGrid
from liveengine.planning.conductor import Conductor
from liveengine.planning.events import ControlMoved
from liveengine.planning.gestures import FILL_LEAST_STEPS
from liveengine.planning.horizon import NOWHERE
from liveengine.planning.intent import Pending
from liveengine.planning.scenes import Progress

STYLE_FIELDS = ("style", "blend_style", "blend")
TITLE = "Live"


@dataclass(frozen=True, slots=True)
class Cue:
    """A section that begins with a beat of the song, in quarter notes from the song's beginning."""

    section: SectionPlan
    beat: float


@dataclass(frozen=True, slots=True)
class _Change:
    """A section that begins with a bar; `cue` is None for one that was launched."""

    section: SectionPlan
    bar: int
    cue: Cue | None = None
    after_fill: bool = False


class SongFollower:
    """Brings the sections of a song to a conductor's plan. Used by the engine's thread.

    Call `follow` after each step of the session.
    """

    def __init__(self, conductor: Conductor) -> None:
        """Begin without a song."""
        self._conductor, self._plan = conductor, conductor.plan
        self._cues: tuple[Cue, ...] = ()
        self._offset: float | None = None
        self._launched = False
        self._coming: _Change | None = None
        self._playing: _Change | None = None
        self._given_style: str | None = None
        self._own_style: ControlState | None = None
        self._undos = 0

    # --- what the song says --------------------------------------------------------------------

    def section_of(self, name: str) -> SectionPlan | None:
        """Return what a scene or locator of this name calls: a scene of ours, or what it is understood as."""
        meant = understood(name, self._conductor.styles)
        if meant is not None and meant.says_something:
            return meant
        return SectionPlan(name.strip()) if self._scene_of(name) is not None else None

    def faults_of(self, name: str) -> tuple[str, ...]:
        """Return what in the brackets of a name is not understood."""
        meant = understood(name, self._conductor.styles)
        return meant.faults if meant is not None else ()

    def lay(self, cues: Sequence[Cue]) -> None:
        """Take the song's locators that mean something, in any order."""
        laid = tuple(sorted(cues, key=lambda cue: cue.beat))
        if laid != self._cues:
            self._cues = laid
            self._look_again()

    def place(self, offset_beats: float | None) -> None:
        """Take by how many beats the song is ahead of the session; None where that is not known.

        A section that the song is in already, after a jump, comes with the next bar.
        """
        if offset_beats != self._offset:
            self._offset = offset_beats
            self._look_again()

    def rest(self, song_beat: float) -> None:
        """The song stands at a beat: what it is to begin with there is set at once, where nothing plays."""
        self._launched = False
        cue = self._cue_at(song_beat)
        if cue is not None and not self._plan.sounding and not self._is_playing(cue):
            self._set_now(cue.section, cue)

    def launch(self, section: SectionPlan) -> None:
        """A scene begins with the next bar line: so does what it means. The locators are silent then."""
        self._launched = True
        self._withdraw()
        if self._plan.sounding:
            self._plan_change(section, self._plan.next_bar(), None)
        else:
            self._set_now(section, None)

    def follow_arrangement(self, *, follows: bool) -> None:
        """Let the locators hold where the arrangement plays; scenes that are launched take its place."""
        if follows and self._launched:
            self._launched = False
            self._look_again()
        elif not follows and self._playing is not None and self._playing.cue is None:
            self._launched = True

    # --- bar by bar ----------------------------------------------------------------------------

    def follow(self) -> None:
        """Begin the section whose bar has come, and plan the next one that comes into view."""
        plan = self._plan
        if not plan.sounding:
            self._withdraw()
            return
        self._look_after_undo()
        current, coming = plan.horizon.current, self._coming
        if coming is not None and current >= coming.bar:
            self._coming, self._playing = None, coming
            self._tell(coming)
        if self._coming is None and (following := self._next_cue()) is not None:
            cue, bar = following
            self._plan_change(cue.section, bar, cue)

    def _look_after_undo(self) -> None:
        """Plan again what an undo has taken out of the plan: it was no act of the player's."""
        undos, coming = self._conductor.changes.undos, self._coming
        if undos != self._undos:
            self._undos = undos
            if coming is not None and not coming.section.ends and self._plan.intent.pending is None:
                self._plan_change(coming.section, max(coming.bar, self._plan.horizon.current + 1), coming.cue)

    def progress(self, bar: int) -> Progress | None:
        """Return where the song is while a bar plays; None before any section of it has begun."""
        playing = self._playing
        if playing is None:
            return None
        meant, cue = str(playing.section), playing.cue
        name, next_bar, when = self._next_named(cue)
        return Progress(
            title=TITLE,
            place=self._cues.index(cue) + 1 if cue in self._cues else 1,
            count=len(self._cues) if cue in self._cues else 1,
            scene=f"{playing.section.name} ({meant})" if meant else playing.section.name,
            bars=max(0, bar - playing.bar),
            next_scene=name,
            next_bar=next_bar,
            next_when=when,
        )

    @property
    def section(self) -> str | None:
        """The section that plays; None where none does."""
        return (self._playing.section.section or None) if self._playing else None

    def _next_named(self, cue: Cue | None) -> tuple[str, int | None, str]:
        """Return the name of what comes next, its bar (from 1), and when it comes where no bar is known."""
        if self._coming is not None:
            return self._coming.section.name, self._coming.bar + 1, ""
        if self._launched or cue is None:
            return "a scene", None, "when launched"
        following = next((each for each in self._cues if each.beat > cue.beat), None)
        grid, current = self._plan.grid, self._plan.horizon.current
        if following is None:
            return "", None, ""
        if self._offset is None or grid is None:
            return following.section.name, None, "at its locator"
        beats = following.beat - self._offset - grid.start_beat(current)
        return following.section.name, current + 1 + max(1, round(beats / grid.meter_at(current).beats)), ""

    # --- cues ----------------------------------------------------------------------------------

    def _cue_at(self, song_beat: float) -> Cue | None:
        """Return the cue that holds at a beat of the song."""
        return next((cue for cue in reversed(self._cues) if cue.beat <= song_beat + 1e-3), None)

    def _next_cue(self) -> tuple[Cue, int] | None:
        """Return the first cue of the bars in view that have not begun, and its bar."""
        grid, horizon = self._plan.grid, self._plan.horizon
        if self._offset is None or self._launched or grid is None:
            return None
        for bar in range(horizon.current + 1, horizon.current + horizon.lookahead_bars + 1):
            cue = self._cue_near(grid, bar, self._offset)
            if cue is not None:
                return cue, bar
        return None

    def _cue_near(self, grid: BarGrid, bar: int, offset: float) -> Cue | None:
        """Return the cue that is nearer to a bar's line than to any other; the last of several."""
        line, half = grid.start_beat(bar) + offset, grid.meter_at(bar).beats / 2
        return next((cue for cue in reversed(self._cues) if line - half <= cue.beat < line + half), None)

    def _is_playing(self, cue: Cue) -> bool:
        return self._playing is not None and self._playing.cue == cue

    def _look_again(self) -> None:
        """The song lies elsewhere, or is another: what is coming is not, and where it is now holds.

        An end counts where the song comes to it, not where it is past it.
        """
        if self._coming is not None and self._coming.cue is not None:
            self._withdraw()
        grid = self._plan.grid
        if self._coming or self._offset is None or self._launched or grid is None or not self._plan.sounding:
            return
        bar = self._plan.next_bar()
        half = grid.meter_at(bar).beats / 2
        cue = self._cue_at(grid.start_beat(bar) + self._offset + half - 1e-2)
        if cue is not None and not cue.section.ends and not self._is_playing(cue):
            self._plan_change(cue.section, bar, cue)

    # --- changes -------------------------------------------------------------------------------

    def _plan_change(self, section: SectionPlan, bar: int, cue: Cue | None) -> None:
        """Let a section begin with a bar, after a fill where there is room for one."""
        plan = self._plan
        if section.ends:
            self._coming = _Change(section, bar, cue)
            self._conductor.changes.end(bar - 1)
            return
        after_fill = self._has_room(bar - 1)
        self._coming = _Change(section, bar, cue, after_fill)
        plan.landing = bar
        if after_fill:
            plan.at_once = bar - 1  # a fill waits for no switch mode
        name = f"section {section.name}"
        plan.take_over_at(Pending(bar, self._controls_of(section), after_fill, name))

    def _has_room(self, bar: int) -> bool:
        plan = self._plan
        if bar < plan.horizon.current:
            return False
        return plan.steps_of(bar) - plan.open_step(bar, plan.commit.ms) >= FILL_LEAST_STEPS

    def _withdraw(self) -> None:
        """Let what was coming not come, unless it has begun or a player has put something in its place."""
        coming, self._coming = self._coming, None
        plan = self._plan
        if coming is None or (plan.sounding and plan.horizon.current >= coming.bar):
            return
        if coming.section.ends:
            if plan.intent.ending == coming.bar - 1:
                self._conductor.changes.end(None)
            return
        pending = plan.intent.pending
        if plan.landing == coming.bar:
            plan.landing = NOWHERE
        if pending is not None and pending.bar == coming.bar:
            plan.intent = plan.intent.without_pending()
            plan.revise(pending.first_bar)

    def _set_now(self, section: SectionPlan, cue: Cue | None) -> None:
        """Let a section hold from the first bar on, where nothing plays yet; an end needs nothing."""
        self._playing = _Change(section, self._plan.horizon.current, cue)
        if not section.ends:
            self._conductor.changes.become(self._plan.intent.with_controls(self._controls_of(section)))
        self._tell(self._playing)

    def _tell(self, change: _Change) -> None:
        self._conductor.effects.append(ControlMoved(self._plan.now_us, "section", change.section.name))

    def _controls_of(self, section: SectionPlan) -> ControlState:
        """Return the controls that a section is played with: a scene of ours, or what its name says."""
        present = self._plan.controls
        scene = self._scene_of(section.name)
        if scene is not None:
            self._given_style = self._own_style = None
            return scene.over(present)
        changed = {name: getattr(present, name) for name in STYLE_FIELDS}
        given_holds = self._given_style is not None and present.style == self._given_style
        if section.style is not None:
            if not given_holds:
                self._own_style = present
            self._given_style = section.style
            changed = {"style": section.style, "blend_style": present.blend_style, "blend": 0.0}
        elif given_holds and self._own_style is not None:
            changed = {name: getattr(self._own_style, name) for name in STYLE_FIELDS}
            self._given_style = None
        return replace(present, density=section.density, energy=section.energy, **changed)

    def _scene_of(self, name: str) -> Scene | None:
        """Return the player's scene of a name, with or without what stands in brackets."""
        for each in (name, bare(name)):
            try:
                return self._conductor.scenes.find(each)
            except UnknownNameError:
                continue
        return None
