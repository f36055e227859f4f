"""Playing in virtual time: at once, without ports."""

from __future__ import annotations

from rich.console import Console

from liveengine.app.loading import LoadedSession
from liveengine.app.takes import keep_take
from liveengine.clock.virtual import VirtualTimeline
from liveengine.engine.offline import VirtualPlayer, play_virtually
from liveengine.engine.session import Session
from liveengine.generation.process_source import LocalBarSource
from liveengine.midi.memory import MemorySink
from liveengine.recording.trace_writer import Trace


def play_virtual(loaded: LoadedSession, console: Console) -> None:
    """Play in virtual time: at once, without ports, the same for the same seed."""
    options = loaded.options
    timeline = VirtualTimeline(loaded.bpm)
    trace = Trace(options.trace)
    latency_ms = loaded.latency_ms(None, "")
    header = loaded.header(latency_ms, clock="virtual")
    player = VirtualPlayer(loaded.core(), MemorySink(), timeline)
    record = loaded.record(trace)
    record.header(header)
    session = Session(
        timeline=timeline,
        source=LocalBarSource(loaded.checkpoint, loaded.settings.device, loaded.packs),
        player=player,
        conductor=loaded.conductor(latency_ms),
        record=record,
    )
    play_virtually(session, timeline, player, 20.0 if options.duration_s is None else options.duration_s)
    trace.close()
    if loaded.take is not None:
        keep_take(record, loaded.take, None, console)
    console.print(f"{record.bars} bars, {record.notes} notes, seed {loaded.seed}")
