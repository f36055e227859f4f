"""What the stage page is told: parts of one view, each only when it has changed, the newest at any time."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pydantic import TypeAdapter

from liveengine.music.control import (
    LearnMidi,
    SaveScene,
    SetBlendStyle,
    SetStyle,
    SetToggle,
    SetValue,
    TriggerAction,
)
from liveengine.music.drawing_commands import DrawStroke
from liveengine.music.drums import GROUPS, Voice
from liveengine.music.scene import Scene, SetEntry, SetList
from liveengine.web import messages
from liveengine.web.feed import LATENESS_BINS, ClientCursor, StageFeed
from tests.rig import Rig

CARD = messages.PortCard(backend="jack", name="liveengine:drums", control="", system=sys.platform, cure="")
TO_PAGE: TypeAdapter[messages.Message] = TypeAdapter(messages.ToPage)


class Reader:
    """One page: counts how often it is stirred, and keeps what it is told by type."""

    def __init__(self, feed: StageFeed) -> None:
        self.feed = feed
        self.cursor = ClientCursor()
        self.stirred = 0
        feed.open(self.notify)

    def notify(self) -> None:
        self.stirred += 1

    def read(self) -> dict[str, messages.Message]:
        """Return what is new, by type, as it comes out at the other end."""
        changes_since = [
            TO_PAGE.validate_json(each.model_dump_json()) for each in self.feed.changes_since(self.cursor)
        ]
        assert len({each.type for each in changes_since}) == len(changes_since)  # type: ignore[attr-defined]
        return {each.type: each for each in changes_since}  # type: ignore[attr-defined]


def playing(rig: Rig) -> Reader:
    """Return a reader of a rig that has played for a bar and a half."""
    reader = Reader(StageFeed(rig.session, CARD))
    rig.run(4.5)
    return reader


def plan_of(changes_since: dict[str, messages.Message]) -> messages.Plan:
    plan = changes_since["plan"]
    assert isinstance(plan, messages.Plan)
    return plan


def test_the_first_reading_is_the_whole_view(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    changes_since = playing(rig).read()
    assert set(changes_since) == {"plan", "time", "controls", "live", "proof"}
    horizon = rig.conductor.horizon
    plan = plan_of(changes_since)
    assert plan.current == horizon.current
    assert (
        plan.known
        == [bar.index for bar in plan.bars]
        == [bar.index for bar in horizon.from_bar(plan.current)]
    )
    planned = horizon.get(plan.current)
    assert planned is not None
    assert [(hit.voice, hit.beat, hit.velocity) for hit in plan.bars[0].hits] == [
        (placed.timed.voice, placed.timed.beat, placed.timed.velocity) for placed in planned.hits
    ]
    time = changes_since["time"]
    assert isinstance(time, messages.TimeMap)
    grid = rig.conductor.grid
    assert (time.bpm, time.origin_beat, time.origin_bar) == (120.0, grid.origin_beat, grid.origin_bar)


def test_nothing_is_told_twice_and_only_what_has_changed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    reader.read()
    assert reader.read() == {}
    rig.session.post(SetValue("blend", 0.5))
    stirred = reader.stirred
    rig.session.step(rig.timeline.now_us())
    assert reader.stirred > stirred
    controls = reader.read()["controls"]
    assert isinstance(controls, messages.Controls)
    assert controls.values["blend"] == 0.5


def test_a_blended_bar_names_both_styles_with_their_shares(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    assert all(bar.blend == [] for bar in plan_of(reader.read()).bars)
    rig.session.post(SetBlendStyle("jazz"))
    rig.session.post(SetValue("blend", 0.5))
    rig.run(4.5)
    bar = plan_of(reader.read()).bars[-1]
    assert [(each.style, each.share) for each in bar.blend] == [("rock", 0.5), ("jazz", 0.5)]
    assert bar.style == "jazz"


def test_a_page_that_was_away_is_told_the_newest_only(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    slow, quick = playing(rig), Reader(StageFeed(rig.session, CARD))
    slow.read()
    for density in (0.1, 0.4, 0.9):
        rig.session.post(SetValue("density", density))
        rig.run(0.3)
        quick.read()
    changes_since = slow.read()
    controls = changes_since["controls"]
    assert isinstance(controls, messages.Controls)
    assert controls.values["density"] == 0.9
    plan = plan_of(changes_since)
    assert len({bar.index for bar in plan.bars}) == len(plan.bars) <= len(plan.known)


def test_bars_that_stay_are_not_told_again(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    before = plan_of(reader.read())
    rig.run(2.0)
    after = plan_of(reader.read())
    assert after.current == before.current + 1
    assert [bar.index for bar in after.bars] == [before.known[-1] + 1]


def test_a_mute_is_seen_in_the_plan_and_a_solo_too(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    reader.read()
    rig.session.post(SetToggle("mute_kick", True))
    rig.run(0.05)
    kicks = [hit for bar in plan_of(reader.read()).bars for hit in bar.hits if hit.voice == Voice.KICK]
    assert kicks
    assert {hit.velocity for hit in kicks} == {0}
    rig.session.post(SetToggle("mute_kick", False))
    rig.session.post(SetValue("level_kick", 0.5))
    rig.run(0.05)
    kicks = [hit for bar in plan_of(reader.read()).bars for hit in bar.hits if hit.voice == Voice.KICK]
    assert {45 <= hit.velocity <= 50 for hit in kicks} == {True}


def test_what_is_drawn_is_seen_sounding_or_silent(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    reader.read()
    bar = rig.conductor.horizon.current + 1
    rig.session.post(DrawStroke(bar, 6, Voice.SNARE, 110))
    rig.session.post(DrawStroke(bar, 0, Voice.KICK, 0, keep=True))
    rig.session.step(rig.timeline.now_us())
    drawn, later = plan_of(reader.read()).bars
    silent = messages.StrokeView(step=0, voice=int(Voice.KICK), velocity=0, keep=True)
    assert drawn.drawing == [silent, messages.StrokeView(step=6, voice=1, velocity=110, keep=False)]
    assert [(hit.step, hit.voice) for hit in drawn.hits if hit.drawn] == [(6, Voice.SNARE)]
    assert [hit.step for hit in drawn.hits if hit.voice == Voice.KICK] == [4, 8, 12]
    assert later.drawing == [silent]


def test_a_style_is_wished_before_it_sounds(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(switch="bar")
    reader = playing(rig)
    live = reader.read()["live"]
    assert isinstance(live, messages.Live)
    assert live.sounded_style == "rock"
    rig.session.post(SetStyle("jazz"))
    rig.session.step(rig.timeline.now_us())
    controls = reader.read()["controls"]
    assert isinstance(controls, messages.Controls)
    assert controls.wished_style == "jazz"
    rig.run(6.0)
    live = reader.read()["live"]
    assert isinstance(live, messages.Live)
    assert live.sounded_style == "jazz"


def test_a_control_left_to_the_style_says_what_the_style_says(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(style="loose")
    reader = playing(rig)
    rig.session.post(SetValue("swing_percent", 66.0))
    rig.session.post(SetValue("swing_percent", None))
    rig.run(0.05)
    controls = reader.read()["controls"]
    assert isinstance(controls, messages.Controls)
    assert controls.values["swing_percent"] is None
    assert controls.own == {"swing_percent": 50.0, "humanize": 1.0, "density": None, "energy": None}


def test_scenes_loops_learning_and_sets_are_told(make_rig: Callable[..., Rig]) -> None:
    state = make_rig().conductor.controls
    entries = (SetEntry(Scene("intro", state)), SetEntry(Scene("verse", state), bar=9))
    rig = make_rig(set_list=SetList("Friday", entries))
    reader = playing(rig)
    rig.session.post(SaveScene("mine"))
    rig.session.post(TriggerAction("lock_1"))
    rig.session.post(LearnMidi("density"))
    rig.run(0.1)
    changes_since = reader.read()
    controls, live = changes_since["controls"], changes_since["live"]
    assert isinstance(controls, messages.Controls)
    assert isinstance(live, messages.Live)
    assert controls.scenes == ["mine"]
    assert (live.looped_bars, live.learning) == (1, "density")
    assert live.set is not None
    assert (live.set.title, live.set.scene, live.set.next_scene, live.set.next_bar) == (
        "Friday",
        "intro",
        "verse",
        9,
    )


def test_an_ending_is_told_until_it_has_come_or_is_taken_back(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)

    def told_after(action: str, seconds: float = 0.05) -> tuple[int | None, int]:
        rig.session.post(TriggerAction(action))
        rig.run(seconds)
        live = reader.read()["live"]
        assert isinstance(live, messages.Live)
        return live.ending, rig.conductor.horizon.current

    ending, current = told_after("end")
    assert ending == current + 2
    assert told_after("undo")[0] is None
    ending, current = told_after("end_phrase")
    assert ending == 8 > current
    ending, current = told_after("end")
    assert ending == current + 2
    rig.run(8.0)
    changes_since = reader.read()
    live, time = changes_since["live"], changes_since["time"]
    assert isinstance(live, messages.Live)
    assert isinstance(time, messages.TimeMap)
    assert (live.ending, time.sounding) == (None, False)


def test_a_tempo_that_cannot_be_moved_is_a_notice(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    reader.read()
    rig.session.post(TriggerAction("tempo_up"))
    rig.run(0.1)
    time = reader.read()["time"]
    assert isinstance(time, messages.TimeMap)
    assert time.bpm == 121.0
    rig.session.post(TriggerAction("tap"))
    rig.run(0.1)
    live = reader.read()["live"]
    assert isinstance(live, messages.Live)
    assert live.notice == "tap: virtual time has no taps, and no other clock"


def strike(rig: Rig, velocity: int, pitch: int = 40) -> None:
    """Let a player of a bass strike a note now."""
    rig.session.ears.hear((0x90, pitch, velocity), rig.timeline.now_us())


def test_a_note_of_another_player_is_told_at_once_where_it_was_played(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    assert not {"onsets", "players"} & set(reader.read())
    grid = rig.conductor.grid
    bar = rig.conductor.horizon.current
    late_us = 0.25 * grid.beat_map.us_per_beat / 4
    after_us = grid.beat_map.time_at(grid.start_beat(bar) + 3.0) + late_us - rig.timeline.now_us()
    rig.run(after_us / 1e6)
    reader.read()
    strike(rig, 90)
    rig.session.step(rig.timeline.now_us())
    onsets = reader.read()["onsets"]
    assert isinstance(onsets, messages.Onsets)
    (onset,) = onsets.onsets
    assert (onset.bar, onset.step, onset.velocity, onset.instrument) == (bar, 12, 90, "bass")
    assert abs(onset.offset - 0.25) < 0.05
    assert "onsets" not in reader.read()


def test_a_page_that_was_away_gets_every_note_once_and_none_of_long_ago(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    slow = playing(rig)
    slow.read()
    strike(rig, 20)
    rig.run(6.0)
    for velocity in (50, 60, 70):
        strike(rig, velocity)
        rig.run(0.2)
    for reader in (slow, Reader(slow.feed)):
        onsets = reader.read()["onsets"]
        assert isinstance(onsets, messages.Onsets)
        assert [each.velocity for each in onsets.onsets] == [50, 60, 70]
        assert "onsets" not in reader.read()


def test_once_a_bar_it_is_told_what_is_understood_and_what_it_moves(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    told = []
    for _ in range(32):
        strike(rig, 120)
        rig.run(0.25)
        if (players := reader.read().get("players")) is not None:
            told.append(players)
    assert len(told) == 4
    last = told[-1]
    assert isinstance(last, messages.Players)
    assert [each.bar for each in told] == list(range(last.bar - 3, last.bar + 1))  # type: ignore[attr-defined]
    assert (last.riff_bars, last.silent_bars) == (1, 0)
    assert last.loudness > 0.9
    assert 0.8 < last.activity <= 1.0
    assert list(last.pushes_ms) == ["bass"]
    assert 1 <= last.phrase_place <= last.phrase_length
    reasons = {each.moves: each for each in last.reasons}
    assert {"accents", "energy"} <= set(reasons)
    assert reasons["energy"].amount > 0
    assert "loudness" in reasons["energy"].why
    rig.run(4.0)
    silent = reader.read()["players"]
    assert isinstance(silent, messages.Players)
    assert silent.silent_bars in (1, 2)


def test_proof_counts_every_late_note_once(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    reader = playing(rig)
    rig.record.lateness_ms.extend([0.01, 0.06, 0.06, 99.0])
    proof = reader.feed._proof()
    assert len(proof.bins) == LATENESS_BINS
    assert sum(proof.bins) == len(rig.record.lateness_ms)
    assert proof.bins[1] == 2
    assert proof.bins[-1] == 1
    assert proof.most_ms == 99.0
    assert [each.bar for each in proof.making] == [bar.index for bar in rig.record.played]


def test_without_a_page_nothing_is_looked_at(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    asked = []
    feed = StageFeed(rig.session, CARD, lambda: asked.append(1))
    rig.run(1.0)
    assert asked == []
    reader = Reader(feed)
    rig.run(0.1)
    assert asked
    feed.close(reader.notify)
    known = len(asked)
    rig.run(1.0)
    assert len(asked) == known


def test_the_welcome_names_all_that_can_be_turned(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(quantum=3.5)
    welcome = StageFeed(rig.session, CARD).welcome()
    assert welcome.drums == list(GROUPS)
    assert [voice.name for voice in welcome.voices] == [voice.label for voice in Voice]
    assert {"style", "switch", "swing_percent", "mute_kick", "fill"} <= {
        each.name for each in welcome.controls
    }
