"""A Live set: what a reader of the format needs is there, ids are single, and our port is named."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from liveengine.ableton.live_set import SetPlan, meter_number, set_bytes
from liveengine.app.live_sets import write_live_set
from liveengine.errors import ConfigError, ContractError
from liveengine.music.beats import Meter

POINTEES = ("Pointee", "AutomationTarget", "ModulationTarget")


def opened(plan: SetPlan) -> Element:
    return fromstring(gzip.decompress(set_bytes(plan)))


def found(element: Element, path: str) -> Element:
    there = element.find(path)
    assert there is not None, path
    return there


def held(element: Element, path: str) -> str:
    return found(element, path).attrib["Value"]


def pointees(root: Element) -> list[int]:
    return [
        int(each.attrib["Id"])
        for each in root.iter()
        if each.tag in POINTEES or each.tag.endswith("ModulationTarget") or "ControllerTargets." in each.tag
    ]


def test_the_track_plays_our_port_armed_and_monitored() -> None:
    root = opened(SetPlan("liveengine drums", track="Takt & Co"))
    (track,) = found(root, "LiveSet/Tracks")
    assert track.tag == "MidiTrack"
    assert held(track, "Name/UserName") == held(track, "Name/EffectiveName") == "Takt & Co"
    routing = found(track, "DeviceChain/MidiInputRouting")
    assert held(routing, "Target") == "MidiIn/External.Dev:liveengine drums/-1"
    assert held(routing, "UpperDisplayString") == "liveengine drums"
    assert held(track, "DeviceChain/MainSequencer/MonitoringEnum") == "0"
    assert held(track, "DeviceChain/MainSequencer/Recorder/IsArmed") == "true"
    assert len(found(track, "DeviceChain/DeviceChain/Devices")) == 0


def test_every_id_is_there_once_and_below_the_next() -> None:
    root = opened(SetPlan("drums"))
    ids = pointees(root)
    assert len(ids) > 150
    assert [each for each, times in Counter(ids).items() if times > 1] == []
    assert max(ids) < int(held(root, "LiveSet/NextPointeeId"))
    for envelope in root.iter("EnvelopeTarget"):
        assert int(held(envelope, "PointeeId")) in ids


def test_a_reader_of_the_format_finds_what_it_looks_for() -> None:
    root = opened(SetPlan("drums", bpm=93.5, meter=Meter(7, 8)))
    assert root.tag == "Ableton"
    assert root.attrib["MinorVersion"].startswith("11.")
    mixer = found(root, "LiveSet/MasterTrack/DeviceChain/Mixer")
    assert held(mixer, "Tempo/Manual") == "93.5"
    assert held(mixer, "TimeSignature/Manual") == str(meter_number(Meter(7, 8)))
    scenes = found(root, "LiveSet/Scenes")
    for slots in found(root, "LiveSet/Tracks").iter("ClipSlotList"):
        assert len(slots) == len(scenes)
    # Live refuses a master whose frozen sequencer lacks the name of its kind
    assert [each.tag for each in found(root, "LiveSet/MasterTrack/DeviceChain/FreezeSequencer")] == [
        "AudioSequencer"
    ]
    assert "without Live" in held(root, "LiveSet/Annotation")


def test_locators_lie_on_bar_lines() -> None:
    root = opened(SetPlan("drums", meter=Meter(7, 8), locators=(("Intro", 0), ("Verse", 4))))
    locators = found(root, "LiveSet/Locators/Locators")
    assert [(held(each, "Name"), held(each, "Time")) for each in locators] == [
        ("Intro", "0"),
        ("Verse", "14"),
    ]


@pytest.mark.parametrize(("meter", "number"), [((4, 4), 201), ((3, 4), 200), ((7, 8), 303), ((2, 2), 100)])
def test_a_time_signature_has_live_s_number(meter: tuple[int, int], number: int) -> None:
    assert meter_number(Meter(*meter)) == number


@pytest.mark.parametrize("fault", [{"port": ""}, {"port": "a/b"}, {"track": " "}, {"bpm": 10.0}])
def test_what_live_cannot_have_is_refused(fault: dict[str, str]) -> None:
    with pytest.raises(ContractError):
        SetPlan(**{"port": "drums", **fault})  # type: ignore[arg-type]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "song.als"
    path.write_bytes(b"mine")
    second = write_live_set(path, "drums", "Drummer", 120, "4/4")
    assert (second.name, path.read_bytes()) == ("song-2.als", b"mine")
    assert write_live_set(path, "drums", "Drummer", 120, "4/4", force=True) == path
    assert path.read_bytes() == second.read_bytes()


def test_windows_needs_the_name_of_a_port_and_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="loopMIDI"):
        write_live_set(tmp_path / "a.als", None, "Drummer", 120, "4/4", platform="win32")
    with pytest.raises(ConfigError, match=r"\.als"):
        write_live_set(tmp_path / "a.mid", "drums", "Drummer", 120, "4/4")
