"""Getting a training corpus onto this machine whole: download, hash, unpacking, and a check of its table."""

from __future__ import annotations

import csv
import hashlib
import http.client
import re
import shutil
import stat
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePosixPath

from liveengine import __version__
from liveengine.errors import CorpusError

GMD_URL = "https://storage.googleapis.com/magentadata/datasets/groove/groove-v1.0.0-midionly.zip"
"""The Groove MIDI Dataset, version 1.0.0, without audio (Gillick et al. 2019, CC BY 4.0)."""
GMD_SHA256 = "651cbc524ffb891be1a3e46d89dc82a1cecb09a57c748c7b45b844c4841dcc1e"
"""Of the archive at GMD_URL."""

TABLE = "info.csv"
COLUMNS = frozenset({"id", "style", "bpm", "split", "midi_filename"})
CHUNK_BYTES = 1 << 16
TIMEOUT_S = 30.0
NAMED_AT_MOST = 5
"""How many missing files an error names before it only counts them."""

Report = Callable[[int, int | None], None]
"""Called with the bytes so far and the bytes in all, None where the server does not say."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a corpus holds: takes in all, per split, and per style (the word before the slash)."""

    takes: int
    per_split: Mapping[str, int]
    per_style: Mapping[str, int]


def silent(_done_bytes: int, _total_bytes: int | None) -> None:
    """Report progress to nobody."""


def sha256_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def check_sha256(file: Path, expected: str) -> None:
    """Raise CorpusError, naming both hashes, where a file's SHA-256 is not the expected one."""
    found = sha256_of(file)
    if found != expected:
        raise CorpusError(f"{file}: expected SHA-256 {expected}, got {found}")


def download(url: str, file: Path, *, sha256: str | None, report: Report = silent) -> None:
    """Fetch a URL into a file, going on where an earlier attempt stopped.

    Until it is whole and its hash is right, what has come lies in a neighbour of `file` whose name ends in
    `.part`. A connection that breaks leaves that for the next attempt; a wrong hash removes it.
    Raises CorpusError for both, and where the server refuses or cannot be reached.
    """
    if not url.startswith(("http://", "https://")):
        raise CorpusError(f"{url}: expected an address that begins with http:// or https://")
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    try:
        total_bytes = _fetch(url, part, report)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise CorpusError(f"{url}: could not be fetched ({error}); {_kept(part)}") from error
    if total_bytes is not None and part.stat().st_size < total_bytes:
        came = part.stat().st_size
        raise CorpusError(f"{url}: expected {total_bytes} bytes, got {came}; {_kept(part)}")
    if sha256 is not None:
        try:
            check_sha256(part, sha256)
        except CorpusError as error:
            part.unlink()
            raise CorpusError(f"{url}: {error}; the file was removed, nothing was unpacked") from error
    part.replace(file)


def _kept(part: Path) -> str:
    """Say what is left of a broken download."""
    if not part.is_file():
        return "nothing has come yet"
    return f"{part.stat().st_size} bytes are kept in {part}, and the next run goes on from there"


def _fetch(url: str, part: Path, report: Report) -> int | None:
    """Append to `part` what is missing of it; return the size of the whole, None where it is unknown."""
    have_bytes = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": f"liveengine/{__version__}"})
    if have_bytes:
        request.add_header("Range", f"bytes={have_bytes}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise
        if _total_of(error.headers.get("Content-Range")) == have_bytes:
            return have_bytes
        # What lies here is longer than what the server has: it is of another file.
        part.unlink()
        return _fetch(url, part, report)
    with response:
        goes_on = response.status == HTTPStatus.PARTIAL_CONTENT
        length = response.headers.get("Content-Length")
        if goes_on:
            total_bytes = _total_of(response.headers.get("Content-Range"))
        else:
            have_bytes = 0
            total_bytes = int(length) if length else None
        with part.open("ab" if goes_on else "wb") as opened:
            report(have_bytes, total_bytes)
            while piece := response.read(CHUNK_BYTES):
                opened.write(piece)
                have_bytes += len(piece)
                report(have_bytes, total_bytes)
    return total_bytes


def _total_of(content_range: str | None) -> int | None:
    """Return the size of the whole from a Content-Range header such as `bytes 5-9/10` or `bytes */10`."""
    found = re.fullmatch(r"bytes\s+(?:\d+-\d+|\*)/(\d+)", (content_range or "").strip())
    return int(found[1]) if found else None


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into a folder, which is made.

    Raises CorpusError where the file is no whole zip, or where an entry would land outside the folder or is
    a link; nothing is unpacked then.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                _check_entry(archive, entry)
            damaged = opened.testzip()
            if damaged is not None:
                raise CorpusError(f"{archive}: expected a whole zip, got a damaged entry {damaged!r}")
            opened.extractall(folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise CorpusError(f"{archive}: expected a zip, got something else ({error})") from error


def _check_entry(archive: Path, entry: zipfile.ZipInfo) -> None:
    """Raise CorpusError for an entry of a zip that is a link or points out of the folder."""
    # zipfile would quietly cut such names short; a corpus that holds one is not what it claims to be.
    if not _stays_inside(entry.filename):
        raise CorpusError(f"{archive}: expected entries inside the archive's folder, got {entry.filename!r}")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise CorpusError(f"{archive}: expected files and folders, got a link {entry.filename!r}")


def _stays_inside(name: str) -> bool:
    """Tell whether a relative name with slashes stays inside the folder it is joined to, on any system."""
    path = PurePosixPath(name.replace("\\", "/"))
    return bool(name) and not path.is_absolute() and ".." not in path.parts and ":" not in name


def corpus_root(folder: Path) -> Path:
    """Return the folder that holds `info.csv`: the folder itself, or the one place below it that has it."""
    if (folder / TABLE).is_file():
        return folder
    found = sorted(folder.glob(f"*/{TABLE}"))
    if len(found) != 1:
        raise CorpusError(f"{folder}: expected one {TABLE} in it or one folder below, found {len(found)}")
    return found[0].parent


def inspect(folder: Path) -> Inventory:
    """Return what a corpus holds.

    Raises CorpusError where `info.csv` is missing, lacks a column, is empty, or names a MIDI file that is
    not in the folder.
    """
    table = folder / TABLE
    if not table.is_file():
        raise CorpusError(f"{folder}: expected a file {TABLE}, found none")
    try:
        with table.open(newline="", encoding="utf-8") as opened:
            reader = csv.DictReader(opened)
            lacking = COLUMNS.difference(reader.fieldnames or ())
            if lacking:
                raise CorpusError(f"{table}: expected the columns {', '.join(sorted(lacking))} too")
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"{table}: expected a readable table in UTF-8, got: {error}") from error
    if not rows:
        raise CorpusError(f"{table}: expected a row per take, got none")
    names = [row["midi_filename"] or "" for row in rows]
    missing = [name for name in names if not _stays_inside(name) or not (folder / name).is_file()]
    if missing:
        more = f" and {len(missing) - NAMED_AT_MOST} more" if len(missing) > NAMED_AT_MOST else ""
        raise CorpusError(
            f"{folder}: expected the {len(rows)} MIDI files that {TABLE} names, "
            f"not there: {', '.join(map(repr, missing[:NAMED_AT_MOST]))}{more}"
        )
    return Inventory(
        takes=len(rows),
        per_split=Counter(row["split"] for row in rows),
        per_style=Counter(row["style"].split("/")[0] for row in rows),
    )


def install(source: Path, out: Path) -> Inventory:
    """Put the corpus of a folder or a zip at `out`, all of it or nothing, and return what it holds.

    It is gathered and checked in a temporary folder next to `out`, then renamed. Raises CorpusError where
    `out` is there already, or the source is no whole corpus.
    """
    if out.exists():
        raise CorpusError(f"{out}: expected nothing there yet; remove it or name another folder")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as gathered:
            root = _gather(source, Path(gathered) / "corpus")
            inventory = inspect(root)
            root.rename(out)
    except OSError as error:
        raise CorpusError(f"{source}: could not be put at {out} ({error})") from error
    return inventory


def _gather(source: Path, folder: Path) -> Path:
    """Unpack or copy the source into a folder; return where in it the corpus is."""
    if source.is_dir():
        shutil.copytree(corpus_root(source), folder, copy_function=shutil.copyfile)
        # The copy can be written to, and removed again, even where the source is read-only.
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    elif source.is_file():
        unpack(source, folder)
    else:
        raise CorpusError(f"{source}: expected a folder or a zip, found neither")
    return corpus_root(folder)
