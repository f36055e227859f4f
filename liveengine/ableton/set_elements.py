"""The elements of which a Live set is made: values, parameters, routings, what every track and device has.

A set is gzipped XML. The shape is that of sets that Live 11.3 saved, as public repositories keep them. Every
automation or modulation target has an id of one pool: Live refuses a set where one is there twice, or where
NextPointeeId is not above them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from xml.etree.ElementTree import Element

Value = str | int | float | bool
CONTROLLERS = 131
"""Automation targets of a MIDI track: pitch bend, pressure, and the controllers."""
LOCKED_CONTROLLERS = (1, 11, 66)
"""Those that Live locks in a new track."""
QUIETEST, LOUDEST = "0.0003162277571", "1.99526238"
"""A fader's range as gain: -70 to +6 dB."""
SAMPLE_TARGETS = (
    "Volume",
    "Transposition",
    "GrainSize",
    "Flux",
    "SampleOffset",
)


@dataclass(slots=True)
class Ids:
    """The ids of one set, from 1."""

    _ids: Iterator[int] = field(default_factory=lambda: count(1))

    def take(self) -> str:
        """Return an id that nothing has yet."""
        return str(next(self._ids))


def node(tag: str, *children: Element, **attributes: str) -> Element:
    """Return an element with its children."""
    made = Element(tag, attributes)
    made.extend(children)
    return made


def value(tag: str, of: Value) -> Element:
    """Return `<tag Value="of" />`, as Live writes a plain member."""
    return Element(tag, {"Value": str(of).lower() if isinstance(of, bool) else str(of)})


def values(**of: Value) -> list[Element]:
    """Return plain members in this order."""
    return [value(tag, each) for tag, each in of.items()]


def unset(tag: str) -> Element:
    """Return a member that holds nothing."""
    return node(tag, Element("Value"))


def wrappers(*tags: str) -> list[Element]:
    """Return the lists that Live's object model fills in by itself."""
    return [Element(tag, {"LomId": "0"}) for tag in tags]


def target(tag: str, ids: Ids, *, locked: bool = False) -> Element:
    """Return what an envelope can point at."""
    return node(tag, value("LockEnvelope", int(locked)), Id=ids.take())


def switch(tag: str, ids: Ids) -> Element:
    """Return something that is on or off, and on."""
    thresholds = node("MidiCCOnOffThresholds", *values(Min=64, Max=127))
    return node(tag, *values(LomId=0, Manual=True), target("AutomationTarget", ids), thresholds)


def parameter(tag: str, ids: Ids, now: Value, low: Value, high: Value) -> Element:
    """Return something that can be turned from `low` to `high`."""
    return node(
        tag,
        *values(LomId=0, Manual=now),
        node("MidiControllerRange", *values(Min=low, Max=high)),
        target("AutomationTarget", ids),
        target("ModulationTarget", ids),
    )


def choice(tag: str, ids: Ids, now: int) -> Element:
    """Return something that is one of several, by number."""
    return node(tag, *values(LomId=0, Manual=now), target("AutomationTarget", ids))


def routing(tag: str, to: str, upper: str, lower: str = "") -> Element:
    """Return where something comes from or goes to: Live's own name for it, and both lines that it shows."""
    zone = node("MpeSettings", *values(ZoneType=0, FirstNoteChannel=1, LastNoteChannel=15))
    return node(tag, *values(Target=to, UpperDisplayString=upper, LowerDisplayString=lower), zone)


def device_head(ids: Ids, *, shows_preset: bool = False) -> list[Element]:
    """Return what every device begins with; mixers and sequencers are devices too."""
    return [
        *values(LomId=0, LomIdView=0, IsExpanded=True),
        switch("On", ids),
        value("ModulationSourceCount", 0),
        *wrappers("ParametersListWrapper"),
        Element("Pointee", {"Id": ids.take()}),
        *values(LastSelectedTimeableIndex=0, LastSelectedClipEnvelopeIndex=0),
        unset("LastPresetRef"),
        Element("LockedScripts"),
        *values(IsFolded=False, ShouldShowPresetName=shows_preset, UserName="", Annotation=""),
        unset("SourceContext"),
    ]


def mixer(ids: Ids, *more: Element, width: int = 93) -> Element:
    """Return a track's mixer; the master's has `more`."""
    return node(
        "Mixer",
        *device_head(ids),
        Element("Sends"),
        switch("Speaker", ids),
        *values(SoloSink=False, PanMode=0),
        parameter("Pan", ids, 0, -1, 1),
        parameter("SplitStereoPanL", ids, -1, -1, 1),
        parameter("SplitStereoPanR", ids, 1, -1, 1),
        parameter("Volume", ids, 1, QUIETEST, LOUDEST),
        value("ViewStateSesstionTrackWidth", width),  # spelt so by Live
        choice("CrossFadeState", ids, 1),
        *wrappers("SendsListWrapper"),
        *more,
    )


def track_head(name: str, shown: str, color: int) -> list[Element]:
    """Return what every track begins with: `name` is the user's, or empty; `shown` what stands there then."""
    return [
        *values(LomId=0, LomIdView=0, IsContentSelectedInDocument=False, PreferredContentViewMode=0),
        node("TrackDelay", *values(Value=0, IsValueSampleBased=False)),
        node("Name", *values(EffectiveName=shown, UserName=name, Annotation="", MemorizedFirstClipName="")),
        value("Color", color),
    ]


def track_lists(*, unfolded: bool) -> list[Element]:
    """Return what every track has after its envelopes."""
    return [
        *values(TrackGroupId=-1, TrackUnfolded=unfolded),
        *wrappers("DevicesListWrapper", "ClipSlotsListWrapper"),
        value("ViewData", "{}"),
        node("TakeLanes", Element("TakeLanes"), value("AreTakeLanesFolded", True)),
        value("LinkedTrackGroupId", -1),
    ]


def lanes(height: int) -> list[Element]:
    """Return the view of a track's automation."""
    lane = node(
        "AutomationLane",
        *values(SelectedDevice=0, SelectedEnvelope=0, IsContentSelectedInDocument=False, LaneHeight=height),
        Id="0",
    )
    return [
        node(
            "AutomationLanes",
            node("AutomationLanes", lane),
            value("AreAdditionalAutomationLanesFolded", False),
        ),
        node(
            "ClipEnvelopeChooserViewState",
            *values(SelectedDevice=0, SelectedEnvelope=0, PreferModulationVisible=False),
        ),
    ]


def no_envelopes() -> Element:
    """Return the automation of a track that has none."""
    return node("AutomationEnvelopes", Element("Envelopes"))


def transform_view() -> Element:
    """Return the view of an automation that nobody stretches."""
    return node(
        "AutomationTransformViewState",
        value("IsTransformPending", False),
        Element("TimeAndValueTransforms"),
    )


def arrangement(tag: str) -> Element:
    """Return a track's part of the arrangement, empty."""
    return node(tag, node("ArrangerAutomation", Element("Events"), transform_view()))


def clip_slots(scenes: int) -> Element:
    """Return a track's clip slots, empty; as many as there are scenes."""
    return node(
        "ClipSlotList",
        *(
            node(
                "ClipSlot",
                value("LomId", 0),
                unset("ClipSlot"),
                *values(HasStop=True, NeedRefreeze=True),
                Id=str(each),
            )
            for each in range(scenes)
        ),
    )


def recorder(*, armed: bool, takes: int) -> Element:
    """Return whether a track records."""
    return node("Recorder", *values(IsArmed=armed, TakeCounter=takes))


def audio_sequencer(ids: Ids, scenes: int) -> list[Element]:
    """Return the members of a sequencer that plays samples: where Live keeps what it froze."""
    return [
        *device_head(ids, shows_preset=True),
        clip_slots(scenes),
        value("MonitoringEnum", 1),
        arrangement("Sample"),
        *(target(f"{each}ModulationTarget", ids) for each in SAMPLE_TARGETS),
        *values(PitchViewScrollPosition=-1073741824, SampleOffsetModulationScrollPosition=-1073741824),
        recorder(armed=False, takes=1),
    ]


def devices() -> Element:
    """Return a chain of devices, empty."""
    return node("DeviceChain", Element("Devices"), Element("SignalModulations"))


def grid(tag: str = "Grid") -> Element:
    """Return sixteenths as the grid, as a new set has it."""
    return node(
        tag,
        *values(
            FixedNumerator=1,
            FixedDenominator=16,
            GridIntervalPixel=20,
            Ntoles=2,
            SnapToGrid=True,
            Fixed=False,
        ),
    )
