"""What the stage page shows of a session: its view, part by part, each written once for all pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice

import liveengine
from liveengine.engine.session import Session
from liveengine.music.beats import STEPS_PER_BEAT
from liveengine.music.control import KIT, ControlState
from liveengine.music.control_map import done
from liveengine.music.control_values import own_levels, values_of
from liveengine.music.drums import GROUP_OF, GROUPS, Voice
from liveengine.planning.events import PlayersHeard
from liveengine.planning.horizon import PlannedBar, levelled
from liveengine.recording.lateness import lateness
from liveengine.web import messages
from liveengine.web.controls import all_controls

PROOF_S = 0.5
"""How often figures are sent."""
LATENESS_BIN_MS = 0.05
LATENESS_BINS = 41
"""To 2 ms, and one for all that is later."""
MAKING_SHOWN = 32

HeardAt = Callable[[], bool | None]
"""Tells whether somebody listens at the drum port; None where that cannot be known."""


@dataclass(slots=True)
class _Part:
    """A part of the view: what it is made from, its version, and the message once a page has taken it."""

    made_from: object
    version: int
    make: Callable[[], messages.Message]
    message: messages.Message | None = None

    def made(self) -> messages.Message:
        """Return the message."""
        if self.message is None:
            self.message = self.make()
        return self.message


class ClientCursor:
    """What one page has: the version of each part and of each bar, and how many notes that were heard."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.parts: dict[str, int] = {}
        self.bars: dict[int, int] = {}
        self.notes = 0


class StageFeed:
    """The view of one session. Everything runs on the engine's thread.

    `look`, after each step, compares what is frozen; a message is made only once a page takes it. A page that
    cannot keep up gets the newest of each part, and never what lay between: it sheds frames, and nobody
    waits for it.
    """

    def __init__(self, session: Session, port: messages.PortCard, heard: HeardAt = lambda: None) -> None:
        """Speak for a session that sends to a port."""
        self._session = session
        self._port = port
        self._heard = heard
        self._parts: dict[str, _Part] = {}
        self._bars: dict[int, _Part] = {}
        self._notifiers: set[Callable[[], None]] = set()
        self._notes = 0
        self._versions = 0
        session.watch(self.look)

    def open(self, notify: Callable[[], None]) -> None:
        """Call `notify` whenever something is new, until it is closed."""
        self._notifiers.add(notify)
        self.look()
        notify()

    def close(self, notify: Callable[[], None]) -> None:
        """Tell a page nothing more."""
        self._notifiers.discard(notify)

    def changes_since(self, cursor: ClientCursor) -> list[messages.Message]:
        """Return what a page does not have yet, and advance its cursor."""
        fresh: list[messages.Message] = []
        bars = {index: part for index, part in self._bars.items() if cursor.bars.get(index) != part.version}
        plan = self._parts.get("plan")
        if plan is not None and (bars or cursor.parts.get("plan") != plan.version):
            cursor.parts["plan"] = plan.version
            cursor.bars = {index: part.version for index, part in self._bars.items()}
            head, changed = plan.made(), [part.made() for part in bars.values()]
            fresh.append(head.model_copy(update={"bars": changed}))
        for name, part in self._parts.items():
            if name != "plan" and cursor.parts.get(name) != part.version:
                cursor.parts[name] = part.version
                fresh.append(part.made())
        if onsets := self._onsets_since(cursor):
            fresh.append(messages.Onsets(onsets=onsets))
        return fresh

    def _onsets_since(self, cursor: ClientCursor) -> list[messages.OnsetView]:
        """Return the notes that a page does not have yet, of the bar that plays and those beside it."""
        ears, conductor = self._session.ears, self._session.conductor
        missing, cursor.notes = min(ears.notes - cursor.notes, len(ears.recent)), ears.notes
        current, steps = conductor.horizon.current, conductor.meter.steps
        return [
            messages.OnsetView(
                bar=onset.bar,
                step=onset.step,
                offset=round(onset.beats * STEPS_PER_BEAT - onset.bar * steps - onset.step, 3),
                velocity=onset.note.velocity,
                instrument=onset.note.instrument,
            )
            for onset in islice(ears.recent, len(ears.recent) - missing, None)
            if abs(onset.bar - current) <= 1
        ]

    def welcome(self) -> messages.Welcome:
        """Return what does not change while the engine plays."""
        conductor = self._session.conductor
        kit = conductor.kit
        return messages.Welcome(
            version=messages.VERSION,
            engine=liveengine.__version__,
            drums=list(GROUPS),
            voices=[
                messages.VoiceCard(name=voice.label, drum=GROUP_OF[voice], note=kit.note(voice))
                for voice in Voice
            ],
            styles=[
                messages.StyleCard(
                    name=style.name,
                    title=style.title,
                    family=style.family,
                    low_bpm=style.tempo_bpm[0],
                    high_bpm=style.tempo_bpm[1],
                )
                for style in conductor.styles.styles
            ],
            controls=all_controls(
                {**values_of(conductor.controls), KIT: conductor.kit.name},
                conductor.styles,
                conductor.kits.names,
            ),
            port=self._port,
        )

    # --- what has changed ----------------------------------------------------------------------

    def look(self) -> None:
        """Note what has changed since the last look, and notify the pages if anything has."""
        if not self._notifiers:
            return
        before = self._versions
        self._look_at_time()
        self._look_at_plan()
        self._look_at_controls()
        self._look_at_live()
        self._look_at_players()
        self._note("proof", time.monotonic() // PROOF_S, self._proof)
        if self._versions != before:
            for notify in self._notifiers:
                notify()

    def _changed(self, part: _Part | None, made_from: object, make: Callable[[], messages.Message]) -> _Part:
        """Return a part as it is now, of another version where it is made from something else."""
        if part is not None and part.made_from == made_from:
            return part
        self._versions += 1
        return _Part(made_from, self._versions, make)

    def _note(self, name: str, made_from: object, make: Callable[[], messages.Message]) -> None:
        self._parts[name] = self._changed(self._parts.get(name), made_from, make)

    def _look_at_time(self) -> None:
        conductor = self._session.conductor
        if conductor.plan.grid is None:
            return
        grid, sounding = conductor.grid, conductor.sounding

        def make() -> messages.TimeMap:
            return messages.TimeMap(
                time_us=grid.beat_map.time_us,
                beat=grid.beat_map.beat,
                bpm=grid.beat_map.bpm,
                origin_beat=grid.origin_beat,
                origin_bar=grid.origin_bar,
                meters=[
                    messages.MeterFrom(bar=bar, meter=str(meter), beats=meter.beats, steps=meter.steps)
                    for bar, meter in ((grid.origin_bar, grid.meter), *grid.changes)
                ],
                sounding=sounding,
            )

        self._note("time", (grid, sounding), make)

    def _look_at_plan(self) -> None:
        plan = self._session.conductor.plan
        current = plan.horizon.current
        bars: dict[int, _Part] = {}
        for planned in plan.horizon.from_bar(current):
            controls = plan.controls_at(planned.index)
            loud = (controls.levels, controls.muted, controls.soloed)
            part = self._bars.get(planned.index)
            bars[planned.index] = self._changed(part, (planned, loud), _bar_maker(planned, controls))
        self._bars = bars
        known = list(bars)
        self._note("plan", (current, known), lambda: messages.Plan(current=current, known=known, bars=[]))

    def _look_at_controls(self) -> None:
        conductor = self._session.conductor
        controls, scenes = conductor.controls, conductor.scenes.names

        def make() -> messages.Controls:
            wanted = conductor.style
            return messages.Controls(
                values={**values_of(controls), KIT: conductor.kit.name},
                own=own_levels(wanted),
                wished_style=wanted.name,
                scenes=list(scenes),
            )

        self._note("controls", (controls, scenes), make)

    def _look_at_live(self) -> None:
        session = self._session
        conductor, record, plan = session.conductor, session.record, session.conductor.plan
        sounded, peers = record.sounded_style, conductor.session.peers if conductor.session else 0
        heard, commit_ms = self._heard(), round(plan.commit.ms)
        looped, ending = len(plan.loop.bars) if plan.loop else 0, plan.intent.last_bar
        learning, notice = session.learning, record.notice
        progress = session.progress
        captures, pedals = tuple(record.captures), session.pedals
        source = session.timeline.source()

        def make() -> messages.Live:
            return messages.Live(
                sounded_style=sounded,
                peers=peers,
                source=source,
                pedals=[
                    messages.PedalView(
                        name=pedal.name,
                        gestures=[
                            messages.GestureView(how=how, does=done(command))
                            for how, command in pedal.gestures
                        ],
                    )
                    for pedal in pedals
                ],
                heard=heard,
                commit_ms=commit_ms,
                looped_bars=looped,
                ending=ending,
                learning=learning,
                notice=notice,
                set=messages.SetView(**asdict(progress)) if progress else None,
                captures=[messages.Capture(name=path.name, bars=bars) for path, bars in captures],
            )

        state = (sounded, peers, source, pedals, heard, commit_ms, looped, ending)
        made_from = (*state, learning, notice, progress, captures)
        self._note("live", made_from, make)

    def _look_at_players(self) -> None:
        if self._notes != self._session.ears.notes:
            self._notes = self._session.ears.notes
            self._versions += 1
        players = self._session.record.heard
        if players is not None:
            self._note("players", players.at_us, lambda: _players(players))

    def _proof(self) -> messages.Proof:
        record = self._session.record
        late_ms = list(record.lateness_ms)
        late = lateness(late_ms)
        bins = [0] * LATENESS_BINS
        for each in late_ms:
            bins[max(0, min(LATENESS_BINS - 1, int(each / LATENESS_BIN_MS)))] += 1
        played = islice(record.played, max(0, len(record.played) - MAKING_SHOWN), None)
        return messages.Proof(
            notes=record.notes,
            bars=record.bars,
            late_bars=record.late_bars,
            dropped=dict(record.dropped),
            p50_ms=late.p50,
            p95_ms=late.p95,
            p99_ms=late.p99,
            most_ms=late.most,
            bin_ms=LATENESS_BIN_MS,
            bins=bins,
            making=[
                messages.Making(
                    bar=each.index, waited_ms=each.waited_ms, allowed_ms=each.allowed_ms, late=each.late
                )
                for each in played
            ],
            made_by=dict(record.made_by),
        )


def _players(players: PlayersHeard) -> messages.Players:
    heard = players.heard
    return messages.Players(
        bar=players.bar,
        activity=round(heard.activity, 3),
        loudness=round(heard.loudness, 3),
        riff_bars=heard.riff_bars,
        silent_bars=heard.silent_bars,
        phrase_place=(heard.phrase_bars - 1) % heard.phrase_length + 1,
        phrase_length=heard.phrase_length,
        phrase_known=heard.phrase_known,
        pushes_ms=dict(heard.pushes_ms),
        similarity=round(heard.similarity, 3),
        reasons=[
            messages.Reason(moves=moves, amount=round(amount, 3), why=why)
            for moves, amount, why in players.reaction.reasons
        ],
    )


def _bar_maker(planned: PlannedBar, controls: ControlState) -> Callable[[], messages.BarView]:
    def make() -> messages.BarView:
        hits = []
        for placed in planned.hits:
            timed = placed.timed
            level = controls.level(GROUP_OF[timed.voice])
            hits.append(
                messages.HitView(
                    serial=placed.serial,
                    step=placed.step,
                    voice=int(timed.voice),
                    beat=timed.beat,
                    offset_ms=timed.offset_ms,
                    velocity=levelled(timed.velocity, level) if level > 0 else 0,
                    drawn=placed.drawn,
                )
            )
        return messages.BarView(
            index=planned.index,
            style=planned.style.name,
            blend=[messages.StyleShare(style=name, share=share) for name, share in planned.style.made_of],
            fallback=planned.fallback,
            stale_from=planned.stale_from,
            made_ms=planned.generated_ms,
            hits=hits,
            drawing=[
                messages.StrokeView(
                    step=stroke.step, voice=int(stroke.voice), velocity=stroke.velocity, keep=stroke.keep
                )
                for stroke in planned.strokes
            ],
        )

    return make
