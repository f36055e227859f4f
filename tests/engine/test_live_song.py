"""Song awareness against the stand-in for Live: UDP over the loopback interface, all in virtual time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from liveengine.ableton.client import LiveClient, LiveEvents
from liveengine.engine.live_song import LiveSong
from liveengine.engine.snapshot import public_state
from liveengine.music.control import SetValue, TriggerAction
from liveengine.planning.events import BarEnded
from liveengine.planning.horizon import PlannedBar
from tests.ableton.stand_in import Faults, LiveSet, StandIn
from tests.ableton.virtual_loop import run_virtually
from tests.rig import Rig

STEP_S = 0.02
SECTIONS: dict[str, tuple[str, float | None, float | None]] = {
    "Intro": ("rock", 0.5, 0.5),
    "Verse 1": ("rock", None, None),
    "Pre-Chorus": ("rock", 0.65, 0.7),
    "Chorus [e=1]": ("rock", 0.9, 1.0),
    "Strophe 2": ("rock", None, None),
    "Break": ("rock", 0.12, 0.3),
    "Bridge [jazz d=.4]": ("jazz", 0.4, 0.55),
    "DROP": ("rock", 0.95, 0.95),
    "Outro": ("rock", 0.55, 0.5),
}
"""A song, and the style, density and energy that each part of it is to be played with."""
NAMES = tuple(SECTIONS)


class Stage:
    """An engine, a Live, and what was played and told."""

    def __init__(self, rig: Rig, live_set: LiveSet) -> None:
        self.rig = rig
        self.set = live_set
        live_set.link_beat = self.beat
        self.stand_in = StandIn(live_set)
        self.live = LiveClient(LiveEvents(rig.session.ears.notice))
        self.live_song = LiveSong(rig.session, self.live)
        self.bars: dict[int, tuple[float, PlannedBar]] = {}
        self.told: list[str] = []
        tell = rig.record.tell

        def note(ended: BarEnded) -> None:
            self.bars[round(ended.start_beat)] = ended.start_beat, ended.planned

        def hear(at_us: float, text: str) -> None:
            self.told.append(text)
            tell(at_us, text)

        rig.watch_bars(note)
        rig.record.tell = hear  # type: ignore[method-assign]

    def beat(self) -> float:
        return self.rig.timeline.state().beat_map.beat_at(self.rig.timeline.now_us())

    async def play(self, seconds: float) -> None:
        """Let time pass, for the engine and for what Live and it have to say to each other."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + seconds
        while loop.time() < end_s - 1e-9:
            await asyncio.sleep(STEP_S)
            self.rig.run(STEP_S)

    async def play_to(self, beat: float) -> None:
        await self.play((beat - self.beat()) * 60 / self.set.tempo)

    def start(self) -> None:
        """Start Live, and with it the session, as Link's start and stop sync does."""
        self.set.start_playing()
        self.rig.timeline.set_playing(True)

    def stop(self) -> None:
        self.set.stop_playing()
        self.rig.timeline.set_playing(False)

    def asked(self, beat: float) -> tuple[str, float | None, float | None]:
        """Return the style, density and energy of the bar that began with a beat."""
        _, planned = self.bars[round(beat)]
        return planned.style.name, planned.conditioning.density, planned.conditioning.energy

    def fills(self, beat: float) -> bool:
        return bool(self.bars[round(beat)][1].conditioning.fill)


def on_stage(rig: Rig, live_set: LiveSet, show: Callable[[Stage], Coroutine[Any, Any, None]]) -> Stage:
    """Run a show with an engine that waits and a Live that stands."""

    async def run() -> Stage:
        stage = Stage(rig, live_set)
        rig.session.post(TriggerAction("stop"))
        port = await stage.stand_in.open(9)
        stage.stand_in.reply_port = await stage.live.open(port=port, reply_port=0)
        stage.live_song.start()
        try:
            await stage.play(2.3)
            await show(stage)
        finally:
            await stage.live_song.close()
            await stage.live.close()
            await stage.stand_in.close()
        return stage

    return run_virtually(run())


def test_a_song_of_nine_sections_twice_and_jumps_between_scenes(make_rig: Callable[..., Rig]) -> None:
    bars = 3
    locators = [(name, place * bars * 4.0) for place, name in enumerate(NAMES)]
    jumps = (3, 0, 7, 5, 8, 1, 6, 2, 4)
    begun: list[float] = []
    launches: list[tuple[float, int]] = []

    async def show(stage: Stage) -> None:
        for _ in range(2):
            stage.start()
            line = -(-stage.beat() // 4) * 4
            begun.append(line)
            await stage.play_to(line + len(NAMES) * bars * 4 + 0.2)
            stage.stop()
            await stage.play(3.1)
        stage.start()
        await stage.play(4.7)
        for place, index in enumerate(jumps):
            await stage.play_to(stage.beat() // 4 * 4 + 12 + 0.3 + 0.17 * place)
            stage.set.fire(stage.set.scenes[index])
        await stage.play(6.0)
        launches.extend(stage.set.launched)

    stage = on_stage(make_rig(), LiveSet(NAMES, locators), show)
    for line in begun:
        for bar in range(len(NAMES) * bars):
            name = NAMES[bar // bars]
            assert stage.asked(line + bar * 4) == SECTIONS[name], (line, bar, name)
            leads_on = bar % bars == bars - 1 and name != NAMES[-1]
            assert stage.fills(line + bar * 4) == leads_on, (line, bar, name)
    assert [index for _, index in launches] == list(jumps)
    for line, index in launches:
        assert stage.asked(line) == SECTIONS[NAMES[index]], (line, NAMES[index])
        assert stage.asked(line + 4) == SECTIONS[NAMES[index]]
        assert stage.fills(line - 4), (line, NAMES[index])
        assert not stage.fills(line)
    assert stage.rig.record.late_bars == 0
    assert len(stage.told) == 2  # that Live answers, and what is understood


def test_what_is_understood_is_in_the_state_and_a_hand_wins_until_the_next_section(
    make_rig: Callable[..., Rig],
) -> None:
    async def show(stage: Stage) -> None:
        stage.start()
        line = -(-stage.beat() // 4) * 4
        await stage.play_to(line + 8.5)
        state = public_state(stage.rig.session)
        assert state["section"] == "intro"
        assert state["scene"] == "Intro (intro, density 0.5, energy 0.5)"
        assert state["next_scene_bar"] == 5
        stage.rig.session.post(SetValue("energy", 0.11))
        await stage.play_to(line + 20.5)
        assert stage.asked(line + 12)[2] == 0.11
        assert stage.asked(line + 16)[2] == 0.11  # the chorus was coming: what is turned holds in it
        await stage.play_to(line + 40.5)
        assert stage.asked(line + 32) == ("rock", None, None)

    stage = on_stage(make_rig(), LiveSet(["a"], [("Intro", 0.0), ("Chorus", 16.0), ("Verse", 32.0)]), show)
    assert stage.told[0] == "Live 12.1 answers"
    assert stage.told[1] == "Live's song: Intro, Chorus, Verse"


def test_names_that_are_wrong_are_told_once(make_rig: Callable[..., Rig]) -> None:
    async def show(stage: Stage) -> None:
        await stage.play(20)

    stage = on_stage(make_rig(), LiveSet(["Verse [d=7]", "[polkka]", "Pad"]), show)
    assert stage.told[1:] == [
        "Live's song: Verse [d=7]; Verse [d=7]: d=7: expected 0 to 1; "
        "[polkka]: 'polkka' is no style and no section"
    ]


def test_numbers_that_no_song_has_change_nothing(make_rig: Callable[..., Rig]) -> None:
    async def show(stage: Stage) -> None:
        stage.start()
        stage.set.cues = [("Chorus", math.nan), ("Drop", math.inf)]
        stage.set.signature_numerator = 0
        stage.set.signature_denominator = -4
        await stage.play(8)
        assert stage.rig.conductor.sounding
        assert stage.rig.conductor.controls.time_signature == "4/4"
        assert stage.rig.session.progress is None

    on_stage(make_rig(), LiveSet(), show)


def test_a_jump_in_the_arrangement_is_followed_with_the_next_bar(make_rig: Callable[..., Rig]) -> None:
    async def show(stage: Stage) -> None:
        stage.start()
        line = -(-stage.beat() // 4) * 4
        await stage.play_to(line + 5)
        stage.set.current_song_time = 34.0  # the locators are 16 beats apart: in the verse
        await stage.play_to(line + 30)
        found = [stage.asked(line + bar * 4)[1] for bar in range(7)]
        assert found == [0.5, 0.5, None, None, None, 0.12, 0.12]

    names = ("Intro", "Chorus", "Verse", "Break")
    on_stage(make_rig(), LiveSet([""], [(name, n * 16.0) for n, name in enumerate(names)]), show)


def test_scenes_whose_numbers_have_shifted_are_launched_as_what_they_are(
    make_rig: Callable[..., Rig],
) -> None:
    async def show(stage: Stage) -> None:
        stage.start()
        await stage.play(5)
        stage.set.add_scene(0, "Break")
        await stage.play(8)
        drop = stage.set.scenes[2]
        await stage.play_to(stage.beat() // 4 * 4 + 4.2)
        stage.set.fire(drop)
        await stage.play(5)
        (line, index), *_ = stage.set.launched
        assert stage.set.scenes[index].name == "Drop"
        assert stage.asked(line)[1] == 0.95

    on_stage(make_rig(), LiveSet(["Verse", "Drop"]), show)


def test_starts_and_stops_of_live_are_followed_where_link_does_not_share_them(
    make_rig: Callable[..., Rig],
) -> None:
    async def show(stage: Stage) -> None:
        assert not stage.rig.conductor.sounding
        stage.set.start_playing()
        await stage.play(4)
        assert stage.rig.conductor.sounding
        stage.set.stop_playing()
        await stage.play(2)
        assert not stage.rig.conductor.sounding
        stage.rig.session.post(TriggerAction("start"))  # by hand, while Live stands
        await stage.play(15)
        assert stage.rig.conductor.sounding

    on_stage(make_rig(), LiveSet(), show)


def test_lives_time_signature_is_taken_over_as_it_changes(make_rig: Callable[..., Rig]) -> None:
    async def show(stage: Stage) -> None:
        stage.start()
        await stage.play(5)
        stage.set.signature_numerator, stage.set.signature_denominator = 7, 8
        await stage.play(4)
        assert stage.rig.conductor.controls.time_signature == "7/8"

    stage = on_stage(make_rig(), LiveSet(), show)
    assert not any("7/4" in text for text in stage.told)


def test_a_live_that_is_not_in_the_session_is_told_once_and_not_followed(
    make_rig: Callable[..., Rig],
) -> None:
    async def show(stage: Stage) -> None:
        stage.start()
        stage.set.link_beat = lambda: stage.beat() * 1.003 + 1.6  # a tempo and a bar line of its own
        stage.set.start_playing()
        await stage.play(12)

    stage = on_stage(make_rig(), LiveSet([""], [("Chorus", 8.0)]), show)
    assert [text for text in stage.told if "switch Link on in Live" in text] == stage.told[2:]
    assert len(stage.told) == 3


def strikes(
    make_rig: Callable[..., Rig], faults: Faults | None
) -> tuple[list[tuple[float, float, int]], Stage]:
    """Return what is struck while Live is away, loads a set, is late and loses what it says."""

    async def show(stage: Stage) -> None:
        stage.start()
        await stage.play(6)
        if faults is not None:
            stage.stand_in.faults = faults
            await stage.play(20)
            stage.stand_in.faults = Faults()
            await stage.stand_in.close()
            await stage.play(60)
            await stage.stand_in.open(stage.stand_in.reply_port)
            await stage.play(10)
            stage.stand_in.load()
            await stage.play(10)

    live_set = LiveSet(["Pad", "Lead"])
    stage = on_stage(make_rig(), live_set, show)
    return stage.rig.strikes, stage


@pytest.mark.parametrize("faults", [Faults(late_s=2.0), Faults(lost=0.05, doubled=0.2, jitter_s=0.3)])
def test_the_music_is_the_same_whatever_becomes_of_live(make_rig: Callable[..., Rig], faults: Faults) -> None:
    alone = make_rig()
    alone.session.post(TriggerAction("stop"))
    alone.run(2.3)
    alone.timeline.set_playing(True)
    alone.run(106.0)
    played, stage = strikes(make_rig, faults)
    assert played[: len(alone.strikes)] == alone.strikes[: len(played)]
    assert abs(len(played) - len(alone.strikes)) <= 2
    late = [text for text in stage.told if "answers late" in text]
    assert len(late) == (1 if faults.late_s else 0)
    others = [text for text in stage.told if text not in late]
    assert others == [
        "Live 12.1 answers",
        f"Live does not answer any more on 127.0.0.1:{stage.stand_in.port}; it is heard again once it does",
        "Live 12.1 answers again",
        "Live has loaded a set: it is read anew",
    ]
