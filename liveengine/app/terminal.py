"""The terminal view: the bar that plays and the next as drum grids, and how well time is kept."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from liveengine.engine.snapshot import Snapshot
from liveengine.music.beats import STEPS_PER_BEAT, Meter
from liveengine.music.drums import GROUP_OF, GROUPS
from liveengine.planning.horizon import PlannedBar
from liveengine.planning.scenes import Progress

SHADES = "░▒▓█"
"""Soft to loud."""
EMPTY = "·"


def grid(planned: PlannedBar | None, meter: Meter, playing_step: int | None) -> Text:
    """Return a bar as rows of steps, shaded by velocity; the step that plays is marked."""
    loudest: dict[tuple[int, int], int] = {}
    if planned is not None:
        for hit in planned.bar.hits:
            row = list(GROUPS).index(GROUP_OF[hit.voice])
            loudest[row, hit.step] = max(hit.velocity, loudest.get((row, hit.step), 0))
    text = Text()
    for row, name in enumerate(GROUPS):
        text.append(f"{name.replace('_', ' '):>8} ", style="dim")
        for step in range(meter.steps):
            if step % STEPS_PER_BEAT == 0:
                text.append("│" if step else "┃", style="dim")
            velocity = loudest.get((row, step), 0)
            mark = SHADES[min(3, velocity // 32)] if velocity else EMPTY
            style = "bold cyan" if velocity else "dim"
            text.append(mark, style=style + (" reverse" if step == playing_step else ""))
        text.append("┃" if row == len(GROUPS) - 1 else "┃\n", style="dim")
    return text


def render(shot: Snapshot, port: str) -> RenderableType:
    """Return the whole view."""
    head = Text()
    head.append(f" {shot.style} ", style="bold reverse")
    head.append(f"  {shot.bpm:.2f} bpm", style="bold")
    head.append(f"   {shot.peers} other {'peer' if shot.peers == 1 else 'peers'}")
    if shot.sounding and shot.beat >= 0:
        head.append(f"   bar {shot.bar + 1}, beat {int(shot.beat) + 1} of {shot.meter}")
    else:
        head.append("   waiting for the downbeat" if shot.sounding else "   stopped or loading", "yellow")
    step = int(shot.beat * STEPS_PER_BEAT) if shot.sounding and shot.beat >= 0 else None
    bars = Table.grid(padding=(0, 2))
    bars.add_row(
        Panel(grid(shot.current, shot.meter, step), title=_title("playing", shot.current), expand=False),
        Panel(grid(shot.following, shot.meter, None), title=_title("next", shot.following), expand=False),
    )
    late = shot.lateness
    made = "-" if shot.generated_ms is None else f"{shot.generated_ms:.0f} ms"
    foot = Text.assemble(
        ("bar made in ", "dim"),
        made,
        ("   late by ", "dim"),
        f"{late.p50:.2f} / {late.p95:.2f} / {late.p99:.2f} / {late.most:.2f} ms",
        (" (p50/p95/p99/most)", "dim"),
        ("   late bars ", "dim"),
        (str(shot.late_bars), "red" if shot.late_bars else ""),
        ("   dropped ", "dim"),
        (dropped_text(shot.dropped), "red" if any(shot.dropped.values()) else ""),
        ("   notes ", "dim"),
        str(shot.notes),
    )
    where = Text(f"sending to {port}" if port else "sending nowhere", style="dim")
    where.append(
        f"   changes from the next {shot.switch}" if shot.switch != "instant" else "   changes at once"
    )
    where.append(f", committed {shot.commit_ms:.0f} ms ahead")
    if shot.looped_bars:
        where.append(f"   locked: {shot.looped_bars} {'bar' if shot.looped_bars == 1 else 'bars'}", "yellow")
    if shot.silent:
        where.append(f"   silent: {', '.join(shot.silent)}", "yellow")
    if shot.notice:
        where.append(f"\n{shot.notice}")
    if shot.malformed:
        where.append(f"   {shot.malformed} malformed control messages ignored", style="yellow")
    if shot.progress is not None:
        where.append(f"\n{progress_text(shot.progress)}", style="bold")
    return Panel(Group(head, bars, foot, where), title="liveengine", expand=False)


def progress_text(progress: Progress) -> str:
    """Return where a set is: "Friday 2/5: verse since 4 bars, then chorus at bar 17"."""
    text = f"{progress.title} {progress.place}/{progress.count}: {progress.scene}"
    if progress.bars:
        text += f" since {progress.bars} {'bar' if progress.bars == 1 else 'bars'}"
    if not progress.next_scene:
        return f"{text}, the last"
    when = progress.next_when or f"at bar {progress.next_bar}"
    return f"{text}, then {progress.next_scene} {when}"


def dropped_text(dropped: Mapping[str, int]) -> str:
    """Return how many hits were dropped, and why: "3 (2 late, 1 tempo)"."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items() if count)
    return f"{sum(dropped.values())}" + (f" ({reasons})" if reasons else "")


def _title(name: str, planned: PlannedBar | None) -> str:
    if planned is None:
        return f"{name}: not there yet"
    return f"{name}: {planned.style.title}{' (fallback)' if planned.fallback else ''}"


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
            lines.append(f"{shot.peers} other peers in the Link session")
        if before is None or before.bpm != shot.bpm:
            lines.append(f"tempo {shot.bpm:.2f} bpm")
        if before is not None and before.style != shot.style:
            lines.append(f"style {shot.style}")
        if before is not None and before.sounding != shot.sounding:
            lines.append("playing" if shot.sounding else "stopped")
        if before is not None and shot.late_bars > before.late_bars:
            lines.append(f"late bars: {shot.late_bars}")
        if before is not None and shot.notice != before.notice:
            lines.append(shot.notice)
        if shot.progress is not None and (
            before is None or before.progress is None or before.progress.place != shot.progress.place
        ):
            lines.append(progress_text(shot.progress))
        if before is not None and shot.dropped != before.dropped:
            lines.append(f"dropped: {dropped_text(shot.dropped)}")
        anew = before is None or before.bar != shot.bar or not before.sounding
        if shot.sounding and anew and shot.current:
            made = shot.current.generated_ms
            lines.append(
                f"bar {shot.bar + 1} {shot.current.style.title}: {len(shot.current.bar.hits)} hits, "
                + ("fallback" if made is None else f"made in {made:.0f} ms")
                + f", notes late by p95 {shot.lateness.p95:.2f} ms"
            )
        return lines
