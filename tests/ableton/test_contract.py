"""The addresses of AbletonOSC that are relied on, with the order of arguments and of what answers.

Source: the README of github.com/ideoforms/AbletonOSC and its files `abletonosc/song.py`, `scene.py`,
`track.py`, `clip_slot.py`, `clip.py` and `application.py`, as of 2026. Nothing of the package may speak an
address that is not listed here.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

import liveengine
from liveengine.ableton.client import LiveClient
from tests.ableton.stand_in import LiveSet, StandIn
from tests.ableton.virtual_loop import run_virtually

GETTERS: dict[str, tuple[str, tuple[Any, ...], tuple[Any, ...]]] = {
    # address: what goes in, an example of it, what comes back for it
    "/live/application/get/version": ("", (), (12, 1)),
    "/live/song/get/tempo": ("", (), (120.0,)),
    "/live/song/get/signature_numerator": ("", (), (4,)),
    "/live/song/get/signature_denominator": ("", (), (4,)),
    "/live/song/get/is_playing": ("", (), (False,)),
    "/live/song/get/current_song_time": ("", (), (0.0,)),
    "/live/song/get/song_length": ("", (), (64.0,)),
    "/live/song/get/back_to_arranger": ("", (), (False,)),
    "/live/song/get/clip_trigger_quantization": ("", (), (4,)),
    "/live/song/get/num_tracks": ("", (), (1,)),
    "/live/song/get/num_scenes": ("", (), (2,)),
    "/live/song/get/track_names": ("", (), ("Drums",)),
    "/live/song/get/scene_names": ("", (), ("intro", "verse")),
    "/live/song/get/cue_points": ("", (), ("Intro", 0.0, "Drop", 32.0)),
    "/live/scene/get/name": ("scene_index", (1,), ("verse",)),
    "/live/scene/get/is_triggered": ("scene_index", (1,), (False,)),
    "/live/track/get/name": ("track_index", (0,), ("Drums",)),
    "/live/track/get/color": ("track_index", (0,), (0,)),
    "/live/track/get/has_midi_input": ("track_index", (0,), (True,)),
    "/live/track/get/arm": ("track_index", (0,), (False,)),
    "/live/track/get/input_routing_type": ("track_index", (0,), ("All Ins",)),
    "/live/track/get/available_input_routing_types": (
        "track_index",
        (0,),
        ("All Ins", "Computer Keyboard"),
    ),
    "/live/track/get/clips/name": ("track_index", (0,), ("beat", None)),
    "/live/clip_slot/get/has_clip": ("track_index, clip_index", (0, 0), (True,)),
    "/live/clip/get/name": ("track_index, clip_index", (0, 0), ("beat",)),
    "/live/clip/get/length": ("track_index, clip_index", (0, 0), (4.0,)),
    "/live/clip/get/color": ("track_index, clip_index", (0, 0), (0,)),
    "/live/clip/get/looping": ("track_index, clip_index", (0, 0), (True,)),
    "/live/clip/get/loop_start": ("track_index, clip_index", (0, 0), (0.0,)),
    "/live/clip/get/loop_end": ("track_index, clip_index", (0, 0), (4.0,)),
    "/live/clip/get/start_marker": ("track_index, clip_index", (0, 0), (0.0,)),
    "/live/clip/get/end_marker": ("track_index, clip_index", (0, 0), (4.0,)),
    "/live/clip/get/is_midi_clip": ("track_index, clip_index", (0, 0), (True,)),
    "/live/clip/get/notes": (
        "track_index, clip_index, start_pitch, pitch_span, start_time, time_span",
        (0, 0, 0, 128, 0.0, 4.0),
        (36, 0.5, 0.25, 100, False),
    ),
}
DOERS = {
    "/live/song/create_midi_track": "index, -1 for the end",
    "/live/song/create_scene": "index, -1 for the end",
    "/live/song/delete_track": "track_index",
    "/live/song/set/clip_trigger_quantization": "quantization, 0 for none, 4 for a bar",
    "/live/song/start_playing": "",
    "/live/song/stop_playing": "",
    "/live/scene/fire": "scene_index",
    "/live/track/set/name": "track_index, name",
    "/live/track/set/arm": "track_index, arm",
    "/live/track/set/input_routing_type": "track_index, type as it is shown",
    "/live/track/stop_all_clips": "track_index",
    "/live/clip_slot/fire": "track_index, clip_index",
    "/live/clip_slot/create_clip": "track_index, clip_index, length",
    "/live/clip_slot/delete_clip": "track_index, clip_index",
    "/live/clip/set/name": "track_index, clip_index, name",
    "/live/clip/set/color": "track_index, clip_index, color",
    "/live/clip/set/looping": "track_index, clip_index, looping",
    "/live/clip/set/loop_start": "track_index, clip_index, beats",
    "/live/clip/set/end_marker": "track_index, clip_index, beats",
    "/live/clip/set/loop_end": "track_index, clip_index, beats",
    "/live/clip/add/notes": "track_index, clip_index, (pitch, start_time, duration, velocity, mute)...",
    "/live/clip/remove/notes": "track_index, clip_index, start_pitch, pitch_span, start_time, time_span",
}
TOLD = ("/live/startup", "/live/error")
"""What AbletonOSC says by itself."""


def a_set() -> LiveSet:
    live_set = LiveSet(["intro", "verse"], [("Intro", 0.0), ("Drop", 32.0)])
    live_set.song_length = 64.0
    live_set.add_track(-1, "Drums")
    live_set.tracks[0].slots[0].create_clip(4.0)
    return live_set


def test_getters_answer_with_the_indices_and_then_the_values() -> None:
    async def run() -> None:
        stand_in, live = StandIn(a_set()), LiveClient()
        port = await stand_in.open(9)
        stand_in.reply_port = await live.open(port=port, reply_port=0)
        live.send("/live/clip/set/name", 0, 0, "beat")
        live.send("/live/clip/add/notes", 0, 0, 36, 0.5, 0.25, 100, False)
        for address, (_, arguments, expected) in GETTERS.items():
            assert await live.query(address, *arguments) == expected, address
        await live.close()
        await stand_in.close()

    run_virtually(run())


def test_doers_do_what_they_say() -> None:
    async def run() -> None:
        stand_in, live = StandIn(a_set()), LiveClient()
        port = await stand_in.open(9)
        stand_in.reply_port = await live.open(port=port, reply_port=0)
        for address, *arguments in (
            ("/live/song/create_midi_track", 0),
            ("/live/song/create_scene", -1),
            ("/live/song/start_playing",),
            ("/live/track/set/name", 0, "Takes"),
            ("/live/clip_slot/create_clip", 0, 2, 8.0),
            ("/live/clip/set/name", 0, 2, "take 1"),
            ("/live/clip/set/color", 0, 2, 0xFF0000),
            ("/live/clip/set/looping", 0, 2, False),
            ("/live/clip/set/loop_start", 0, 2, 1.0),
            ("/live/clip/set/loop_end", 0, 2, 5.0),
            ("/live/clip/add/notes", 0, 2, 36, 0.0, 1.0, 90, False, 38, 2.0, 1.0, 80, True),
            ("/live/clip/remove/notes", 0, 2, 36, 1, 0.0, 8.0),
            ("/live/clip_slot/delete_clip", 1, 0),
            ("/live/scene/fire", 1),
            ("/live/song/set/clip_trigger_quantization", 0),
            ("/live/track/set/arm", 1, True),
            ("/live/track/set/input_routing_type", 1, "Computer Keyboard"),
            ("/live/clip_slot/fire", 1, 0),
            ("/live/clip/set/end_marker", 0, 2, 6.0),
            ("/live/song/create_midi_track", -1),
            ("/live/song/delete_track", 2),
        ):
            assert address in DOERS
            live.send(str(address), *arguments)
        await live.query("/live/song/get/tempo")
        first, second = stand_in.set.tracks
        clip = first.slots[2].clip
        assert (first.name, second.name, len(stand_in.set.scenes)) == ("Takes", "Drums", 3)
        assert second.slots[0].clip is None
        assert clip is not None
        assert (clip.name, clip.color, clip.looping) == ("take 1", 0xFF0000, False)
        assert (clip.length, clip.loop_start, clip.loop_end) == (6.0, 1.0, 5.0)
        assert clip.end_marker == 6.0
        assert (second.arm, second.input_routing_type) == (True, "Computer Keyboard")
        assert stand_in.set.recording is not None
        assert stand_in.set.clip_trigger_quantization == 0
        live.send("/live/track/stop_all_clips", 1)
        await live.query("/live/song/get/tempo")
        assert stand_in.set.recording is None
        assert [(note.pitch, note.start, note.mute) for note in clip.notes] == [(38, 2.0, True)]
        assert stand_in.set.is_playing
        assert stand_in.set.scenes[1].is_triggered
        live.send("/live/song/stop_playing")
        await live.query("/live/song/get/tempo")
        assert not stand_in.set.is_playing
        await live.close()
        await stand_in.close()

    run_virtually(run())


def test_a_listener_holds_on_to_what_it_was_begun_on_whatever_its_index_becomes() -> None:
    async def run() -> None:
        stand_in, live = StandIn(a_set()), LiveClient()
        port = await stand_in.open(9)
        stand_in.reply_port = await live.open(port=port, reply_port=0)
        heard: list[Any] = []
        live.listen("/live/track/get/name", 0, heard=lambda values: heard.append(values[0]))
        await asyncio.sleep(1)
        stand_in.set.add_track(0, "New")
        stand_in.set.tracks[1].name = "Kit"
        await asyncio.sleep(1)
        assert heard[-1] == "Kit"
        assert await live.query("/live/track/get/name", 0) == ("New",)
        await live.close()
        await stand_in.close()

    run_virtually(run())


SPOKEN = sorted(
    {
        address
        for path in Path(liveengine.__file__).parent.rglob("*.py")
        for address in re.findall(r'"(/live/[a-z_/]+)"', path.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("address", SPOKEN)
def test_every_address_that_the_package_speaks_is_listed(address: str) -> None:
    assert address in GETTERS or address in DOERS or address in TOLD
