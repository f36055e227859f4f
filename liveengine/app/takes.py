"""Takes: their journals while they are played, and where they are written in the end."""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from liveengine.config.user_files import free_path, own_folder
from liveengine.errors import ConfigError, MidiError, as_started
from liveengine.recording.performance_log import PerformanceLog
from liveengine.recording.take_journal import SUFFIX, journal_of, read_journal
from liveengine.recording.take_recorder import Take
from liveengine.recording.trace_writer import Trace


@contextlib.contextmanager
def journal_for(take: Path | None, console: Console) -> Iterator[Trace | None]:
    """Keep a journal beside a take that is played; yield it.

    An older one, of a performance that has crashed, is kept and reported. Raises ConfigError where it cannot
    be written: so it is with the take, which is better known before.
    """
    if take is None:
        yield None
        return
    takes = (take.with_name(f"{take.stem}-{number}{take.suffix}") for number in itertools.count(2))
    for path in map(journal_of, itertools.chain((take,), takes)):
        if not path.exists():
            break
        console.print(
            f"A take was not finished: {as_started('recover')} {path} writes what was played of it.",
            style="yellow",
        )
    with contextlib.closing(Trace(path, "--take")) as journal:
        yield journal


def keep_take(record: PerformanceLog, wanted: Path, journal: Trace | None, console: Console) -> None:
    """Write a take to its place, or to another one where that cannot be, and remove its journal.

    Raises MidiError where no place takes it; its journal, if there is one, is left then.
    """
    take = record.tape.take()
    path = _write(take, wanted, console)
    if journal is not None and journal.path is not None:
        journal.close()
        journal.path.unlink(missing_ok=True)
    console.print(f"take: {path} ({record.bars} bars, {record.notes} notes)")


def recover(journal: Path, output: Path | None, console: Console, *, force: bool = False) -> Path:
    """Write the take of a journal that a crash has left; return where it is, and remove the journal.

    Without an output it goes where it was to go, or to the next free name. Raises ConfigError for a file that
    is no journal, MidiError where no place takes it.
    """
    take = read_journal(journal).take()
    if output is None and journal.suffix != SUFFIX:
        raise ConfigError(f"{journal}: expected a name that ends in {SUFFIX}, or --output")
    wanted = output or journal.with_name(journal.name.removesuffix(SUFFIX))
    path = _write(take, wanted if force else free_path(wanted), console)
    journal.unlink(missing_ok=True)
    console.print(f"take: {path} ({take.bars} bars, {len(take.notes)} notes)")
    return path


def _write(take: Take, wanted: Path, console: Console) -> Path:
    """Write a take to the first place that takes it; return which."""
    try:
        take.write(wanted)
        return wanted
    except MidiError as error:
        refused = error
    for folder in (own_folder() / "takes", Path(tempfile.gettempdir())):
        other = free_path(folder / wanted.name)
        with contextlib.suppress(MidiError):
            take.write(other)
            console.print(f"{refused}. It is kept in another place: {other}", style="yellow")
            return other
    raise refused
