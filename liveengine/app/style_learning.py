"""What `liveengine learn` does: reads a player's beats, learns their style, tries it, writes, reports."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from liveengine.config import settings
from liveengine.config.kits import find_kit
from liveengine.config.style_library import PACK_SUFFIX
from liveengine.config.user_files import OWN_STYLES_VARIABLE, own_styles_folder
from liveengine.errors import ConfigError, as_started
from liveengine.generation.generator import BarGenerator
from liveengine.model.checkpoint import load_checkpoint
from liveengine.model.style_pack import StylePack, save_pack
from liveengine.music.beats import TEMPO_MAX_BPM, TEMPO_MIN_BPM
from liveengine.music.drum_map import DrumMap, map_of_kit
from liveengine.music.pattern import Bar
from liveengine.music.request import Conditioning
from liveengine.music.style import Feel, Style, spelling
from liveengine.training.corpus import Take
from liveengine.training.evaluation.performance import WARM_UP_BARS, Performer
from liveengine.training.hats import count_hats
from liveengine.training.learn import LearnConfig, Learned, learn_style
from liveengine.training.learn_report import on_grid, report
from liveengine.training.user_midi import OwnBeats, read_own_beats

RUNS = 12
RUN_BARS = 8
"""Bars that are generated for the report: so many runs of so many bars, each begun anew."""
MOST_SECONDS = 60.0
"""On a busy machine fewer are made: no run begins after so long."""
JITTER_MS = 2.0
"""Little: the vector has learned the player's own timing."""
VELOCITY_JITTER = 0.03
TEMPO_MARGIN = 1.05
"""A style of one tempo takes so much on both sides."""
GUESSED_KITS = ("808", "ableton", "gm", "gmd")
"""Kits that files are tried with where the player names none: too near to General MIDI to be mistaken."""
MOST_THREADS = 4

FEW_BARS = 32
"""Fewer are warned of: eight phrases of four bars."""
DENSITY_MATCH, VELOCITY_MATCH, SWING_MATCH = 1.2, 10.0, 3.0
"""How far a style may be from its player unnoticed: notes as a ratio, velocity, percent of swing."""


@dataclass(frozen=True, slots=True)
class LearnOptions:
    """What `liveengine learn` was asked."""

    folder: Path
    name: str
    out: Path | None = None
    kit: str | None = None
    drum_map: Path | None = None
    tracks: tuple[str, ...] = ()
    """Tracks to read, by number or name; else those that are drums."""
    minutes: float = 6.0
    seed: int = 1
    checkpoint: Path | None = None
    force: bool = False
    """Whether a style of that name may be written over; else the next free name is taken."""


def learn(options: LearnOptions, console: Console) -> Path:
    """Learn a style, write its three files, print the report, and return the style file.

    Raises LiveEngineError: a name that is taken, a faulty map, too few bars, an unusable checkpoint.
    """
    config = LearnConfig(
        minutes=options.minutes,
        seed=options.seed,
        threads=max(1, min(MOST_THREADS, (os.cpu_count() or 1) // 2)),
    )
    name = style_name(options.name)
    checkpoint = load_checkpoint(options.checkpoint or settings.default_checkpoint())
    if name in checkpoint.space.genres:
        raise ConfigError(f"--name: expected a name of your own, got {options.name!r}, a learned genre")
    out = options.out or own_styles_folder()
    title = options.name
    if not options.force and (out / f"{name}.yaml").exists():
        name, title = _free_name(out, name, title)
        console.print(
            f"there is a style of that name: this one is {name} (--force learns it anew)", style="yellow"
        )
    order = _order(name)
    beats = _read(options, name)
    _tell_beats(beats, console)
    _make_folder(out)
    with Progress(
        TextColumn("learning"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=console,
    ) as progress:
        task = progress.add_task("", total=1.0)
        learned = learn_style(
            checkpoint,
            beats.takes,
            name,
            config,
            on_progress=lambda share, doing: progress.update(task, completed=share, description=doing),
        )
        progress.update(task, completed=1.0)
    style_path, pack_path = out / f"{name}.yaml", out / f"{name}{PACK_SUFFIX}"
    try:
        scores = {"bits_per_note_before": learned.bits_before, "bits_per_note_after": learned.bits_after}
        hats = count_hats(beats.takes).get(name)
        save_pack(StylePack(name, checkpoint.sha256, learned.vector, scores, hats), pack_path)
        generator = BarGenerator(options.checkpoint or settings.default_checkpoint(), "cpu", [pack_path])
        generated = perform(Performer(generator.generate, options.seed), name, learned.training)
        found = {"name": name, "checkpoint_sha256": checkpoint.sha256} | report(beats, learned, generated)
        style = _style(name, title, beats, found)
        style_path.write_text(settings.style_text(style, order), encoding="utf-8")
        report_path = out / f"{name}.report.json"
        report_path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{out}: expected a folder to write to, got: {error.strerror}") from error
    settings.load_styles(extra=style_path)
    _tell_report(found, learned, console)
    console.print(f"written: {style_path}, {pack_path.name}, {report_path.name}")
    hint = "" if options.out is None else f"{OWN_STYLES_VARIABLE}={out} "
    console.print(f"play it: {hint}{as_started('play')} --style {name}")
    return style_path


def _free_name(out: Path, name: str, title: str) -> tuple[str, str]:
    """Return the next name, and title, that no style has."""
    number = 2
    while (out / f"{name}_{number}.yaml").exists():
        number += 1
    return f"{name}_{number}", f"{title} {number}"


def _make_folder(out: Path) -> None:
    """Make the folder to write to: better refused now than after the learning."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out}: expected a folder to write to, got: {error.strerror}") from error


def style_name(title: str) -> str:
    """Return the name of the files and the genre of a style: small letters, digits and underscores.

    Raises ConfigError where nothing would be left.
    """
    name = re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")
    if not name:
        raise ConfigError(f"--name: expected a name with letters a-z or digits, got {title!r}")
    return name


def _order(name: str) -> int:
    """Return the place of a style among the player's own: its own again, else after all others.

    Raises ConfigError where another style answers to its name.
    """
    book, _ = settings.load_all_styles()
    shipped = len(settings.load_styles().styles)
    for index, style in enumerate(book.styles):
        if style.name == name and index >= shipped:
            return index - shipped + 1
        if spelling(name) in {spelling(each) for each in (style.name, style.title, *style.aliases)}:
            raise ConfigError(
                f"--name: expected a name of your own, got {name!r}, to which {style.title} answers"
            )
    return len(book.styles) - shipped + 1


def _read(options: LearnOptions, name: str) -> OwnBeats:
    if options.kit and options.drum_map:
        raise ConfigError("--kit and --map: expected one of them, got both")
    given = None
    if options.kit:
        given = map_of_kit(find_kit(options.kit))
    elif options.drum_map:
        given = DrumMap(options.drum_map.name, settings.load_drum_map(options.drum_map))
    kits = [map_of_kit(find_kit(kit)) for kit in GUESSED_KITS]
    return read_own_beats(options.folder, name, kits, given, options.tracks)


def perform(
    performer: Performer, name: str, takes: Sequence[Take], now: Callable[[], float] = time.monotonic
) -> list[Bar]:
    """Return bars in a learned style, at tempos and in the commonest meter of takes, controls left open."""
    began = now()
    meter = Counter(bar.meter for take in takes for bar in take.bars).most_common(1)[0][0]
    bars: list[Bar] = []
    for run in range(RUNS):
        if bars and now() - began > MOST_SECONDS:
            break
        bpm = takes[run * len(takes) // RUNS].bpm
        asked = [Conditioning(genres=((name, 1.0),), bpm=bpm)] * (WARM_UP_BARS + RUN_BARS)
        bars += performer.play(asked, meter)[WARM_UP_BARS:]
    return bars


def _style(name: str, title: str, beats: OwnBeats, found: dict[str, Any]) -> Style:
    """Return the style: the learned genre alone, swing as it was learned, tempos of the files."""
    tempos = [take.bpm for take in beats.takes]
    low, high = min(tempos), max(tempos)
    if high < low * TEMPO_MARGIN:
        low, high = low / TEMPO_MARGIN, high * TEMPO_MARGIN
    low, high = max(TEMPO_MIN_BPM, round(low, 1)), min(TEMPO_MAX_BPM, round(high, 1))
    swing = found["player"]["swing_percent"]
    drawn = on_grid(bar for take in beats.takes for bar in take.bars)
    return Style(
        name=name,
        title=title.strip(),
        genres=((name, 1.0),),
        tempo_bpm=(low, high),
        source=(
            f"Learned from {len(found['files_used'])} files, {found['bars_learned_from']} bars, with "
            f"liveengine learn; bits per note on {found['bars_held_out']} held-out bars "
            f"{found['bits_per_note_after']:.2f}, with the best genre before "
            f"{found['bits_per_note_before']:.2f}."
        ),
        feel=Feel(
            swing_percent=swing,
            learned_swing_percent=swing,
            jitter_ms=0.0 if drawn else JITTER_MS,
            humanize=1.0,
            velocity_jitter=VELOCITY_JITTER,
        ),
    )


def _tell_beats(beats: OwnBeats, console: Console) -> None:
    bars = sum(each.bars for each in beats.files)
    for each in beats.files:
        read = f"{each.name}: {each.bars} bars at {each.bpm:g} bpm, {each.drum_map}, {', '.join(each.tracks)}"
        console.print("; ".join((read, *each.remarks)))
    console.print(f"{len(beats.files)} files, {bars} bars")
    for left_out in beats.left_out:
        console.print(f"left out {left_out.name}: {left_out.reason}", style="yellow")
    if bars < FEW_BARS:
        console.print(
            f"{bars} bars are few: it can learn little more than these; {FEW_BARS} or more make a style.",
            style="yellow",
        )
    for remark in beats.remarks:
        console.print(remark, style="yellow")


def _tell_report(found: dict[str, Any], learned: Learned, console: Console) -> None:
    table = Table("", "the player", "generated", box=None)
    player, generated = found["player"], found["generated"]
    for label, key in (
        ("notes per beat", "density_notes_per_beat"),
        ("velocity", "velocity"),
        ("velocity, deviation", "velocity_deviation"),
        ("swing, percent", "swing_percent"),
        ("half-open hats, share", "half_open_share"),
    ):
        table.add_row(label, f"{player[key]:g}", f"{generated[key]:g}")
    table.add_row(
        "bars with the onsets of a bar learned from",
        f"{found['copied_share_held_out']:.0%} of held-out bars",
        f"{found['copied_share_generated']:.0%}",
    )
    nearest = ", ".join(f"{genre} {bits:.2f}" for genre, bits in learned.nearest)
    where = "of files held out" if learned.whole_files_held_out else "from the ends of the same files"
    console.print(
        f"bits per note on {found['bars_held_out']} bars {where}: {learned.bits_before:.3f} as "
        f"{learned.nearest[0][0]}, the best genre before; {learned.bits_after:.3f} as {found['name']}\n"
        f"nearest genres: {nearest}",
    )
    if learned.bits_after >= learned.bits_before:
        console.print(
            f"Nothing was gained: {found['name']} plays as {learned.nearest[0][0]}. More bars may help.",
            style="yellow",
        )
    console.print(table)
    for each in advice(player, generated, found["bars_learned_from"]):
        console.print(each, style="yellow")


def advice(player: Mapping[str, float], generated: Mapping[str, float], bars: int) -> list[str]:
    """Return what to do where the style is not played as its player does; nothing where it is.

    Both hold `density_notes_per_beat`, `velocity` (MIDI) and `swing_percent`.
    """
    found = []
    denser = generated["density_notes_per_beat"] / max(player["density_notes_per_beat"], 0.1)
    louder = generated["velocity"] - player["velocity"]
    swung = generated["swing_percent"] - player["swing_percent"]
    if not 1 / DENSITY_MATCH <= denser <= DENSITY_MATCH:
        more, turn = ("more", "down") if denser > 1 else ("fewer", "up")
        found.append(f"It plays {more} notes than you: turn density {turn}, and keep that as a scene.")
    if abs(louder) > VELOCITY_MATCH:
        more, turn = ("louder", "down") if louder > 0 else ("softer", "up")
        found.append(f"It plays {more} than you: turn energy {turn}, or the levels of the drums.")
    if abs(swung) > SWING_MATCH:
        found.append(f"It swings otherwise than you: --swing {player['swing_percent']:.0f} sets yours.")
    if found:
        longer = "learn for longer (--minutes 15)"
        found.append(
            f"To bring it nearer, {longer} or give it more than these {bars} bars, all of one feel; "
            "files of several styles are better learned as several."
        )
    return found
