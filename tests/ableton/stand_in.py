"""A stand-in for Ableton Live with AbletonOSC: a set of our own making behind the public protocol, over UDP.

It does what AbletonOSC's source and README say that it does: it reads its socket every 100 ms, an error ends
what it reads at one go, answers go to a port of the asker's machine, listeners hold on to the object that
they were begun on, whatever its index becomes, and a set that is loaded has none of them. On top of that it
can lose, double, delay and mix up what it sends, and be closed and opened again.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TICK_S = 0.1
MAX_ANSWER = 9216
"""Bytes that macOS sends in one datagram."""
ONE_BAR = 4
"""Live's number of the launch quantization of one bar."""


@dataclass
class NoteOfClip:
    pitch: int
    start: float
    duration: float
    velocity: float
    mute: bool = False


@dataclass
class ClipOfSet:
    created_length: float
    name: str = ""
    color: int = 0
    notes: list[NoteOfClip] = field(default_factory=list)
    looping: bool = True
    loop_start: float = 0.0
    loop_end: float = 0.0
    start_marker: float = 0.0
    end_marker: float = 0.0
    is_midi_clip: bool = True

    def __post_init__(self) -> None:
        self.loop_end = self.end_marker = self.created_length

    @property
    def length(self) -> float:
        """Of a clip that loops, its loop's."""
        first, last = (
            (self.loop_start, self.loop_end) if self.looping else (self.start_marker, self.end_marker)
        )
        return last - first


@dataclass
class SlotOfSet:
    clip: ClipOfSet | None = None
    takes_midi: bool = True

    @property
    def has_clip(self) -> bool:
        return self.clip is not None

    def create_clip(self, length: float) -> None:
        if self.clip is not None or not self.takes_midi or length <= 0:
            raise RuntimeError("a clip can be made in an empty slot of a MIDI track only")
        self.clip = ClipOfSet(length)

    def delete_clip(self) -> None:
        if self.clip is None:
            raise RuntimeError("the slot has no clip")
        self.clip = None


@dataclass
class TrackOfSet:
    name: str
    slots: list[SlotOfSet] = field(default_factory=list)
    color: int = 0
    has_midi_input: bool = True
    arm: bool = False
    input_routing_type: str = "All Ins"


@dataclass
class SceneOfSet:
    name: str = ""
    is_triggered: bool = False


@dataclass
class Faults:
    """What goes wrong with what is sent: shares of packets, and delays in seconds."""

    lost: float = 0.0
    doubled: float = 0.0
    late_s: float = 0.0
    jitter_s: float = 0.0


class LiveSet:
    """A set: tracks, scenes, locators, transport. `link_beat` says where the session's beat is."""

    def __init__(
        self,
        scenes: Sequence[str] = ("",),
        cues: Sequence[tuple[str, float]] = (),
        link_beat: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.scenes = [SceneOfSet(name) for name in scenes]
        self.cues = list(cues)
        self.tracks: list[TrackOfSet] = []
        self.link_beat = link_beat
        self.tempo = 120.0
        self.signature_numerator, self.signature_denominator = 4, 4
        self.is_playing = False
        self.clip_trigger_quantization = ONE_BAR
        self.back_to_arranger = False
        self.song_length = 0.0
        self.playing_scene: int | None = None
        self.inputs = ["All Ins", "Computer Keyboard"]
        self.recording: tuple[TrackOfSet, SlotOfSet, float] | None = None
        """The armed track whose slot was launched, and the bar line at which it begins or has begun."""
        self.launched: list[tuple[float, int]] = []
        """The session beat and number of each scene that has begun."""
        self._position = 0.0
        self._link_less_song: float | None = None
        self._launch: tuple[float, SceneOfSet] | None = None

    @property
    def bar_beats(self) -> float:
        return self.signature_numerator * 4 / self.signature_denominator

    @property
    def current_song_time(self) -> float:
        if self._link_less_song is None:
            return self._position
        return max(0.0, self.link_beat() - self._link_less_song)

    @current_song_time.setter
    def current_song_time(self, beats: float) -> None:
        """Go on from a place of the song; its bar lines stay those of the session."""
        if self._link_less_song is None:
            self._position = beats
            return
        whole = round((self.link_beat() - beats) / self.bar_beats) * self.bar_beats
        self._link_less_song = whole

    def start_playing(self) -> None:
        """Play from the place where it stands, from the next bar line of the session on."""
        line = math.ceil(self.link_beat() / self.bar_beats) * self.bar_beats
        self._link_less_song = line - self._position
        self.is_playing = True

    def stop_playing(self) -> None:
        self._position, self._link_less_song = 0.0, None
        self.is_playing = False

    def add_track(self, index: int, name: str = "", *, midi: bool = True) -> None:
        slots = [SlotOfSet(takes_midi=midi) for _ in self.scenes]
        place = len(self.tracks) if index < 0 else index
        named = name or f"{place + 1}-{'MIDI' if midi else 'Audio'}"
        self.tracks.insert(place, TrackOfSet(named, slots, has_midi_input=midi))

    def add_scene(self, index: int, name: str = "") -> None:
        place = len(self.scenes) if index < 0 else index
        self.scenes.insert(place, SceneOfSet(name))
        for track in self.tracks:
            track.slots.insert(place, SlotOfSet(takes_midi=track.has_midi_input))

    def fire(self, scene: SceneOfSet) -> None:
        """Launch a scene: it blinks until the next bar line of the session, and begins there."""
        line = math.floor(self.link_beat() / self.bar_beats + 1) * self.bar_beats
        for each in self.scenes:
            each.is_triggered = each is scene
        self._launch = (line, scene)

    def record(self, track: TrackOfSet, slot: SlotOfSet) -> None:
        """Launch a free slot of an armed track: it records from the next line of the launch quantum on."""
        if slot.clip is None and track.arm:
            beat = self.link_beat()
            whole = self.clip_trigger_quantization == ONE_BAR
            line = math.floor(beat / self.bar_beats + 1) * self.bar_beats if whole else beat
            self.recording = track, slot, line

    def hear(self, port: str, pitch: int, velocity: int, late_beats: float = 0.0) -> None:
        """Record a note that comes by an input now, or a little later, where an armed track listens to it."""
        if self.recording is None:
            return
        track, slot, line = self.recording
        if slot.clip is not None and track.input_routing_type in (port, "All Ins"):
            slot.clip.notes.append(NoteOfClip(pitch, self.link_beat() + late_beats - line, 0.1, velocity))

    def pass_time(self) -> None:
        if self.recording is not None and (gone := self.link_beat() - self.recording[2]) > 0:
            slot = self.recording[1]
            slot.clip = slot.clip or ClipOfSet(gone)
            slot.clip.loop_end = slot.clip.end_marker = gone
        self._begin_launched()

    def _begin_launched(self) -> None:
        """Let what was launched begin, where it is time."""
        if self._launch is None or self.link_beat() < self._launch[0]:
            return
        line, scene = self._launch
        self._launch = None
        scene.is_triggered = False
        if scene in self.scenes:
            self.playing_scene = self.scenes.index(scene)
            self.launched.append((line, self.playing_scene))
        self.back_to_arranger = True


@dataclass
class _Listener:
    target: Any
    address: str
    indices: tuple[Any, ...]
    read: Callable[[], Any]
    sent: Any


_SONG = ("tempo", "signature_numerator", "signature_denominator", "clip_trigger_quantization")
_SONG_READ = ("is_playing", "song_length", "current_song_time", "back_to_arranger")
_CLIP = ("color", "name", "looping", "loop_start", "loop_end", "start_marker", "end_marker")


class StandIn(asyncio.DatagramProtocol):
    """Speaks for a `LiveSet` on a UDP port of the loopback interface."""

    def __init__(self, live_set: LiveSet | None = None, seed: int = 1) -> None:
        self.set = live_set or LiveSet()
        self.faults = Faults()
        self.version = (12, 1)
        self.port = 0
        self.reply_port = 0
        self.asked: list[tuple[Any, ...]] = []
        """Every message that came, as (address, arguments...)."""
        self._rng = random.Random(seed)
        self._packets: list[bytes] = []
        self._listeners: dict[tuple[Any, ...], _Listener] = {}
        self._orphans: list[_Listener] = []
        """Listeners whose object had another index by the time that they were stopped: they go on."""
        self._transport: asyncio.DatagramTransport | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def open(self, reply_port: int) -> int:
        """Begin to answer, to a port of this machine; return the own port, the same at each time."""
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", self.port))
        self._transport = transport
        self.port = int(transport.get_extra_info("sockname")[1])
        self.reply_port = reply_port
        self._ticking = asyncio.create_task(self._tick())
        self.startup()
        return self.port

    async def close(self) -> None:
        """End, as Live does when it is closed: what it was told is forgotten."""
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        self._packets.clear()
        self._listeners.clear()
        self._orphans.clear()
        await asyncio.sleep(0)

    def startup(self) -> None:
        """Say what AbletonOSC says as it starts."""
        self._send("/live/startup")
        self._send("/live/application/get/average_process_usage")

    def load(self, live_set: LiveSet | None = None) -> None:
        """Load a set, or the same one once more: AbletonOSC starts anew."""
        self.set = live_set or self.set
        self._listeners.clear()
        self._orphans.clear()
        self._packets.clear()
        self.startup()

    # --- the wire ------------------------------------------------------------------------------

    def datagram_received(self, data: bytes, _: Any) -> None:
        self._packets.append(data)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.set.pass_time()
            self._read()
            for listener in (*self._listeners.values(), *self._orphans):
                now = listener.read()
                if now != listener.sent:
                    listener.sent = now
                    self._send(listener.address, *listener.indices, now)

    def _read(self) -> None:
        """Handle what has come; what an error leaves is handled at the next tick."""
        try:
            while self._packets:
                message = OscMessage(self._packets.pop(0))
                self._handle(message.address, list(message.params))
        except Exception as error:
            self._send("/live/error", f"Error handling OSC message: {error}")

    def _send(self, address: str, *values: Any) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        packet = builder.build().dgram
        if len(packet) > MAX_ANSWER:
            self._send("/live/error", "Socket error: Message too long")
            return
        copies = 2 if self._rng.random() < self.faults.doubled else 1
        for _ in range(copies):
            if self._rng.random() >= self.faults.lost:
                delay_s = self.faults.late_s + self._rng.random() * self.faults.jitter_s
                asyncio.get_running_loop().call_later(delay_s, self._put, packet)

    def _put(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.sendto(packet, ("127.0.0.1", self.reply_port))

    # --- what it understands -------------------------------------------------------------------

    def _handle(self, address: str, params: list[Any]) -> None:
        self.asked.append((address, *params))
        if address == "/live/test":
            self._send(address, "ok")
            return
        _, _, kind, *rest = address.split("/")
        handler = getattr(self, f"_{kind}", None)
        answer = handler("/".join(rest), params) if handler else NotImplemented
        if answer is NotImplemented:
            self._send("/live/error", f"Unknown OSC address: {address}")
        elif answer is not None:
            self._send(address, *answer)

    def _application(self, what: str, _: list[Any]) -> Any:
        return self.version if what == "get/version" else NotImplemented

    def _song(self, what: str, params: list[Any]) -> Any:
        names = {
            "get/num_tracks": lambda: (len(self.set.tracks),),
            "get/num_scenes": lambda: (len(self.set.scenes),),
            "get/track_names": lambda: self._ranged(self.set.tracks, params),
            "get/scene_names": lambda: self._ranged(self.set.scenes, params),
            "get/cue_points": lambda: tuple(each for cue in self.set.cues for each in cue),
            "create_midi_track": lambda: self.set.add_track(int(params[0])),
            "create_audio_track": lambda: self.set.add_track(int(params[0]), midi=False),
            "delete_track": lambda: self.set.tracks.pop(int(params[0])) and None,
            "create_scene": lambda: self.set.add_scene(int(params[0])),
            "start_playing": self.set.start_playing,
            "stop_playing": self.set.stop_playing,
        }
        if what in names:
            return names[what]()
        verb, _, name = what.partition("/")
        if name not in (*_SONG, *_SONG_READ):
            return NotImplemented
        return self._property("song", self.set, verb, name, (), params)

    @staticmethod
    def _ranged(things: Sequence[Any], params: list[Any]) -> tuple[str, ...]:
        first, last = params or (0, len(things))
        return tuple(things[index].name for index in range(first, len(things) if last == -1 else last))

    def _scene(self, what: str, params: list[Any]) -> Any:
        scene = self.set.scenes[int(params[0])]
        if what == "fire":
            self.set.fire(scene)
            return None
        verb, _, name = what.partition("/")
        if name not in ("name", "is_triggered"):
            return NotImplemented
        return self._property("scene", scene, verb, name, (int(params[0]),), params[1:])

    def _track(self, what: str, params: list[Any]) -> Any:
        track = self.set.tracks[int(params[0])]
        listed = {
            "get/clips/name": lambda clip: clip.name,
            "get/clips/length": lambda clip: clip.length,
            "get/clips/color": lambda clip: clip.color,
        }
        if what in listed:
            clips = (slot.clip for slot in track.slots)
            return int(params[0]), *(listed[what](clip) if clip else None for clip in clips)
        verb, _, name = what.partition("/")
        if what == "get/available_input_routing_types":
            return int(params[0]), *self.set.inputs
        if what == "stop_all_clips":
            self.set.recording = None
            return None
        if name not in ("name", "color", "has_midi_input", "arm", "input_routing_type"):
            return NotImplemented
        return self._property("track", track, verb, name, (int(params[0]),), params[1:])

    def _clip_slot(self, what: str, params: list[Any]) -> Any:
        indices = int(params[0]), int(params[1])
        slot = self.set.tracks[indices[0]].slots[indices[1]]
        if what == "create_clip":
            return slot.create_clip(float(params[2]))
        if what == "fire":
            return self.set.record(self.set.tracks[indices[0]], slot)
        if what == "delete_clip":
            return slot.delete_clip()
        verb, _, name = what.partition("/")
        return (
            self._property("clip_slot", slot, verb, name, indices, params[2:])
            if name == "has_clip"
            else (NotImplemented)
        )

    def _clip(self, what: str, params: list[Any]) -> Any:
        indices = int(params[0]), int(params[1])
        clip = self.set.tracks[indices[0]].slots[indices[1]].clip
        notes = {
            "get/notes": self._get_notes,
            "add/notes": self._add_notes,
            "remove/notes": self._remove_notes,
        }
        if what in notes:
            if clip is None:
                raise AttributeError("'NoneType' object has no attribute 'get_notes_extended'")
            answer = notes[what](clip, params[2:])
            return None if answer is None else (*indices, *answer)
        verb, _, name = what.partition("/")
        if name not in (*_CLIP, "length", "is_midi_clip"):
            return NotImplemented
        return self._property("clip", clip, verb, name, indices, params[2:])

    @staticmethod
    def _within(clip: ClipOfSet, params: list[Any]) -> list[NoteOfClip]:
        pitch, pitches, start, span = params or (0, 127, -8192, 16384)
        inside = [
            note
            for note in clip.notes
            if pitch <= note.pitch < pitch + pitches and start <= note.start < start + span
        ]
        return sorted(inside, key=lambda note: (note.start, note.pitch))

    def _get_notes(self, clip: ClipOfSet, params: list[Any]) -> tuple[Any, ...]:
        found = self._within(clip, params)
        return tuple(each for n in found for each in (n.pitch, n.start, n.duration, n.velocity, n.mute))

    def _add_notes(self, clip: ClipOfSet, params: list[Any]) -> None:
        if len(params) % 5:
            raise ValueError("not enough values to unpack (expected 5)")
        for place in range(0, len(params), 5):
            pitch, start, duration, velocity, mute = params[place : place + 5]
            clip.notes.append(NoteOfClip(int(pitch), start, duration, velocity, bool(mute)))

    def _remove_notes(self, clip: ClipOfSet, params: list[Any]) -> None:
        gone = self._within(clip, params)
        clip.notes = [note for note in clip.notes if note not in gone]

    def _property(  # noqa: PLR0917 - as the address has them
        self, kind: str, target: Any, verb: str, name: str, indices: tuple[int, ...], params: list[Any]
    ) -> Any:
        if verb == "get":
            return (*indices, getattr(target, name))
        if verb == "set":
            setattr(target, name, params[0])
            return None
        key = kind, name, indices
        if verb not in ("stop_listen", "start_listen"):
            return NotImplemented
        before = self._listeners.pop(key, None)
        if before is not None and before.target is not target:
            self._orphans.append(before)
        if verb == "stop_listen":
            return None
        now = getattr(target, name)
        address = f"/live/{kind}/get/{name}"
        self._listeners[key] = _Listener(target, address, indices, lambda: getattr(target, name), now)
        self._send(address, *indices, now)
        return None
