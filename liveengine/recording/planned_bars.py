"""What makes a bar, written down: requests, bars, grooves, notes as the plain lines of traces and takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from liveengine.music.drawing import Stroke
from liveengine.music.pattern import Bar
from liveengine.music.reading import AS_WRITTEN
from liveengine.music.request import BarRequest, ContextBar
from liveengine.music.written import (
    written_borrowing,
    written_conditioning,
    written_hits,
    written_musts,
)
from liveengine.planning.events import PlayersHeard
from liveengine.planning.horizon import Groove, PlannedBar
from liveengine.playback.messages import PlannedHit, Report


def written_content(content: ContextBar) -> dict[str, Any]:
    """Return a bar that others are made from, and what it was asked to be."""
    return {
        "serial": content.serial,
        "meter": str(content.bar.meter),
        "hits": written_hits(content.bar.hits),
        "controls": written_conditioning(content.conditioning),
    }


def written_decode(request: BarRequest, bar: Bar, serial: int, taken_from: int) -> dict[str, Any]:
    """Return all that a bar was made from, and what came, taken into the plan from a step on."""
    return {
        "decode_id": request.serial,
        "bar": request.index,
        "step": request.from_step,
        "taken_from": taken_from,
        "seed": request.seed,
        "temperature": request.temperature,
        "guidance": [request.guidance.style, request.guidance.controls],
        "meter": str(request.meter),
        "controls": written_conditioning(request.conditioning),
        "borrowing": written_borrowing(request.borrowing),
        "musts": written_musts(request.musts),
        "prefix": written_hits(request.prefix),
        "context": [each.serial for each in request.context],
        "serial": serial,
        "hits": written_hits(bar.hits),
    }


def written_groove(index: int, groove: Groove) -> dict[str, Any]:
    """Return what gave a bar its feel, with all that gives the same again."""
    made = groove.made
    return {
        "groove": groove.serial,
        "bar": index,
        "meter": str(made.bar.meter),
        "hits": written_hits(made.bar.hits),
        "parts": groove.parts,
        "feel": asdict(made.feel),
        "dice": made.dice,
        "swing_percent": made.swing_percent,
        "humanize": made.humanize,
        "pushes_ms": made.pushes_ms,
        "borrowed_feel": asdict(made.borrowed_feel) if made.borrowed_feel else None,
        "borrowed": sorted(made.borrowed),
        **({"drawn": written_hits(made.drawn)} if made.drawn else {}),
        **({"pocket": asdict(made.pocket)} if made.pocket else {}),
        **({"reading": asdict(groove.reading)} if groove.reading != AS_WRITTEN else {}),
    }


def written_heard(heard: PlayersHeard) -> dict[str, Any]:
    """Return what was heard of other players, what was understood, and what came of it by bar."""
    return {
        "at_us": heard.at_us,
        "bar": heard.bar,
        "onsets": [
            [each.beats, each.note.channel, each.note.pitch, each.note.velocity, each.note.instrument]
            for each in heard.onsets
        ],
        "features": asdict(heard.heard),
        "first_bar": heard.reaction.first_bar,
        "bars": [asdict(each) for each in heard.reaction.bars],
        "reasons": [list(each) for each in heard.reaction.reasons],
    }


def written_strokes(strokes: Sequence[Stroke]) -> list[dict[str, Any]]:
    """Return what is drawn by hand in a bar; velocity 0 keeps a cell silent."""
    return [
        {
            "step": stroke.step,
            "voice": int(stroke.voice),
            "velocity": stroke.velocity,
            "keep": stroke.keep,
        }
        for stroke in strokes
    ]


def written_bar(planned: PlannedBar, start_beat: float) -> dict[str, Any]:
    """Return what a bar and its making are, for its line; its line lies at `start_beat`."""
    return {
        "bar": planned.index,
        "beat": start_beat,
        "meter": str(planned.bar.meter),
        "style": planned.style.name,
        "tokens": planned.tokens,
        "tries": planned.tries,
        "generated_ms": planned.generated_ms,
        "waited_ms": planned.waited_ms,
        "allowed_ms": planned.allowed_ms,
        "drawn": written_strokes(planned.strokes),
    }


def written_note(hit: PlannedHit, report: Report) -> dict[str, Any]:
    """Return a hit that sounded, as loud as it was struck, and when."""
    came = hit.provenance
    return {
        "bar": hit.bar,
        "beat": hit.beat,
        "offset_ms": hit.offset_ms,
        "latency_ms": report.latency_ms,
        "note": hit.note,
        "velocity": hit.velocity,
        "channel": hit.channel,
        "kit": hit.kit,
        "style": came.style,
        "drawn": came.drawn,
        "decode_id": came.decode_id,
        "groove": came.groove,
        "place": came.place,
        "level": hit.level,
        "line_beat": came.line_beat,
        "due_us": report.due_us,
        "sent_us": report.sent_us,
    }
