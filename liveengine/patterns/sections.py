"""Sections of a song: how density, energy and fills run through the bars of a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from liveengine.music.request import PHRASE_BARS


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a song.

    Pairs are (first bar, last bar), quantiles 0-1 of the training bars; None is as the style plays.
    `fill_last`: its last bar leads on with a fill. `crash_first`: it begins on a crash. `ends`: its last
    bar is one stroke on the downbeat, after which nothing follows. `breaks`: the groove itself is let go.
    """

    density: tuple[float, float] | None
    energy: tuple[float, float] | None
    fill_last: bool = True
    crash_first: bool = False
    ends: bool = False
    breaks: bool = False


SECTIONS: Mapping[str, Section] = {
    "intro": Section((0.45, 0.6), (0.45, 0.65)),
    "verse": Section(None, None),
    "chorus": Section((0.85, 0.95), (0.85, 0.95), crash_first=True),
    "break": Section((0.1, 0.15), (0.25, 0.35), breaks=True),
    "outro": Section((0.6, 0.5), (0.6, 0.45), fill_last=False, ends=True),
}


@dataclass(frozen=True, slots=True)
class BarPlan:
    """What a bar of a pattern is to be; None leaves it to the style.

    `struck` bars begin with a kick and a crash. `breaks` bars need not hold the groove, nor what the
    genre must have: their density is that of all bars, so that a sparse one is next to nothing.
    """

    density: float | None
    energy: float | None
    fill: bool
    struck: bool = False
    only_struck: bool = False
    breaks: bool = False


def plan_bars(
    bars: int,
    section: str | None,
    density: float | None,
    energy: float | None,
    fill_every: int | None,
) -> tuple[BarPlan, ...]:
    """Return what each bar of a pattern is to be. What is asked for outright wins over the section.

    After a fill the next bar begins struck. Without a section or `fill_every` the last bar of eight is a
    fill.
    """
    chosen = SECTIONS.get(section or "")
    plans: list[BarPlan] = []
    for index in range(bars):
        last = index == bars - 1
        ends = bool(chosen and chosen.ends and last and bars > 1)
        fill = not ends and _is_fill(index, last, chosen, fill_every)
        after_fill = bool(plans and plans[-1].fill)
        plans.append(
            BarPlan(
                density=_at(chosen.density if chosen else None, index, bars) if density is None else density,
                energy=_at(chosen.energy if chosen else None, index, bars) if energy is None else energy,
                fill=fill,
                struck=after_fill or ends or bool(chosen and chosen.crash_first and index == 0),
                only_struck=ends,
                breaks=bool(chosen and chosen.breaks and not fill),
            )
        )
    return tuple(plans)


def _is_fill(index: int, last: bool, section: Section | None, fill_every: int | None) -> bool:
    if fill_every is not None:
        return fill_every > 0 and (index + 1) % fill_every == 0
    if section is not None and last:
        return section.fill_last
    return (index + 1) % PHRASE_BARS == 0


def _at(span: tuple[float, float] | None, index: int, bars: int) -> float | None:
    if span is None:
        return None
    return span[0] + (span[1] - span[0]) * (index / (bars - 1) if bars > 1 else 0.0)
