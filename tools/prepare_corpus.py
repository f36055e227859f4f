"""Put the Groove MIDI Dataset, or a corpus laid out like it, where training can read it.

    python tools/prepare_corpus.py [--out FOLDER] [--source FOLDER_OR_ZIP_OR_URL] [--any-version]

Without --source the dataset is downloaded from its publisher; a download that broke off goes on where it
stopped. A folder given as --source is only checked, and copied where --out is given too. Archives are held
against the hash of version 1.0.0 unless --any-version is given.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from liveengine.errors import CorpusError
from liveengine.training.acquire import (
    GMD_SHA256,
    GMD_URL,
    Inventory,
    check_sha256,
    corpus_root,
    download,
    inspect,
    install,
)

DEFAULT_OUT = Path("corpora") / "groove"


def main() -> int:
    """Fetch or take the corpus, check it, and print what it holds; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, help=f"folder to make (default: {DEFAULT_OUT})")
    parser.add_argument("--source", help="folder, zip or http address to take instead of the publisher's")
    parser.add_argument("--any-version", action="store_true", help="take an archive with another hash")
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    try:
        folder, inventory = obtain(options.out, options.source, options.any_version, console)
    except CorpusError as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    console.print(f"{folder}: {inventory.takes} takes", markup=False)
    console.print(f"  splits: {counts(inventory.per_split)}")
    console.print(f"  styles: {counts(inventory.per_style)}")
    return 0


def obtain(
    out: Path | None, source: str | None, any_version: bool, console: Console
) -> tuple[Path, Inventory]:
    """Return the folder that the corpus is in afterwards, and what it holds."""
    target = out or DEFAULT_OUT
    sha256 = None if any_version else GMD_SHA256
    if source is None and (target / "info.csv").is_file():
        console.print(f"{target} is there already: only checked", markup=False)
        return target, inspect(target)
    if source is None or source.startswith(("http://", "https://")):
        if target.exists():
            raise CorpusError(f"{target}: expected nothing there yet; remove it or name another folder")
        url = source or GMD_URL
        archive = target.parent / f".{target.name}-{Path(urlsplit(url).path).name}"
        fetch(url, archive, sha256, console)
        try:
            return target, install(archive, target)
        finally:
            archive.unlink()
    local = Path(source)
    if local.is_dir() and out is None:
        root = corpus_root(local)
        return root, inspect(root)
    if local.is_file() and sha256 is not None:
        check_sha256(local, sha256)
    return target, install(local, target)


def fetch(url: str, archive: Path, sha256: str | None, console: Console) -> None:
    """Download with a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(url.rsplit("/", 1)[-1], total=None)

        def report(done_bytes: int, total_bytes: int | None) -> None:
            progress.update(bar, completed=done_bytes, total=total_bytes)

        download(url, archive, sha256=sha256, report=report)


def counts(numbers: Mapping[str, int]) -> str:
    """Return names with their numbers, most first."""
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} {number}" for name, number in ordered)


if __name__ == "__main__":
    sys.exit(main())
