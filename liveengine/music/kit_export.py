"""A kit's note names as other programs read them: REAPER, MIDI name documents, Cubase drum maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from liveengine.music.kit import KitMap

MAKER = "liveengine"
MIDNAM_DOCTYPE = (
    '<!DOCTYPE MIDINameDocument PUBLIC "-//MIDI Manufacturers Association//DTD MIDINameDocument 1.0//EN" '
    '"http://www.midi.org/dtds/MIDINameDocument10.dtd">'
)
GRID_LENGTH = "200"
"""What Cubase's own drum maps give a stroke."""


def reaper_names(kit: KitMap) -> str:
    """Return a file of note names for REAPER's MIDI editor: a note and its name a line, the highest first."""
    lines = ["// MIDI note/CC name map", f"// {_title(kit)}"]
    lines += [f"{note} {name}" for note, name in sorted(kit.names(), reverse=True)]
    if kit.pedal is not None:
        lines.append(f"CC{kit.pedal.controller} Hi-hat pedal")
    return "".join(f"{line}\n" for line in lines)


def midnam(kit: KitMap) -> str:
    """Return a MIDI name document (.midnam), as Ardour, Pro Tools, Digital Performer and others read it."""
    root = Element("MIDINameDocument")
    SubElement(root, "Author").text = MAKER
    device = SubElement(root, "MasterDeviceNames")
    SubElement(device, "Manufacturer").text = MAKER
    SubElement(device, "Model").text = _title(kit)
    mode = SubElement(device, "CustomDeviceMode", Name="Drums")
    assigned = SubElement(mode, "ChannelNameSetAssignments")
    channels = sorted({channel for channel, _ in kit.keys})
    for channel in channels:
        SubElement(assigned, "ChannelNameSetAssign", Channel=str(channel), NameSet="Drums")
    names = SubElement(device, "ChannelNameSet", Name="Drums")
    available = SubElement(names, "AvailableForChannels")
    for channel in channels:
        SubElement(available, "AvailableChannel", Channel=str(channel), Available="true")
    SubElement(names, "UsesNoteNameList", Name="Drums")
    listed = SubElement(device, "NoteNameList", Name="Drums")
    for note, name in kit.names():
        SubElement(listed, "Note", Number=str(note), Name=name)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{MIDNAM_DOCTYPE}\n{_indented(root)}'


def cubase_map(kit: KitMap) -> str:
    """Return a drum map for Cubase and Nuendo (.drm), of all 128 notes, those of the kit first."""
    root = Element("DrumMap")
    _value(root, "string", "Name", _title(kit))
    quantize = SubElement(root, "list", name="Quantize", type="list")
    item = SubElement(quantize, "item")
    _value(item, "int", "Grid", "4")
    _value(item, "int", "Type", "0")
    _value(item, "float", "Swing", "0")
    _value(item, "int", "Unquantized", "0")
    _value(item, "int", "Legato", "50")
    names = dict(kit.names())
    channels = {note: channel for channel, note in reversed(list(kit.table()))}
    order = [*names, *(note for note in range(128) if note not in names)]
    listed = SubElement(root, "list", name="Map", type="list")
    for note in range(128):
        item = SubElement(listed, "item")
        _value(item, "int", "INote", str(note))
        _value(item, "int", "ONote", str(note))
        _value(item, "int", "Channel", str(channels.get(note, kit.channel) - 1))
        _value(item, "float", "Length", GRID_LENGTH)
        _value(item, "int", "Mute", "0")
        _value(item, "int", "DisplayNote", str(note))
        for name in ("HeadSymbol", "Voice", "PortIndex"):
            _value(item, "int", name, "0")
        _value(item, "string", "Name", names.get(note, ""))
        _value(item, "int", "QuantizeIndex", "0")
    places = SubElement(root, "list", name="Order", type="list")
    for note in order:
        SubElement(places, "item", value=str(note))
    outputs = SubElement(root, "list", name="OutputDevices", type="list")
    device = SubElement(outputs, "item")
    _value(device, "string", "DeviceName", "Default Device")
    _value(device, "string", "PortName", "Default Port")
    _value(root, "int", "Flags", "0")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{_indented(root)}'


EXPORTS: Mapping[str, tuple[str, Callable[[KitMap], str]]] = {
    "reaper": (".txt", reaper_names),
    "midnam": (".midnam", midnam),
    "cubase": (".drm", cubase_map),
}
"""What a kit may be exported as: the end of the file's name, and what writes it."""


def _title(kit: KitMap) -> str:
    return kit.title or kit.name


def _value(parent: Element, kind: str, name: str, value: str) -> None:
    SubElement(parent, kind, {"name": name, "value": value} | ({"wide": "true"} if kind == "string" else {}))


def _indented(root: Element) -> str:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode") + "\n"
