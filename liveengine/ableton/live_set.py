"""A Live set with a track that plays our port: in Live 11's format, which Live 12 opens too.

Made without Live at hand: the format's facts are from sets that Live 11.3 saved and from programs that write
sets, all in public repositories. How Live names one MIDI input, `MidiIn/External.Dev:PORT/-1` with -1 for all
channels, is from such programs only.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, tostring

from liveengine.ableton import set_elements as live
from liveengine.ableton.set_elements import Ids, node, value, values, wrappers
from liveengine.errors import ContractError
from liveengine.music.beats import Meter

SCENES = 8
"""As a new set has."""
BEFORE_ALL = "-63072000"
"""The beat at which Live keeps what holds from the beginning."""
MONITOR_IN = 0
"""Of In, Auto, Off."""
NOTE = "Written by liveengine, without Live at hand. Put a Drum Rack on the track."
EXAMPLE = (("Intro", 0), ("Verse", 4), ("Chorus", 12), ("Verse 2", 20), ("Break", 28), ("Outro", 32))
"""Locators that a drummer can follow, by bar from 0."""
VIEWS = {
    "SessionIO": 1,
    "SessionSends": 1,
    "SessionReturns": 1,
    "SessionMixer": 1,
    "SessionTrackDelay": 0,
    "SessionCrossFade": 0,
    "SessionShowOverView": 0,
    "ArrangerIO": 1,
    "ArrangerReturns": 1,
    "ArrangerMixer": 1,
    "ArrangerTrackDelay": 0,
    "ArrangerShowOverView": 1,
}
NOWHERE = str(-(2**31))


@dataclass(frozen=True, slots=True)
class SetPlan:
    """What a set is to have: the MIDI input by the name that Live shows, track, tempo, meter, locators."""

    port: str
    track: str = "Drummer"
    bpm: float = 120.0
    meter: Meter = Meter(4, 4)  # noqa: RUF009 - it is frozen
    locators: Sequence[tuple[str, int]] = EXAMPLE

    def __post_init__(self) -> None:
        """Refuse what Live cannot have."""
        if not self.port.strip() or "/" in self.port or not self.port.isprintable():
            raise ContractError(f"port: expected a name without a slash, got {self.port!r}")
        if not self.track.strip() or not self.track.isprintable():
            raise ContractError(f"track: expected a name, got {self.track!r}")
        if not 20 <= self.bpm <= 999:
            raise ContractError(f"tempo: expected 20 to 999 bpm, got {self.bpm:g}")


def set_bytes(plan: SetPlan) -> bytes:
    """Return the file; the same plan gives the same bytes."""
    xml = tostring(_document(plan), encoding="UTF-8", xml_declaration=True)
    return gzip.compress(xml, mtime=0)


def meter_number(meter: Meter) -> int:
    """Return Live's number of a time signature: 99 for each doubling below, and one for each beat above."""
    return (meter.denominator.bit_length() - 1) * 99 + meter.numerator - 1


def _document(plan: SetPlan) -> Element:
    ids = Ids()
    tracks = node("Tracks", _midi_track(plan, ids))
    master = _master(plan, ids)
    cue = _cue(ids)
    locators = node("Locators", node("Locators", *_locators(plan, ids)))
    head = [value("NextPointeeId", ids.take()), *values(OverwriteProtectionNumber=2819, LomId=0, LomIdView=0)]
    body = [tracks, master, cue, Element("SendsPre"), _scenes(plan), *_transport(), *_views()]
    return node(
        "Ableton",
        node("LiveSet", *head, *body, locators, *_rest()),
        MajorVersion="5",
        MinorVersion="11.0_11300",
        SchemaChangeCount="3",
        Creator="Ableton Live 11.3.13",
        Revision="",
    )


def _midi_track(plan: SetPlan, ids: Ids) -> Element:
    chain = node(
        "DeviceChain",
        *live.lanes(68),
        live.routing("AudioInputRouting", "AudioIn/External/S0", "Ext. In", "1/2"),
        live.routing("MidiInputRouting", f"MidiIn/External.Dev:{plan.port}/-1", plan.port, "All Channels"),
        live.routing("AudioOutputRouting", "AudioOut/Master", "Master"),
        live.routing("MidiOutputRouting", "MidiOut/None", "None"),
        live.mixer(ids),
        _midi_sequencer(ids),
        node("FreezeSequencer", *live.audio_sequencer(ids, SCENES)),
        live.devices(),
    )
    return node(
        "MidiTrack",
        *live.track_head(plan.track, plan.track, 14),
        live.no_envelopes(),
        *live.track_lists(unfolded=True),
        *values(SavedPlayingSlot=-1, SavedPlayingOffset=0, Freeze=False, VelocityDetail=0),
        *values(NeedArrangerRefreeze=True, PostProcessFreezeClips=0),
        chain,
        *values(ReWireDeviceMidiTargetId=0, PitchbendRange=96, IsTuned=True),
        Id=ids.take(),
    )


def _midi_sequencer(ids: Ids) -> Element:
    controllers = (
        live.target(f"ControllerTargets.{each}", ids, locked=each in live.LOCKED_CONTROLLERS)
        for each in range(live.CONTROLLERS)
    )
    return node(
        "MainSequencer",
        *live.device_head(ids, shows_preset=True),
        live.clip_slots(SCENES),
        value("MonitoringEnum", MONITOR_IN),
        live.arrangement("ClipTimeable"),
        live.recorder(armed=True, takes=0),
        node("MidiControllers", *controllers),
    )


def _master(plan: SetPlan, ids: Ids) -> Element:
    tempo = live.parameter("Tempo", ids, f"{plan.bpm:g}", 60, 200)
    meter = live.choice("TimeSignature", ids, meter_number(plan.meter))
    held = (
        _held(0, meter, "EnumEvent", str(meter_number(plan.meter))),
        _held(1, tempo, "FloatEvent", f"{plan.bpm:g}"),
    )
    mixer = live.mixer(
        ids,
        tempo,
        meter,
        live.parameter("GlobalGrooveAmount", ids, 100, 0, "131.25"),
        live.parameter("CrossFade", ids, 0, -1, 1),
        *values(TempoAutomationViewBottom=60, TempoAutomationViewTop=200),
    )
    chain = node(
        "DeviceChain",
        *live.lanes(85),
        *_outward(),
        mixer,
        node("FreezeSequencer", node("AudioSequencer", *live.audio_sequencer(ids, 0), Id="0")),
        live.devices(),
    )
    return node(
        "MasterTrack",
        *live.track_head("", "Master", 12),
        node("AutomationEnvelopes", node("Envelopes", *held)),
        *live.track_lists(unfolded=False),
        chain,
    )


def _held(number: int, of: Element, event: str, now: str) -> Element:
    """Return the envelope that holds a parameter from the beginning."""
    pointee = of.find("AutomationTarget")
    assert pointee is not None  # every parameter has one
    return node(
        "AutomationEnvelope",
        node("EnvelopeTarget", value("PointeeId", pointee.attrib["Id"])),
        node(
            "Automation",
            node("Events", Element(event, {"Id": "0", "Time": BEFORE_ALL, "Value": now})),
            live.transform_view(),
        ),
        Id=str(number),
    )


def _cue(ids: Ids) -> Element:
    chain = node("DeviceChain", *live.lanes(85), *_outward(), live.mixer(ids, width=74), live.devices())
    return node(
        "PreHearTrack",
        *live.track_head("", "Master", -1),
        live.no_envelopes(),
        *live.track_lists(unfolded=False),
        chain,
    )


def _outward() -> list[Element]:
    return [
        live.routing("AudioInputRouting", "AudioIn/External/S0", "Ext. In", "1/2"),
        live.routing("MidiInputRouting", "MidiIn/External.All/-1", "Ext: All Ins"),
        live.routing("AudioOutputRouting", "AudioOut/External/S0", "Ext. Out", "1/2"),
        live.routing("MidiOutputRouting", "MidiOut/None", "None"),
    ]


def _scenes(plan: SetPlan) -> Element:
    return node("Scenes", *(_scene(plan, number) for number in range(SCENES)))


def _scene(plan: SetPlan, number: int) -> Element:
    follow = node(
        "FollowAction",
        *values(FollowTime=4, IsLinked=True, LoopIterations=1, FollowActionA=4, FollowActionB=0),
        *values(FollowChanceA=100, FollowChanceB=0, JumpIndexA=0, JumpIndexB=0, FollowActionEnabled=False),
    )
    return node(
        "Scene",
        follow,
        *values(Name="", Annotation="", Color=-1, Tempo=f"{plan.bpm:g}", IsTempoEnabled=False),
        *values(TimeSignatureId=meter_number(plan.meter), IsTimeSignatureEnabled=False, LomId=0),
        *wrappers("ClipSlotsListWrapper"),
        Id=str(number),
    )


def _locators(plan: SetPlan, ids: Ids) -> list[Element]:
    return [
        node(
            "Locator",
            *values(LomId=0, Time=f"{bar * plan.meter.beats:g}", Name=name, Annotation="", IsSongStart=False),
            Id=ids.take(),
        )
        for name, bar in plan.locators
    ]


def _transport() -> list[Element]:
    transport = node(
        "Transport",
        *values(PhaseNudgeTempo=10, LoopOn=False, LoopStart=0, LoopLength=16, LoopIsSongStart=False),
        *values(CurrentTime=0, PunchIn=False, PunchOut=False, MetronomeTickDuration=0, DrawMode=False),
    )
    return [
        transport,
        node("SongMasterValues", Element("SessionScrollerPos", X="0", Y="0")),
        Element("SignalModulations"),
        *values(GlobalQuantisation=4, AutoQuantisation=0),
        live.grid(),
        node("ScaleInformation", *values(RootNote=0, Name="Major")),
        *values(InKey=False, SmpteFormat=0),
        node("TimeSelection", *values(AnchorTime=0, OtherTime=0)),
    ]


def _views() -> list[Element]:
    return [
        node(
            "SequencerNavigator",
            node("BeatTimeHelper", value("CurrentZoom", "0.18")),
            Element("ScrollerPos", X="0", Y="0"),
            Element("ClientSize", X="786", Y="316"),
        ),
        *values(IsContentSplitterOpen=True, IsExpressionSplitterOpen=True),
        node("ExpressionLanes", *(_lane(each, each, 41, each > 1) for each in range(4))),
        node("ContentLanes", _lane(0, 4, 41, False), _lane(1, 5, 25, True)),
        *values(ViewStateFxSlotCount=4, ViewStateSessionMixerHeight=120),
    ]


def _lane(number: int, kind: int, size: int, minimized: bool) -> Element:
    return node("ExpressionLane", *values(Type=kind, Size=size, IsMinimized=minimized), Id=str(number))


def _rest() -> list[Element]:
    return [
        Element("DetailClipKeyMidis"),
        *wrappers("TracksListWrapper", "VisibleTracksListWrapper", "ReturnTracksListWrapper"),
        *wrappers("ScenesListWrapper", "CuePointsListWrapper"),
        *values(ChooserBar=0, Annotation=NOTE, SoloOrPflSavedValue=True, SoloInPlace=True),
        *values(CrossfadeCurve=2, LatencyCompensation=2, HighlightedTrackIndex=0),
        node("GroovePool", value("LomId", 0), Element("Grooves")),
        *values(AutomationMode=False, SnapAutomationToGrid=True, ArrangementOverdub=False),
        value("ColorSequenceIndex", 0),
        node("AutoColorPickerForPlayerAndGroupTracks", value("NextColorIndex", 0)),
        node("AutoColorPickerForReturnAndMasterTracks", value("NextColorIndex", 0)),
        *values(ViewData="{}", ResetNonautomatedMidiControllersOnClipStarts=True, MidiFoldIn=False),
        *values(MidiFoldMode=0, MultiClipFocusMode=False, MultiClipLoopBarHeight=0, MidiPrelisten=False),
        Element("LinkedTrackGroups"),
        *values(AccidentalSpellingPreference=3, PreferFlatRootNote=False, UseWarperLegacyHiQMode=False),
        Element("VideoWindowRect", Top=NOWHERE, Left=NOWHERE, Bottom=NOWHERE, Right=NOWHERE),
        *values(ShowVideoWindow=True, TrackHeaderWidth=93, ViewStateArrangerHasDetail=True),
        *values(ViewStateSessionHasDetail=True, ViewStateDetailIsSample=False),
        node("ViewStates", *values(**VIEWS)),
    ]
