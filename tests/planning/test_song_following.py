"""Sections of a song in the plan: on their bar lines, after a fill, until a player turns something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from liveengine.music.control import RecallScene, SetStyle, SetValue, TriggerAction
from liveengine.music.drums import Voice
from liveengine.music.scene import Scene
from liveengine.music.song_names import SectionPlan
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.song_following import Cue, SongFollower
from tests.rig import Rig

SONG = ("Intro", "Verse 1", "Chorus [jazz]", "Verse 2", "Break", "Chorus", "Bridge [jazz d=.2 e=.1]", "Outro")


def followed(rig: Rig) -> SongFollower:
    """Return what follows a song for a rig, once it plays."""
    song = SongFollower(rig.conductor)
    rig.session.watch(song.follow)
    return song


def section(song: SongFollower, name: str) -> SectionPlan:
    found = song.section_of(name)
    assert found is not None
    return found


def cues(song: SongFollower, names: tuple[str, ...], bars: int = 4) -> list[Cue]:
    return [Cue(section(song, name), place * bars * 4.0) for place, name in enumerate(names)]


def played(rig: Rig) -> dict[int, PlannedBar]:
    """Return the bars that have been played, by number; more come as they end."""
    bars: dict[int, PlannedBar] = {}
    rig.watch_bars(lambda ended: bars.update({ended.planned.index: ended.planned}))
    return bars


def run_to(rig: Rig, bar: int, beat: float = 0.1) -> None:
    """Play until so many beats after a bar's line."""
    while not rig.conductor.sounding:
        rig.run(0.05)
    line = rig.conductor.grid.start_beat(bar) + beat
    rig.run((rig.conductor.grid.beat_map.time_at(line) - rig.timeline.now_us()) / 1e6)


def place(rig: Rig, song: SongFollower, song_beat: float = 0.0) -> None:
    """Let the song have had a beat as bar 0 began."""
    while not rig.conductor.sounding:
        rig.run(0.05)
    song.place(song_beat - rig.conductor.grid.start_beat(0))


def asked(planned: PlannedBar) -> tuple[str, float | None, float | None]:
    """Return the style, density and energy that a bar was made from."""
    return planned.style.name, planned.conditioning.density, planned.conditioning.energy


def fills(bars: dict[int, PlannedBar]) -> list[int]:
    return [index for index, planned in sorted(bars.items()) if planned.conditioning.fill]


@pytest.mark.parametrize("switch", ["instant", "beat", "bar", "phrase"])
def test_each_section_comes_with_its_bar_after_a_fill(make_rig: Callable[..., Rig], switch: str) -> None:
    rig = make_rig(switch=switch)
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, SONG, bars=2))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, len(SONG) * 2)
    expected = {
        "Intro": ("rock", 0.5, 0.5),
        "Verse 1": ("rock", None, None),
        "Chorus [jazz]": ("jazz", 0.9, 0.9),
        "Verse 2": ("rock", None, None),
        "Break": ("rock", 0.12, 0.3),
        "Chorus": ("rock", 0.9, 0.9),
        "Bridge [jazz d=.2 e=.1]": ("jazz", 0.2, 0.1),
        "Outro": ("rock", 0.55, 0.5),
    }
    for index in range(len(SONG) * 2):
        assert asked(bars[index]) == expected[SONG[index // 2]], index
    assert fills(bars) == [2 * number - 1 for number in range(1, len(SONG))]
    assert rig.record.late_bars == 0


def test_an_end_is_struck_on_its_bar_line_and_nothing_follows(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Verse", "End")))
    place(rig, song)
    run_to(rig, 8)
    assert not rig.conductor.sounding
    assert bars[4].closes
    assert 3 in fills(bars)
    assert max(bars) == 4


def test_a_song_that_is_past_its_end_ends_nothing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song = followed(rig)
    song.lay(cues(song, ("Verse", "End")))
    place(rig, song, 80.0)
    run_to(rig, 4)
    assert rig.conductor.sounding


@pytest.mark.parametrize("switch", ["beat", "bar"])
def test_a_launched_scene_begins_with_the_next_bar_and_the_rest_of_this_one_is_a_fill(
    make_rig: Callable[..., Rig], switch: str
) -> None:
    rig = make_rig(switch=switch)
    song, bars = followed(rig), played(rig)
    run_to(rig, 3, 1.3)
    song.launch(section(song, "Drop [jazz]"))
    run_to(rig, 6)
    assert [asked(bars[index])[0] for index in range(6)] == ["rock"] * 4 + ["jazz"] * 2
    assert asked(bars[4]) == ("jazz", 0.95, 0.95)
    assert fills(bars) == [3]


def test_a_scene_that_is_launched_as_its_bar_begins_comes_then_without_a_fill(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    run_to(rig, 3, 3.2)
    song.launch(section(song, "Drop"))
    run_to(rig, 6)
    assert [asked(bars[index])[1] for index in range(6)] == [None] * 4 + [0.95] * 2
    assert fills(bars) == []
    assert {hit.voice for hit in bars[4].bar.hits if hit.step == 0} >= {Voice.CRASH}


def test_locators_are_silent_while_scenes_play_and_hold_again_afterwards(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Verse", "Chorus", "Break"), bars=2))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 0)
    song.launch(section(song, "Bridge"))
    run_to(rig, 7)
    song.follow_arrangement(follows=True)
    run_to(rig, 10)
    found = [asked(bars[index])[1] for index in range(10)]
    assert found == [0.5] + [0.55] * 7 + [0.12] * 2


def test_after_a_jump_of_the_song_what_was_coming_does_not_and_where_it_is_now_holds(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Verse", "Chorus", "Break")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 2)  # the verse of bar 4 is planned now
    assert rig.conductor.plan.intent.pending is not None
    place(rig, song, 20.0)  # five bars on: in the verse, whose last bar is the next
    run_to(rig, 9)
    found = [asked(bars[index])[1] for index in range(9)]
    assert found == [0.5] * 3 + [0.9] * 4 + [0.12] * 2
    assert fills(bars) == [2, 6]


def test_a_jump_into_a_section_brings_it_with_the_next_bar(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Verse", "Chorus", "Break")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 1)
    place(rig, song, 32.0)
    run_to(rig, 5)
    assert [asked(bars[index])[1] for index in range(5)] == [0.5, 0.5, 0.9, 0.9, 0.12]
    assert fills(bars) == [1, 3]


def test_a_fill_that_was_meant_for_what_does_not_come_is_none(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Verse")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 2)
    assert rig.conductor.plan.intent.pending is not None
    song.place(None)
    run_to(rig, 6)
    assert fills(bars) == []
    assert {asked(bars[index])[1] for index in bars} == {0.5}


def test_the_later_act_wins(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Chorus", "Verse")))
    place(rig, song)
    run_to(rig, 2)
    assert rig.conductor.plan.intent.pending is not None
    rig.session.post(SetValue("energy", 0.2))  # the chorus is planned already
    rig.session.post(SetStyle("jazz"))
    run_to(rig, 9)
    assert asked(bars[4]) == ("jazz", 0.9, 0.2)
    assert asked(bars[7]) == ("jazz", 0.9, 0.2)
    assert asked(bars[8]) == ("jazz", None, None)
    assert fills(bars)[-2:] == [3, 7]


def test_a_scene_that_a_player_recalls_while_a_section_is_coming_takes_its_place(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    rig.conductor.scenes.put(Scene("quiet", rig.conductor.controls))
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Chorus")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 2)
    rig.session.post(RecallScene("quiet"))
    run_to(rig, 7)
    assert {asked(bars[index])[1] for index in range(3, 7)} == {None}


def test_a_scene_of_ours_of_the_same_name_is_called_instead(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    own = replace(rig.conductor.controls, style="jazz", density=0.33, energy=0.44)
    for name in ("chorus 2", "Pad Thing"):
        rig.conductor.scenes.put(Scene(name, own))
    song, bars = followed(rig), played(rig)
    assert song.section_of("Pad Other") is None
    song.lay(cues(song, ("Intro", "CHORUS-2 [e=.1]", "Verse", "pad thing"), bars=2))
    place(rig, song)
    run_to(rig, 8)
    assert asked(bars[2]) == ("jazz", 0.33, 0.44)
    assert asked(bars[4]) == ("jazz", None, None)  # the scene is the player's own: its style stays
    assert asked(bars[6]) == ("jazz", 0.33, 0.44)


def test_where_the_song_stands_is_set_before_anything_plays_and_once_only(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Chorus")))
    song.rest(17.0)
    assert rig.conductor.controls.energy == 0.9
    rig.session.post(SetValue("energy", 0.3))
    rig.run(0.02)
    song.rest(17.0)
    run_to(rig, 2)
    assert asked(bars[0]) == ("rock", 0.9, 0.3)


def test_a_locator_off_the_bar_line_comes_with_the_nearest(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay([Cue(section(song, "Chorus"), 17.5), Cue(section(song, "Drop"), 30.5)])
    place(rig, song)
    run_to(rig, 9)
    assert [asked(bars[index])[1] for index in range(9)] == [None] * 4 + [0.9] * 4 + [0.95]


def test_progress_says_what_was_understood_and_what_comes(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song = followed(rig)
    assert song.progress(0) is None
    song.lay(cues(song, ("Intro", "Chorus [jazz]", "Verse")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 0)
    found = song.progress(0)
    assert found is not None
    assert (found.place, found.count) == (1, 3)
    assert found.scene == "Intro (intro, density 0.5, energy 0.5)"
    assert (found.next_scene, found.next_bar) == ("Chorus [jazz]", 5)
    run_to(rig, 4)
    found = song.progress(rig.conductor.horizon.current)
    assert found is not None
    assert (found.place, found.scene) == (2, "Chorus [jazz] (chorus, jazz, density 0.9, energy 0.9)")
    assert (found.next_scene, found.next_bar) == ("Verse", 9)
    assert song.section == "chorus"
    song.launch(section(song, "Drop"))
    run_to(rig, 5)
    found = song.progress(rig.conductor.horizon.current)
    assert found is not None
    assert (found.place, found.next_when) == (1, "when launched")


def test_a_fill_of_the_players_own_before_a_section_leaves_the_one_that_leads_to_it(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Chorus")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 2)
    rig.session.post(TriggerAction("fill"))
    run_to(rig, 5)
    assert fills(bars) == [2, 3]
    assert asked(bars[4])[1] == 0.9


@pytest.mark.parametrize("undone_in", [1, 3])
def test_a_section_that_is_coming_comes_after_an_undo(make_rig: Callable[..., Rig], undone_in: int) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Chorus")))
    song.rest(0.0)
    place(rig, song)
    rig.session.post(SetValue("variation", 0.8))
    run_to(rig, undone_in, 1.1)
    rig.session.post(TriggerAction("undo"))
    run_to(rig, 7)
    assert [asked(bars[bar])[1] for bar in range(1, 7)] == [0.5] * 3 + [0.9] * 3
    assert song.section == "chorus"


def test_a_section_that_has_come_is_undone_to_what_was_before_it(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Chorus")))
    song.rest(0.0)
    place(rig, song)
    run_to(rig, 5)
    rig.session.post(TriggerAction("undo"))
    run_to(rig, 9)
    assert [asked(bars[bar])[1] for bar in (3, 4, 7, 8)] == [0.5, 0.9, 0.5, 0.5]
    assert fills(bars) == [3], "the fill that led to it is not played again"


@pytest.mark.parametrize("stopped_in", [2, 3])
def test_a_section_that_a_stop_keeps_from_coming_waits_for_its_place(
    make_rig: Callable[..., Rig], stopped_in: int
) -> None:
    """Stopped just before the chorus, taken again from the verse: the chorus comes in its own place."""
    rig = make_rig()
    song, bars = followed(rig), played(rig)
    song.lay(cues(song, ("Intro", "Verse", "Chorus")))
    song.rest(16.0)
    place(rig, song, 16.0)
    run_to(rig, stopped_in, 1.1)
    rig.session.post(TriggerAction("stop"))
    rig.run(0.02)
    song.place(None)
    rig.run(2.0)
    song.rest(16.0)
    first = rig.conductor.horizon.current
    rig.session.post(TriggerAction("start"))
    run_to(rig, first)
    song.place(16.0 - rig.conductor.grid.start_beat(first))
    run_to(rig, first + 7)
    chorus = first + 4
    assert 0.9 not in [asked(bars[bar])[1] for bar in range(first, chorus)]
    assert [asked(bars[bar])[1] for bar in (chorus, chorus + 1)] == [0.9, 0.9]
    assert [bar for bar in fills(bars) if bar >= first] == [chorus - 1]
