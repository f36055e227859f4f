"""Bars and what they are asked to be as plain values, and back: for traces, takes, and other machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple
from typing import Any

from liveengine.errors import ContractError
from liveengine.music.beats import read_meter
from liveengine.music.drums import Voice
from liveengine.music.heard import HeardGroove, Pocket
from liveengine.music.kit import Articulation, HatPedal, KitMap, KitNote
from liveengine.music.pattern import Bar, Hit
from liveengine.music.request import BarReply, BarRequest, Borrowing, Conditioning, ContextBar, Guidance
from liveengine.music.requirement import Requirement


def written_hits(hits: Sequence[Hit]) -> list[list[float]]:
    """Return hits as [step, voice, micro, velocity], and the openness of a hi-hat that has one."""
    return [[*astuple(hit)[:4], *([] if hit.openness is None else [hit.openness])] for hit in hits]


def read_hits(written: Sequence[Sequence[Any]]) -> tuple[Hit, ...]:
    """Return the hits that `written_hits` wrote."""
    return tuple(Hit(step, Voice(voice), *rest) for step, voice, *rest in written)


def written_conditioning(conditioning: Conditioning) -> dict[str, Any]:
    """Return what a bar is asked to be; a groove only where one is heard."""
    written = asdict(conditioning)
    if conditioning.groove is None:
        del written["groove"]
    return written


def read_conditioning(written: Mapping[str, Any]) -> Conditioning:
    """Return what `written_conditioning` wrote."""
    genres = tuple((str(genre), float(weight)) for genre, weight in written["genres"])
    return Conditioning(**{**written, "genres": genres, "groove": read_groove(written.get("groove"))})


def read_groove(written: Mapping[str, Any] | None) -> HeardGroove | None:
    """Return the groove that is heard, of which `asdict` was written."""
    if written is None:
        return None
    return HeardGroove(tuple(written["accents"]), written["amount"])


def read_pocket(written: Mapping[str, Any] | None) -> Pocket | None:
    """Return how others' timing moves a bar, of which `asdict` was written."""
    return Pocket(tuple(written["offsets_ms"]), tuple(written["shares"])) if written else None


def written_borrowing(borrowing: Borrowing | None) -> dict[str, Any] | None:
    """Return which drums are borrowed, and what they are asked to be."""
    if borrowing is None:
        return None
    return {"drums": sorted(borrowing.drums), "controls": written_conditioning(borrowing.conditioning)}


def read_borrowing(written: Mapping[str, Any] | None) -> Borrowing | None:
    """Return what `written_borrowing` wrote."""
    return Borrowing(read_conditioning(written["controls"]), frozenset(written["drums"])) if written else None


def written_musts(musts: Sequence[Requirement]) -> list[dict[str, Any]]:
    """Return what a bar must show, as plain values."""
    return [
        {
            "drums": sorted(each.drums),
            "on": list(each.on),
            "any": list(each.any_of),
            "off": list(each.off),
            "count": None if each.count is None else list(each.count),
        }
        for each in musts
    ]


def read_musts(written: Sequence[Mapping[str, Any]]) -> tuple[Requirement, ...]:
    """Return what `written_musts` wrote."""
    return tuple(
        Requirement(
            drums=frozenset(Voice(voice) for voice in each["drums"]),
            on=tuple(each["on"]),
            any_of=tuple(each["any"]),
            off=tuple(each["off"]),
            count=None if each["count"] is None else (each["count"][0], each["count"][1]),
        )
        for each in written
    )


def written_request(request: BarRequest) -> dict[str, Any]:
    """Return a request with all that it needs, its context too."""
    return {
        "serial": request.serial,
        "index": request.index,
        "meter": str(request.meter),
        "controls": written_conditioning(request.conditioning),
        "context": [
            [
                each.serial,
                str(each.bar.meter),
                written_hits(each.bar.hits),
                written_conditioning(each.conditioning),
            ]
            for each in request.context
        ],
        "seed": request.seed,
        "temperature": request.temperature,
        "guidance": list(astuple(request.guidance)),
        "prefix": written_hits(request.prefix),
        "from_step": request.from_step,
        "borrowing": written_borrowing(request.borrowing),
        "musts": written_musts(request.musts),
    }


def read_request(written: Mapping[str, Any]) -> BarRequest:
    """Return the request that `written_request` wrote. Raises ContractError for anything else."""
    try:
        return BarRequest(
            serial=written["serial"],
            index=written["index"],
            meter=read_meter(written["meter"]),
            conditioning=read_conditioning(written["controls"]),
            context=tuple(
                ContextBar(serial, Bar(read_meter(meter), read_hits(hits)), read_conditioning(controls))
                for serial, meter, hits, controls in written["context"]
            ),
            seed=written["seed"],
            temperature=written["temperature"],
            guidance=Guidance(*written["guidance"]),
            prefix=read_hits(written["prefix"]),
            from_step=written["from_step"],
            borrowing=read_borrowing(written["borrowing"]),
            musts=read_musts(written.get("musts", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(f"bar request: expected all that makes a bar, got: {error!r}") from error


def written_reply(reply: BarReply) -> dict[str, Any]:
    """Return a bar that was made."""
    return {
        "serial": reply.serial,
        "meter": str(reply.bar.meter),
        "hits": written_hits(reply.bar.hits),
        "tokens": reply.tokens,
        "generated_ms": reply.generated_ms,
        "tries": reply.tries,
    }


def read_reply(written: Mapping[str, Any]) -> BarReply:
    """Return the bar that `written_reply` wrote. Raises ContractError for anything else."""
    try:
        bar = Bar(read_meter(written["meter"]), read_hits(written["hits"]))
        return BarReply(
            written["serial"],
            bar,
            written["tokens"],
            written["generated_ms"],
            tries=written.get("tries", 1),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(f"bar: expected one that was made, got: {error!r}") from error


def written_kit(kit: KitMap) -> dict[str, Any]:
    """Return all that a kit plays; not its title and source."""
    return {
        "name": kit.name,
        "channel": kit.channel,
        "length_ms": kit.length_ms,
        "curve": kit.curve,
        "velocities": kit.velocities,
        "sounds": {str(name): asdict(sound) for name, sound in kit.sounds.items()},
        "chokes": [sorted(map(str, group)) for group in kit.chokes],
        "pedal": asdict(kit.pedal) if kit.pedal else None,
    }


def read_kit(written: Mapping[str, Any]) -> KitMap:
    """Return the kit that `written_kit` wrote."""
    return KitMap(
        name=written["name"],
        sounds={Articulation(name): _read_sound(sound) for name, sound in written["sounds"].items()},
        channel=written["channel"],
        length_ms=written["length_ms"],
        curve=written["curve"],
        velocities=_pair(written["velocities"]),
        chokes=tuple(frozenset(map(Articulation, group)) for group in written["chokes"]),
        pedal=HatPedal(**written["pedal"]) if written["pedal"] else None,
    )


def _read_sound(written: Mapping[str, Any]) -> KitNote:
    tuples = {name: tuple(written[name]) for name in ("notes", "starts")}
    return KitNote(**{**written, **tuples, "velocities": _pair(written["velocities"])})


def _pair(written: Sequence[int] | None) -> tuple[int, int] | None:
    return (written[0], written[1]) if written else None
