"""What a performance is made of: its options, and everything that is read before anything starts."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import liveengine
from liveengine.config import settings as configs
from liveengine.config.control_maps import load_own_control_map
from liveengine.config.drummers import load_drummers
from liveengine.config.kits import find_kit, load_kits
from liveengine.config.scenes import load_scenes, load_set_list
from liveengine.config.style_library import load_repertoire
from liveengine.config.user_files import saved_latency_ms
from liveengine.errors import ConfigError
from liveengine.midi import ports
from liveengine.music.beats import Meter, check_bpm, meter_for_quantum
from liveengine.music.control import ControlState, check_level
from liveengine.music.control_map import ControlMap
from liveengine.music.kit import KitMap
from liveengine.music.kit_book import KitBook
from liveengine.music.request import Guidance
from liveengine.music.scene import Scene, SetList
from liveengine.music.style import Style, StyleBook
from liveengine.planning.conductor import Conductor
from liveengine.planning.conductor_settings import ConductorSettings
from liveengine.planning.scenes import SceneBook
from liveengine.playback.process import PlayerSettings
from liveengine.playback.scheduler import PlayerCore
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.trace_writer import Trace

CLOCKS = ("link", "midi", "tap", "system", "virtual")
DEFAULT_TAKE = Path("liveengine-take.mid")
"""Where the backend "file" writes without --take."""


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """What `liveengine play` was asked, beyond the engine settings."""

    settings: configs.EngineSettings
    clock: str = "link"
    bpm: float | None = None
    duration_s: float | None = None
    take: Path | None = None
    trace: Path | None = None
    checkpoint: Path | None = None
    set_list: Path | None = None
    show_view: bool = True


@dataclass(frozen=True, slots=True)
class LoadedSession:
    """Everything that is read before anything is started."""

    options: PlayOptions
    settings: configs.EngineSettings
    styles: StyleBook
    style: Style
    kits: KitBook
    control_map: ControlMap
    checkpoint: Path
    checkpoint_sha256: str
    packs: tuple[Path, ...]
    scenes: tuple[Scene, ...]
    set_list: SetList | None
    notes: tuple[str, ...]
    seed: int
    bpm: float

    @property
    def kit(self) -> KitMap:
        """The kit that it begins with."""
        return self.kits.first

    @property
    def meter(self) -> Meter:
        """The meter of the quantum."""
        return meter_for_quantum(self.settings.quantum)

    def conductor(self, latency_ms: float) -> Conductor:
        """Return a conductor for these settings."""
        chosen = self.settings
        return Conductor(
            ConductorSettings(
                quantum_beats=chosen.quantum,
                seed=self.seed,
                lookahead_bars=chosen.lookahead_bars,
                cover_ms=chosen.cover_ms,
                guidance=Guidance(chosen.style_guidance, chosen.control_guidance),
                waits=chosen.wait or self.options.clock in ("midi", "tap"),
                drummers=load_drummers(),
            ),
            self.styles,
            self.kit,
            ControlState(
                style=self.style.name,
                time_signature=str(self.meter),
                swing_percent=chosen.swing_percent,
                humanize=chosen.humanize,
                latency_ms=latency_ms,
                fill_every=chosen.fill_every,
                count_in=chosen.count_in,
                count_with=chosen.count_with,
                switch=chosen.switch,
                jam=chosen.jam,
                drummer=chosen.drummer,
            ),
            scenes=SceneBook(self.scenes),
            set_list=self.set_list,
            kits=self.kits,
        )

    def record(self, trace: Trace, journal: Trace | None = None) -> PerformanceLog:
        """Return an empty record; what is played goes into the journal as well."""
        return PerformanceLog(
            trace,
            self.meter,
            self.kit.channel,
            keep_take=self.take is not None,
            journal=journal,
        )

    def core(self) -> PlayerCore:
        """Return a player's core."""
        chosen = self.settings
        return PlayerCore(
            gate_ms=chosen.gate_ms,
            late_drop_ms=chosen.late_drop_ms,
            midi_clock=chosen.midi_clock,
        )

    def player_settings(self, backend: str | None) -> PlayerSettings:
        """Return the settings of a player process."""
        chosen = self.settings
        return PlayerSettings(
            backend=backend,
            port=None if chosen.port == ports.OUTPUT_PORT else chosen.port,
            gate_ms=chosen.gate_ms,
            late_drop_ms=chosen.late_drop_ms,
            keys=self.kit.keys,
            midi_clock=chosen.midi_clock,
            client=chosen.name,
        )

    def latency_ms(self, backend: str | None, port: str) -> float:
        """Return the latency for a port: as asked, else as calibrated for it, else 0."""
        asked = self.settings.latency_ms
        saved = saved_latency_ms(backend, port) if asked is None and backend is not None else asked
        return saved or 0.0

    def listen_latency_ms(self, backend: str, port: str) -> float:
        """Return how long notes are on their way to a listening port: as set, else as calibrated, else 0."""
        asked = self.settings.listen_latency_ms
        return (saved_latency_ms(backend, port) if asked is None else asked) or 0.0

    def header(self, latency_ms: float, **more: object) -> dict[str, Any]:
        """Return the fields of the trace's first line."""
        chosen = self.settings
        return {
            "version": liveengine.__version__,
            "python": sys.version.split()[0],
            "seed": self.seed,
            "checkpoint": str(self.checkpoint),
            "checkpoint_sha256": self.checkpoint_sha256,
            "style": self.style.name,
            "quantum": chosen.quantum,
            "meter": str(self.meter),
            "kit": self.kit.name,
            "kit_notes": self.kit.notes,
            "channel": self.kit.channel,
            "swing_percent": chosen.swing_percent,
            "humanize": chosen.humanize,
            "fill_every": chosen.fill_every,
            "switch": chosen.switch,
            "jam": chosen.jam,
            "drummer": chosen.drummer,
            "latency_ms": latency_ms,
            "generator": chosen.generator,
            "midi_clock": chosen.midi_clock,
            "start_stop_sync": chosen.start_stop_sync,
            **more,
        }

    @property
    def take(self) -> Path | None:
        """Where the take goes; None where none is kept."""
        return self.options.take or (DEFAULT_TAKE if self.settings.backend == "file" else None)


def load_session(options: PlayOptions) -> LoadedSession:
    """Read and check everything that can be wrong before anything starts.

    Raises LiveEngineError: unknown style or kit, values out of range, an unusable checkpoint.
    """
    if options.clock not in CLOCKS:
        raise ConfigError(f"clock: expected one of {', '.join(CLOCKS)}; got {options.clock!r}")
    chosen = options.settings
    file = Path(chosen.style).expanduser() if configs.is_file_name(chosen.style) else None
    repertoire = load_repertoire(options.checkpoint or configs.default_checkpoint(), file)
    style = repertoire.find(chosen.style if file is None else file.stem)
    if options.bpm is not None:
        check_bpm(options.bpm, "--bpm")
    meter_for_quantum(chosen.quantum)
    for name in ("swing_percent", "humanize", "latency_ms"):
        value = getattr(chosen, name)
        if value is not None:
            check_level(name, value)
    kits, kit_faults = load_kits(find_kit(chosen.kit))
    scenes, faults = load_scenes(repertoire.styles, kits)
    set_list = None
    if options.set_list is not None:
        named = {scene.name: scene for scene in scenes}
        set_list = load_set_list(options.set_list, named, repertoire.styles, kits)
    return LoadedSession(
        options=options,
        settings=chosen,
        styles=repertoire.styles,
        style=style,
        kits=kits,
        control_map=load_own_control_map(chosen.map, repertoire.styles),
        checkpoint=repertoire.checkpoint,
        checkpoint_sha256=repertoire.checkpoint_sha256,
        packs=repertoire.packs,
        scenes=tuple(scenes),
        set_list=set_list,
        notes=(*repertoire.notes, *kit_faults, *faults),
        seed=random.SystemRandom().randrange(2**31) if chosen.seed is None else chosen.seed,
        bpm=style.middle_bpm if options.bpm is None else options.bpm,
    )
