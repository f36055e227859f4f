"""`liveengine live-set`: a set for Ableton Live as a file."""

from __future__ import annotations

import sys
from pathlib import Path

from liveengine.ableton.live_set import SetPlan, set_bytes
from liveengine.config.user_files import free_path, save_bytes
from liveengine.errors import ConfigError
from liveengine.midi.ports import CLIENT, OUTPUT_PORT
from liveengine.music.beats import read_meter

SHOWN = f"{CLIENT} {OUTPUT_PORT}"
"""Our virtual port as Live lists it on macOS; Windows, where Live runs too, has no virtual ports."""
REMARK = (
    "It was made without Live at hand: if Live refuses it, or shows no input, make a MIDI track and choose\n"
    "the port under MIDI From. In Live's settings switch Track on for the port; put a Drum Rack on the track."
)


def write_live_set(
    path: Path,
    port: str | None,
    track: str,
    bpm: float,
    time_signature: str,
    *,
    force: bool = False,
    platform: str = sys.platform,
) -> Path:
    """Write a set; without `force` over nothing, but to the next free name. Return the file.

    Raises ConfigError for another ending than .als, where no port is named on Windows, and where nothing can
    be written; ContractError for a port, track, tempo or meter that cannot be.
    """
    if path.suffix.lower() != ".als":
        raise ConfigError(f"FILE: expected a name that ends in .als, got {path}")
    if port is None and platform == "win32":
        raise ConfigError("--port: expected the name of your loopMIDI port, got none")
    plan = SetPlan(port or SHOWN, track, bpm, read_meter(time_signature))
    return save_bytes(path if force else free_path(path), set_bytes(plan))
