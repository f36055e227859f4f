"""Which port a name means: one that is called so before one that only holds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from liveengine.errors import MidiError

NUMBERS = re.compile(r"[\s:]+\d+:\d+$")
"""ALSA's, at the end of a port's name: they change from run to run."""


def port_named(wanted: str, names: Sequence[str], where: str) -> int | None:
    """Return the place of the port that is meant, or None where none is.

    The first of these that fits any decides: its whole name, its name without ALSA's numbers, its own name
    behind the client's or the client's, whole words of it, any part of it; capitals do not count. Raises
    MidiError, naming them and `where` they are, where it fits several.
    """
    sought = wanted.strip().casefold()
    whole_words = re.compile(rf"(?<!\w){re.escape(sought)}(?!\w)")
    ways: tuple[Callable[[str], bool], ...] = (
        lambda name: name == sought,
        lambda name: NUMBERS.sub("", name) == sought,
        lambda name: sought in [part.strip() for part in NUMBERS.sub("", name).split(":", 1)],
        lambda name: bool(whole_words.search(name)),
        lambda name: sought in name,
    )
    for fits in ways:
        found = [place for place, name in enumerate(names) if fits(name.casefold())]
        if len(found) > 1:
            raise _several(wanted, found, names, where)
        if found:
            return found[0]
    return None


def same_port(before: str, names: Sequence[str], where: str) -> int | None:
    """Return the place of the port that had the full name `before`, or None while it is not there.

    ALSA numbers a port that comes back anew: without a port of exactly that name one that differs in its
    numbers alone is it. Raises MidiError, naming them and `where` they are, where there are several.
    """
    if before in names:
        return names.index(before)
    bare = NUMBERS.sub("", before)
    found = [place for place, name in enumerate(names) if NUMBERS.sub("", name) == bare]
    if len(found) > 1:
        raise _several(before, found, names, where)
    return found[0] if found else None


def is_of_jack_client(port: str, client: str) -> bool:
    """Tell whether a full name is that of a port of a client; JACK numbers the second client of a name."""
    return re.fullmatch(rf"{re.escape(client)}(-\d+)?", port.partition(":")[0]) is not None


def _several(wanted: str, found: Sequence[int], names: Sequence[str], where: str) -> MidiError:
    several = ", ".join(names[place] for place in found)
    return MidiError(f"port {wanted!r}: expected one {where} port, got {len(found)} that fit: {several}")
