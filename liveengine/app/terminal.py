"""The terminal view: the bar that plays and the next as drum grids, and how well time is kept."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from liveengine.app.screen import boxed, flow
from liveengine.engine.snapshot import Snapshot
from liveengine.music.beats import STEPS_PER_BEAT, Meter
from liveengine.music.drums import GROUP_OF, GROUPS
from liveengine.music.style import Style
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.scenes import Progress
from liveengine.recording.lateness import Lateness

SHADES = "░▒▓█"
"""Soft to loud."""
EMPTY = "·"
NAME_CELLS = 9
FRAME_CELLS = 4
BOX_GAP = 1
BOX_MOST = 52
NARROW_CELLS, LOW_ROWS = 58, 20
"""A smaller view has no frames around its bars."""
NOTICE_ROWS = 2
WHEN = {
    "instant": "at once",
    "beat": "from the next beat",
    "bar": "from the next bar",
    "phrase_4": "from the next 4 bars on",
    "phrase": "from the next 8 bars on",
}
"""From where on a change is heard, by switch mode."""
PEDALS_SHOWN = 2
DISPENSABLE = ("styles", "port", "progress", "bars", "lateness", "notice")
"""Parts of the view that a low terminal goes without, in this order."""

Legend = Sequence[tuple[str, str, bool]]
"""Keys, what each does, and whether it has just been pressed; the most important first."""


def view(shot: Snapshot, legend: Legend, width: int, height: int, *, port: str, page: str = "") -> list[Text]:
    """Return the whole view in at most `width` by `height` cells.

    `port` is where the notes go and `page` the address of the stage page, both empty for none.
    """
    parts = {
        "head": flow(list(_head(shot)), width),
        "bars": _bars(shot, width, height),
        "lateness": flow(list(_lateness_fields(shot.lateness)), width),
        "counts": flow(list(_counts(shot)), width),
        "port": flow(list(_port_fields(shot, port, page)), width),
        "progress": flow([Text(progress_text(shot.progress), "bold")], width) if shot.progress else [],
        "notice": [Text(line) for line in textwrap.wrap(shot.notice, width)[:NOTICE_ROWS]],
        "styles": _style_keys(shot, width),
        "legend": [_legend(legend, width)] if legend else [],
    }
    for name in DISPENSABLE:
        if sum(map(len, parts.values())) <= height:
            break
        del parts[name]
    return [line for lines in parts.values() for line in lines]


def grid(planned: PlannedBar | None, meter: Meter, playing_step: int | None, cells: int = 1) -> list[Text]:
    """Return a bar as rows of steps, shaded by velocity; each is `cells` wide, the one that plays marked."""
    loudest: dict[tuple[str, int], int] = {}
    if planned is not None:
        for hit in planned.bar.hits:
            place = GROUP_OF[hit.voice], hit.step
            loudest[place] = max(hit.velocity, loudest.get(place, 0))
    rows = []
    for name in GROUPS:
        pieces = [(f"{name.replace('_', ' '):>{NAME_CELLS - 1}} ", "dim")]
        for step in range(meter.steps):
            if step % STEPS_PER_BEAT == 0:
                pieces.append(("│" if step else "┃", "dim"))
            velocity = loudest.get((name, step), 0)
            mark = SHADES[min(3, velocity // 32)] * cells if velocity else EMPTY.ljust(cells)
            style = "bold cyan" if velocity else "dim"
            pieces.append((mark, style + (" reverse" if step == playing_step else "")))
        pieces.append(("┃", "dim"))
        runs = groupby(pieces, key=lambda piece: piece[1])  # few long ones: the session's loop waits for it
        rows.append(Text.assemble(*(("".join(mark for mark, _ in run), style) for style, run in runs)))
    return rows


def _bars(shot: Snapshot, width: int, height: int) -> list[Text]:
    """Return both bars side by side, or the one that plays, as large as they fit; nothing if none does."""
    beats = -(-shot.meter.steps // STEPS_PER_BEAT)

    def grid_cells(cells: int) -> int:
        return NAME_CELLS + shot.meter.steps * cells + beats + 1

    playing = _playing_step(shot)
    if width < NARROW_CELLS or height < LOW_ROWS:
        fits = grid_cells(1) <= width
        return grid(shot.current, shot.meter, playing) if fits else []
    half = (width - BOX_GAP) // 2
    two = grid_cells(1) + FRAME_CELLS <= half
    room = half if two else width
    cells = 2 if grid_cells(2) + FRAME_CELLS <= room else 1
    if grid_cells(cells) + FRAME_CELLS > room:
        return []
    box = min(room, max(grid_cells(cells) + FRAME_CELLS, BOX_MOST))
    current = grid(shot.current, shot.meter, playing, cells)
    title = _title("playing", shot.current, shot.titles, box - 6)
    after = _title("next", shot.following, shot.titles, box - 6)
    if not two:
        return boxed(title, current, box, after)
    following = grid(shot.following, shot.meter, None, cells)
    pairs = zip(boxed(title, current, box), boxed(after, following, box), strict=True)
    return [left + " " * BOX_GAP + right for left, right in pairs]


def _playing_step(shot: Snapshot) -> int | None:
    return int(shot.beat * STEPS_PER_BEAT) if shot.sounding and shot.beat >= 0 else None


def _title(name: str, planned: PlannedBar | None, titles: Mapping[str, str], width: int) -> str:
    if planned is None:
        return f"{name}: not there yet"
    more = " (fallback)" if planned.fallback else ""
    return f"{name}: {style_words(planned.style, titles, width - len(name) - 2 - len(more))}{more}"


def style_words(style: Style, titles: Mapping[str, str], width: int | None = None) -> str:
    """Return a style as it is shown: its title, or "Funk 50 % + Jazz 50 %".

    `titles` are those of all styles by name. Names are cut, never shares, to fit `width` cells.
    """
    named = [(titles.get(name, name), f" {100 * share:.0f} %") for name, share in style.made_of]
    named = named or [(style.title, "")]
    if width is not None:
        signs = sum(len(share) for _, share in named) + 3 * (len(named) - 1)
        room = _even_room([cell_len(title) for title, _ in named], width - signs)
        named = [(_cut(title, room), share) for title, share in named]
    return " + ".join(title + share for title, share in named)


def _even_room(lengths: Sequence[int], width: int) -> int:
    """Return the largest length that each may have for all to fit: those that are shorter leave room."""
    longest = max(lengths)
    while longest > 1 and sum(min(length, longest) for length in lengths) > width:
        longest -= 1
    return longest


def _cut(text: str, cells: int) -> str:
    return text if cell_len(text) <= cells else set_cell_size(text, max(0, cells - 1)).rstrip() + "…"


def _head(shot: Snapshot) -> Iterable[Text]:
    yield Text(f" {style_words(shot.style, shot.titles)} ", "bold reverse")
    yield Text(f"{shot.bpm:.2f} bpm", "bold")
    if shot.sounding and shot.beat >= 0:
        yield Text(f"bar {shot.bar + 1}, beat {int(shot.beat) + 1} of {shot.meter}")
        if shot.bars_to_fill is not None:
            yield Text(f"fill in {shot.bars_to_fill} bars" if shot.bars_to_fill else "fill now", "dim")
    else:
        stopped = "stopped" if shot.current else "loading"
        yield Text(f"in {math.ceil(-shot.beat)} beats" if shot.sounding else stopped, "yellow")
    yield Text(shot.source)
    if shot.looped_bars:
        yield Text(f"locked: {shot.looped_bars} {'bar' if shot.looped_bars == 1 else 'bars'}", "yellow")
    if shot.silent:
        yield Text(f"silent: {', '.join(shot.silent)}", "yellow")


def _lateness_fields(late: Lateness) -> Iterable[Text]:
    yield _field("lateness: typical", f"{late.p50:.2f} ms")
    for name, value in (("95 %", late.p95), ("99 %", late.p99), ("worst", late.most)):
        yield _field(name, f"{value:.2f} ms")


def _counts(shot: Snapshot) -> Iterable[Text]:
    yield _field("notes", str(shot.notes))
    yield _field("late bars", str(shot.late_bars), warns=shot.late_bars > 0)
    yield _field("dropped", dropped_text(shot.dropped), warns=any(shot.dropped.values()))
    yield _field("bar made in", "-" if shot.generated_ms is None else f"{shot.generated_ms:.0f} ms")
    if shot.malformed:
        yield _field("malformed control messages ignored", str(shot.malformed), warns=True)


def _port_fields(shot: Snapshot, port: str, page: str) -> Iterable[Text]:
    yield Text(f"sending to {port}" if port else "sending nowhere", "dim")
    yield Text(f"changes {WHEN[shot.switch]}", "dim")
    yield Text(f"at least {shot.commit_ms:.0f} ms ahead", "dim")
    if page:
        yield Text(f"page {page}", "dim")
    for pedal in shot.pedals[:PEDALS_SHOWN]:
        yield Text(f"{pedal.name}: {', '.join(pedal.turned)}", "dim")


def _style_keys(shot: Snapshot, width: int) -> list[Text]:
    """Return the styles that the digits choose."""
    titles = list(shot.titles.items())[:9]
    return flow([_field(str(key), title) for key, (_, title) in enumerate(titles, 1)], width)


def _legend(legend: Legend, width: int) -> Text:
    """Return as many keys as one line has room for; the last of them, by which to leave, in any case."""
    entries = [
        Text.assemble((key, "bold reverse" if lit else "bold"), f" {does}") for key, does, lit in legend
    ]
    *others, leave = entries
    line = Text()
    for entry in others:
        if line.cell_len + entry.cell_len + leave.cell_len + 2 * len("  ") > width:
            break
        line = line + entry + "  "
    return line + leave


def _field(name: str, value: str, *, warns: bool = False) -> Text:
    return Text.assemble((f"{name} ", "dim"), (value, "red" if warns else ""))


def progress_text(progress: Progress) -> str:
    """Return where a set is: "Friday 2/5: verse since 4 bars, then chorus at bar 17"."""
    text = f"{progress.title} {progress.place}/{progress.count}: {progress.scene}"
    if progress.bars:
        text += f" since {progress.bars} {'bar' if progress.bars == 1 else 'bars'}"
    if not progress.next_scene:
        return f"{text}, the last"
    when = progress.next_when or f"at bar {progress.next_bar}"
    return f"{text}, then {progress.next_scene} {when}"


def _has_moved_on(before: Progress | None, now: Progress) -> bool:
    return before is None or (before.place, before.scene) != (now.place, now.scene)


def dropped_text(dropped: Mapping[str, int]) -> str:
    """Return how many hits were dropped, and why: "3 (2 late, 1 tempo)"."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return f"{sum(dropped.values())}" + (f" ({reasons})" if reasons else "")


class LogLines:
    """Plain lines instead of the view: one for each bar and each change worth telling."""

    def __init__(self) -> None:
        """Begin with nothing printed."""
        self._before: Snapshot | None = None

    def lines(self, shot: Snapshot) -> list[str]:
        """Return what is new since the last snapshot."""
        before, self._before = self._before, shot
        lines = []
        if before is None or before.peers != shot.peers:
            lines.append(f"time: {shot.source}")
        if before is None or before.bpm != shot.bpm:
            lines.append(f"tempo {shot.bpm:.2f} bpm")
        if before is not None and before.style != shot.style:
            lines.append(f"style {style_words(shot.style, shot.titles)}")
        if before is not None and before.sounding != shot.sounding:
            lines.append("playing" if shot.sounding else "stopped")
        if before is not None and shot.late_bars > before.late_bars:
            lines.append(f"late bars: {shot.late_bars}")
        if before is not None and shot.notice != before.notice:
            lines.append(shot.notice)
        if shot.progress is not None and (before is None or _has_moved_on(before.progress, shot.progress)):
            lines.append(progress_text(shot.progress))
        if before is not None and shot.dropped != before.dropped:
            lines.append(f"dropped: {dropped_text(shot.dropped)}")
        anew = before is None or before.bar != shot.bar or not before.sounding
        if shot.sounding and anew and shot.current:
            made = shot.current.generated_ms
            lines.append(
                f"bar {shot.bar + 1} {style_words(shot.current.style, shot.titles)}: "
                f"{len(shot.current.bar.hits)} hits, "
                + ("fallback" if made is None else f"made in {made:.0f} ms")
                + f", notes late by p95 {shot.lateness.p95:.2f} ms"
            )
        return lines
