"""The doctor: what playing needs, whether it is there, and the cure where it is not."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from liveengine.ableton.client import CURE
from liveengine.ableton.presence import ask_version, is_listened_to
from liveengine.app import cures
from liveengine.app.cures import Cure
from liveengine.config.kits import find_kit, load_kits
from liveengine.config.settings import default_checkpoint, load_engine_settings
from liveengine.errors import LiveEngineError, as_started
from liveengine.midi import ports
from liveengine.midi.bindings import binding
from liveengine.midi.listeners import connected_to
from liveengine.midi.rtmidi2_binding import bundled_libjacks
from liveengine.music.drums import Voice
from liveengine.music.kit import articulation_of
from liveengine.playback.priority import can_take_real_time, gives_short_slices

OLDEST_PYTHON, NEWEST_PYTHON = (3, 11), (3, 14)
SEQUENCER = Path("/dev/snd/seq")


PRIORITY_ELSEWHERE = {
    "darwin": "macOS gives the player user-interactive quality of service, which needs no right",
    "win32": "Windows gives the player high class and time-critical priority, which needs no right; "
    "choose the power plan 'High performance' on stage",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's. Something `vital` that is not `good` keeps the engine from playing."""

    subject: str
    found: str
    good: bool
    cure: str = ""
    vital: bool = True
    fix: Cure | None = None


def examine(kit: str | None = None) -> list[Finding]:
    """Return the findings, in the order in which a player should mend them; `kit` None is the usual one."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _torch,
        _midi,
        _link,
        _live,
        _priority,
        _model,
    )
    return [*(finding for check in checks for finding in check()), *kit_findings(kit)]


def kit_findings(name: str | None = None) -> Iterator[Finding]:
    """Yield what a kit has no note for, with what is played instead, and which own kits are faulty."""
    try:
        kit = find_kit(load_engine_settings().kit if name is None else name)
        _, faults = load_kits(kit)
    except LiveEngineError as error:
        yield Finding("kit", str(error), good=False, cure="mend the file, or name another: liveengine kits")
        return
    voices = {articulation_of(voice) for voice in Voice}
    folds = [f"{each} as {nearest}" for each, nearest in kit.folded().items()]
    lacking = [each for each in kit.folded() if each in voices]
    played = f"; plays {', '.join(folds)}" if folds else ""
    yield Finding("kit", f"{kit.name} ({kit.title}){played}", good=not lacking, vital=False)
    for fault in faults:
        yield Finding("kit", fault, good=False, cure="mend the file", vital=False)


def _python() -> Iterator[Finding]:
    version = sys.version_info[:2]
    found = ".".join(map(str, sys.version_info[:3]))
    if version < OLDEST_PYTHON:
        yield Finding("Python", found, good=False, cure="install Python 3.11 to 3.14")
    elif version > NEWEST_PYTHON:
        yield Finding("Python", f"{found}, newer than what this was tried with", good=True, vital=False)
    else:
        yield Finding("Python", found, good=True)


def _torch() -> Iterator[Finding]:
    try:
        import torch
    except ImportError as error:
        yield Finding("torch", f"missing ({error})", good=False, cure="run ./tools/play, which installs it")
        return
    yield Finding("torch", str(torch.__version__), good=True)
    if torch.cuda.is_available():
        yield Finding("CUDA", torch.cuda.get_device_name(0), good=True)
    else:
        yield Finding("CUDA", "none; the model runs on the CPU", good=True, vital=False)


def _midi() -> Iterator[Finding]:
    yield Finding("MIDI binding", binding().name, good=True)
    if binding().name == "rtmidi2" and bundled_libjacks():
        cure = f"{as_started('doctor --fix')} gives it the libjack of this system"
        found = "rtmidi2 uses the libjack of its own wheel, which few JACK servers understand"
        yield Finding("JACK", found, good=False, cure=cure, vital=False, fix=cures.system_libjack())
    backend = ports.choose_backend("auto")
    if backend is None:
        cure = ports.NO_MIDI_CURE.get(sys.platform, "start a MIDI system")
        fix = _sequencer_cure()
        yield Finding("MIDI", "no MIDI system runs here", good=False, cure=cure, vital=False, fix=fix)
        return
    yield Finding("MIDI", _system(backend), good=True)
    yield hearers(ports.list_ports(backend), backend)


def _sequencer_cure() -> Cure | None:
    """Return what brings the ALSA sequencer; None off Linux."""
    if sys.platform != "linux":
        return None
    return cures.sequencer_rights() if SEQUENCER.exists() else cures.sequencer_module()


def _system(backend: str) -> str:
    """Return what MIDI system runs, and which server of it."""
    if backend != "jack":
        return backend
    return f"jack, server {os.environ.get('JACK_DEFAULT_SERVER', 'default')}"


def hearers(listed: ports.PortList, backend: str) -> Finding:
    """Return whether anybody would hear the drums: who is connected to an engine that plays, or could be."""
    playing = [name for name in listed.inputs if f":{ports.OUTPUT_PORT}" in name]
    connected = {name: connected_to(backend, name) for name in playing}
    heard = [f"{name} is heard by {', '.join(others)}" for name, others in connected.items() if others]
    if heard:
        return Finding("heard", "; ".join(heard), good=True, vital=False)
    mine = playing[0] if playing else f"{ports.CLIENT}:{ports.OUTPUT_PORT}"
    # rtmidi2 names a port of ours that is connected to another one itself: then the client says whose it is.
    own = (f":{ports.CONTROL_PORT}", f"{ports.control_client('')}:")
    others = [name for name in listed.outputs if not any(each in name for each in own)]
    if others:
        found = f"nobody is connected; these take MIDI: {', '.join(others)}"
        return Finding("heard", found, False, f"connect {mine} to one of them, or play with --port", False)
    cure = f"start a synthesizer or a DAW and connect {mine} to it, or click Listen here on the stage page"
    return Finding("heard", "nobody: no other program takes MIDI", good=False, cure=cure, vital=False)


def _link() -> Iterator[Finding]:
    try:
        import aalink  # noqa: F401
    except ImportError as error:
        yield Finding("Link", f"aalink is missing ({error})", good=False, cure="pip install aalink")
        return
    yield Finding("Link", f"aalink {importlib.metadata.version('aalink')}", good=True)


def _live() -> Iterator[Finding]:
    try:
        settings = load_engine_settings()
        yield asyncio.run(live_finding(settings.live_host, settings.live_port, settings.live_reply_port))
    except LiveEngineError as error:
        yield Finding("Live", str(error), good=False, vital=False)


async def live_finding(host: str, port: int, reply_port: int) -> Finding:
    """Return whether Ableton Live answers, and which version; that it does not run is no fault.

    Raises PortTakenError where another program waits for its answers, ConfigError for an unknown host.
    """
    where = f"{host}:{port}"
    if not await is_listened_to(host, port):
        return Finding("Live", f"no AbletonOSC on {where}", good=True, vital=False)
    version = await ask_version(host, port, reply_port)
    if version is None:
        return Finding("Live", f"no answer from {where}", good=False, cure=CURE, vital=False)
    return Finding("Live", f"{version[0]}.{version[1]} answers on {where}", good=True, vital=False)


def _priority() -> Iterator[Finding]:
    cores = os.cpu_count() or 1
    on = f", {cores} {'core' if cores == 1 else 'cores'}"
    granted = can_take_real_time()
    if granted is None:
        found = PRIORITY_ELSEWHERE.get(sys.platform, f"not known on {sys.platform}; the player runs as it is")
        yield Finding("real-time priority", found + on, True, vital=False)
        return
    found = "granted" if granted else "refused"
    if not granted and gives_short_slices():
        found += ", but this Linux gives the player short time slices, which serve nearly as well"
    if granted:
        yield Finding("real-time priority", found + on, good=True, vital=False)
        return
    fix = cures.limits()
    cure = f"allow it, as root: {fix}; then {fix.afterwards}"
    yield Finding("real-time priority", found + on, good=False, cure=cure, vital=False, fix=fix)


def _model() -> Iterator[Finding]:
    try:
        from liveengine.model.checkpoint import load_checkpoint

        loaded = load_checkpoint(default_checkpoint())
    except (LiveEngineError, ImportError) as error:
        yield Finding(
            "checkpoint", str(error), good=False, cure="install liveengine again, or use --checkpoint"
        )
        return
    size = sum(weight.size for weight in loaded.weights.values()) / 1e6
    yield Finding(
        "checkpoint",
        f"{loaded.sha256[:12]}, {size:.1f} M parameters, {len(loaded.space.genres)} genres",
        good=True,
    )
