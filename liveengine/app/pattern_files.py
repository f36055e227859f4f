"""`liveengine generate`: patterns as MIDI files, one or a thousand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from liveengine.app.live_clips import LiveAddress, MadeFile, as_file, is_in_live, put_into_live
from liveengine.config.kits import find_kit
from liveengine.config.settings import is_file_name
from liveengine.config.user_files import free_path
from liveengine.errors import ConfigError, LiveEngineError, MidiError
from liveengine.music.beats import read_meter
from liveengine.music.kit import KitMap
from liveengine.patterns.batch_decoder import LANES
from liveengine.patterns.renderer import PatternRenderer
from liveengine.patterns.request import Given, PatternRequest
from liveengine.patterns.seed_beat import read_given

MOST_FILES = 100_000


def paths_for(output: Path, count: int) -> Iterator[Path]:
    """Yield where files go: `output` itself for one, else numbered: beat.mid is beat-0001.mid and so on."""
    if count == 1:
        yield output
        return
    width = max(4, len(str(count)))
    for number in range(1, count + 1):
        yield output.with_name(f"{output.stem}-{number:0{width}}{output.suffix}")


def asked(
    options: Mapping[str, Any],
    *,
    time_signature: str | None,
    given: Path | str | None,
    remade: str | None,
    tracks: Sequence[str] = (),
    live: LiveAddress = LiveAddress(),  # noqa: B008 - it is frozen
) -> PatternRequest:
    """Return the request of a command line; an option of None is left as it is.

    `given` is a MIDI file to go on from, or a clip of the Live at an address, `remade` the bars of it to make
    again, such as "3,7", `tracks` those of it to read, by number or name, instead of its drums. Raises
    LiveEngineError for what cannot be.
    """
    if tracks and given is None:
        raise ConfigError("--track: expected --input with the file that has it, got none")
    fields = {name: value for name, value in options.items() if value is not None}
    if time_signature is not None:
        fields["meter"] = read_meter(time_signature)
    if given is not None:
        beat = _read_given(str(given), find_kit(fields.get("kit", "gm")), tracks, live)
        fields = {"meter": beat.meter, **fields, "given": beat}
        if remade is not None:
            fields = {"bars": len(beat.bars), **fields}
    if remade is not None:
        fields["remade"] = tuple(_bar_number(each) - 1 for each in remade.split(","))
    return PatternRequest(**fields)


def _read_given(given: str, kit: KitMap, tracks: Sequence[str], live: LiveAddress) -> Given:
    if not is_in_live(given):
        return read_given(Path(given), kit, tracks)
    with as_file(given, live) as path:
        return read_given(path, kit, tracks)


def _bar_number(written: str) -> int:
    if not written.strip().isdecimal():
        raise ConfigError(f"--fill-bars: expected numbers of bars, such as 3,7; got {written!r}")
    return int(written)


def generate(
    request: PatternRequest,
    output: Path,
    console: Console,
    *,
    count: int = 1,
    force: bool = False,
    device: str = "auto",
    checkpoint: Path | None = None,
    to_live: tuple[str, LiveAddress] | None = None,
) -> None:
    """Write `count` patterns; the seeds follow that of the request, one by one.

    Without `force` no file is written over: a pattern whose name is taken gets the next free one.
    A file that cannot be made is reported, and the others are made nonetheless. Raises
    LiveEngineError where nothing can be made, or some could not be written. `to_live` is a track of Live
    into which all are written too, and where that Live is.
    """
    if not 1 <= count <= MOST_FILES:
        raise ConfigError(f"--count: expected 1 to {MOST_FILES}, got {count}")
    if output.suffix.lower() not in (".mid", ".midi"):
        raise ConfigError(f"--output: expected a file name that ends in .mid, got {output}")
    studio = PatternRenderer(checkpoint, device, lanes=min(count, LANES))
    if is_file_name(request.kit):
        studio.keep_kit(request.kit, find_kit(request.kit))
    studio.pattern(request)  # an unknown name is refused before the model is loaded
    for remark in request.given.remarks if request.given else ():
        console.print(remark, style="yellow")
    requests = [replace(request, seed=request.seed + each) for each in range(count)]
    asked = list(paths_for(output, count))
    free = asked if force else [free_path(path) for path in asked]
    if free != asked:
        console.print("That file is kept: written beside it (--force writes over it).", style="yellow")
    paths = dict(zip((each.seed for each in requests), free, strict=True))
    faults: list[LiveEngineError] = []
    made: list[MadeFile] = []
    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    with progress if count > 1 else nullcontext():
        task = progress.add_task("patterns", total=count)
        for pattern in studio.make(requests):
            try:
                pattern.take().write(paths[pattern.seed])
                made.append(MadeFile(paths[pattern.seed], pattern.bars))
            except MidiError as error:
                faults.append(error)
            progress.advance(task)
    if faults:
        raise MidiError(f"{len(faults)} of {count} files could not be written; the first: {faults[0]}")
    places = put_into_live(made, *to_live) if to_live else []
    for place in places:
        console.print(f"in Live: {place.track}, slot {place.slot}")
    last = "" if count == 1 else f" to {paths[requests[-1].seed].name}"
    console.print(f"{paths[requests[0].seed]}{last}, seed {request.seed}")
