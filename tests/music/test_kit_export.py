"""Note names for other programs: each is read as that program reads it."""

from __future__ import annotations

from xml.etree import ElementTree

from liveengine.music.kit import GENERAL_MIDI_KIT, Articulation, HatPedal, KitMap, KitNote
from liveengine.music.kit_export import EXPORTS, cubase_map, midnam, reaper_names

KIT = KitMap(
    "mine",
    {
        **GENERAL_MIDI_KIT.sounds,
        Articulation.SNARE: KitNote((38, 33)),
        Articulation.RIDE: KitNote((51,), channel=3),
    },
    pedal=HatPedal(4, 127, 0),
    title="Mine & <yours>",
)
NAMES = dict(KIT.names())


def test_reaper_names_are_a_note_and_its_name_a_line() -> None:
    first, second, *lines, last = reaper_names(KIT).splitlines()
    assert (first, second) == ("// MIDI note/CC name map", "// Mine & <yours>")
    assert last == "CC4 Hi-hat pedal"
    read = {int(line.split(" ", 1)[0]): line.split(" ", 1)[1] for line in lines}
    assert read == NAMES
    assert read[36] == "Kick"
    assert (read[33], read[38]) == ("Snare 2", "Snare 1")


def test_a_midi_name_document_has_the_names_on_the_kits_channels() -> None:
    text = midnam(KIT)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE MIDINameDocument PUBLIC')
    root = ElementTree.fromstring(text)
    device = root.find("MasterDeviceNames")
    assert device is not None
    assert device.findtext("Model") == "Mine & <yours>"
    lists = {each.get("Name"): each for each in device.findall("NoteNameList")}
    used = device.find("ChannelNameSet/UsesNoteNameList")
    assert used is not None
    listed = lists[used.get("Name")]
    assert {int(n.get("Number", "")): n.get("Name") for n in listed} == NAMES
    assigned = device.findall("CustomDeviceMode/ChannelNameSetAssignments/ChannelNameSetAssign")
    assert [each.get("Channel") for each in assigned] == ["3", "10"]


def test_a_cubase_drum_map_has_every_note_once_and_the_kits_first() -> None:
    root = ElementTree.fromstring(cubase_map(KIT))
    assert root.tag == "DrumMap"
    items = root.findall("list[@name='Map']/item")
    read = [{value.get("name"): value.get("value") for value in item} for item in items]
    assert [int(each["INote"] or "") for each in read] == list(range(128))
    assert {int(e["ONote"] or ""): e["Name"] for e in read if e["Name"]} == NAMES
    channels = {int(e["INote"] or ""): e["Channel"] for e in read}
    assert (channels[51], channels[36]) == ("2", "9"), "counted from 0"
    order = [int(each.get("value", "")) for each in root.findall("list[@name='Order']/item")]
    assert order[: len(NAMES)] == sorted(NAMES)
    assert sorted(order) == list(range(128))


def test_every_export_has_a_file_name_of_its_own() -> None:
    assert {name: end for name, (end, _) in EXPORTS.items()} == {
        "reaper": ".txt",
        "midnam": ".midnam",
        "cubase": ".drm",
    }
