"""Corpora are fetched, resumed, hashed, unpacked and checked, or refused with a clear error."""

from __future__ import annotations

import csv
import http.server
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import mido
import pytest

from liveengine.errors import CorpusError
from liveengine.training import acquire
from tests.waiting import PATIENCE_S

REPOSITORY = Path(__file__).resolve().parents[2]
TAKES = (
    ("drummer1/session1/1", "funk/groove1", "train"),
    ("drummer1/session1/2", "funk", "validation"),
    ("drummer2/session1/1", "hiphop", "train"),
)


def write_corpus(folder: Path) -> Path:
    """Write a corpus of three short MIDI files and its table."""
    rows = []
    for name, style, split in TAKES:
        filename = f"{name}_{style.replace('/', '-')}_120_beat_4-4.mid"
        midi = mido.MidiFile(ticks_per_beat=480)
        track = mido.MidiTrack()
        midi.tracks.append(track)
        for pitch in (36, 42, 38, 42):
            track.append(mido.Message("note_on", channel=9, note=pitch, velocity=90, time=0))
            track.append(mido.Message("note_off", channel=9, note=pitch, velocity=0, time=480))
        (folder / filename).parent.mkdir(parents=True, exist_ok=True)
        midi.save(folder / filename)
        rows.append({"id": name, "style": style, "bpm": "120", "split": split, "midi_filename": filename})
    with (folder / "info.csv").open("w", newline="", encoding="utf-8") as opened:
        table = csv.DictWriter(opened, fieldnames=list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return folder


def write_zip(corpus: Path, archive: Path) -> Path:
    """Pack a corpus as its publisher does, below a folder `groove/`."""
    with zipfile.ZipFile(archive, "w") as opened:
        for file in sorted(corpus.rglob("*")):
            if file.is_file():
                opened.write(file, f"groove/{file.relative_to(corpus).as_posix()}")
    return archive


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "written")


@pytest.fixture
def archive(corpus: Path, tmp_path: Path) -> Path:
    return write_zip(corpus, tmp_path / "groove.zip")


@dataclass
class Shelf:
    """What a test's web server hands out, how it behaves, and what it was asked for."""

    body: bytes
    url: str = ""
    breaks_after: int | None = None
    knows_ranges: bool = True
    asked: list[str | None] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves one body, with ranges, and can break off in the middle."""

    shelf: Shelf

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.shelf.asked.append(asked)
        body, size = self.shelf.body, len(self.shelf.body)
        if not self.path.endswith(".zip"):
            self.send_error(404)
            return
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.shelf.knows_ranges else 0
        if first >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - first))
        self.end_headers()
        self.wfile.write(body[first : self.shelf.breaks_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it)
        """Keep the test's output quiet."""


@pytest.fixture
def shelf(archive: Path) -> Iterator[Shelf]:
    """Serve the archive on loopback."""
    shelf = Shelf(archive.read_bytes())
    handler = type("ShelfHandler", (Handler,), {"shelf": shelf})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        shelf.url = f"http://127.0.0.1:{server.server_port}/groove.zip"
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield shelf
        server.shutdown()
        serving.join()


def test_inspect_counts_splits_and_styles(corpus: Path) -> None:
    inventory = acquire.inspect(corpus)
    assert inventory.takes == 3
    assert inventory.per_split == {"train": 2, "validation": 1}
    assert inventory.per_style == {"funk": 2, "hiphop": 1}


def test_inspect_names_missing_files_and_columns(corpus: Path, tmp_path: Path) -> None:
    gone = next(corpus.rglob("*hiphop*.mid"))
    gone.unlink()
    with pytest.raises(CorpusError, match=gone.name):
        acquire.inspect(corpus)
    (corpus / "info.csv").write_text("id,style,bpm\n1,funk,120\n")
    with pytest.raises(CorpusError, match="midi_filename, split"):
        acquire.inspect(corpus)
    (corpus / "info.csv").write_text("id,style,bpm,split,midi_filename\n")
    with pytest.raises(CorpusError, match="got none"):
        acquire.inspect(corpus)
    with pytest.raises(CorpusError, match=r"info\.csv, found none"):
        acquire.inspect(tmp_path / "nowhere")


def test_a_table_that_points_outside_is_refused(corpus: Path) -> None:
    (corpus.parent / "outside.mid").touch()
    (corpus / "info.csv").write_text("id,style,bpm,split,midi_filename\n1,funk,120,train,../outside.mid\n")
    with pytest.raises(CorpusError, match="outside"):
        acquire.inspect(corpus)


def test_download_is_whole_and_reports_progress(shelf: Shelf, archive: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    target = tmp_path / "new" / "fetched.zip"
    acquire.download(
        shelf.url,
        target,
        sha256=acquire.sha256_of(archive),
        report=lambda done_bytes, total_bytes: told.append((done_bytes, total_bytes)),
    )
    assert target.read_bytes() == shelf.body
    assert told[0] == (0, len(shelf.body))
    assert told[-1] == (len(shelf.body), len(shelf.body))
    assert [file.name for file in target.parent.iterdir()] == ["fetched.zip"]


def test_a_broken_download_goes_on_where_it_stopped(shelf: Shelf, archive: Path, tmp_path: Path) -> None:
    target, sha256 = tmp_path / "fetched.zip", acquire.sha256_of(archive)
    shelf.breaks_after = 700
    with pytest.raises(CorpusError, match=f"expected {len(shelf.body)} bytes, got 700"):
        acquire.download(shelf.url, target, sha256=sha256)
    assert not target.exists()
    shelf.breaks_after = None
    acquire.download(shelf.url, target, sha256=sha256)
    assert target.read_bytes() == shelf.body
    assert shelf.asked == [None, "bytes=700-"]


def test_a_server_without_ranges_is_asked_from_the_start(shelf: Shelf, archive: Path, tmp_path: Path) -> None:
    target = tmp_path / "fetched.zip"
    target.with_name("fetched.zip.part").write_bytes(shelf.body[:500])
    shelf.knows_ranges = False
    acquire.download(shelf.url, target, sha256=acquire.sha256_of(archive))
    assert target.read_bytes() == shelf.body


@pytest.mark.parametrize("surplus", [0, 9], ids=["already whole", "longer than the whole"])
def test_a_part_that_needs_no_range(shelf: Shelf, archive: Path, tmp_path: Path, surplus: int) -> None:
    target = tmp_path / "fetched.zip"
    target.with_name("fetched.zip.part").write_bytes(shelf.body + b"x" * surplus)
    acquire.download(shelf.url, target, sha256=acquire.sha256_of(archive))
    assert target.read_bytes() == shelf.body
    assert len(shelf.asked) == (2 if surplus else 1)


def test_a_wrong_hash_names_both_and_leaves_nothing(shelf: Shelf, archive: Path, tmp_path: Path) -> None:
    target, wrong = tmp_path / "in" / "fetched.zip", "0" * 64
    with pytest.raises(CorpusError, match=f"expected SHA-256 {wrong}, got {acquire.sha256_of(archive)}"):
        acquire.download(shelf.url, target, sha256=wrong)
    assert list(target.parent.iterdir()) == []


def test_refusals_of_a_server_are_told(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="404"):
        acquire.download(shelf.url.replace(".zip", ".tar"), tmp_path / "x.zip", sha256=None)
    with pytest.raises(CorpusError, match="expected an address"):
        acquire.download("file:///etc/hostname", tmp_path / "x.zip", sha256=None)


@pytest.mark.parametrize("packed", [True, False], ids=["zip", "folder"])
def test_install_puts_the_whole_corpus(corpus: Path, archive: Path, tmp_path: Path, packed: bool) -> None:
    out = tmp_path / "deep" / "out"
    inventory = acquire.install(archive if packed else corpus, out)
    assert inventory == acquire.inspect(out) == acquire.inspect(corpus)
    assert {file.name for file in out.rglob("*.mid")} == {file.name for file in corpus.rglob("*.mid")}
    assert list(out.parent.iterdir()) == [out]
    with pytest.raises(CorpusError, match="expected nothing there yet"):
        acquire.install(corpus, out)


@pytest.mark.parametrize("name", ["../evil.mid", "/evil.mid", "groove/../../evil.mid", "C:\\evil.mid"])
def test_an_entry_that_points_outside_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(name, b"x")
    with pytest.raises(CorpusError, match="expected entries inside"):
        acquire.install(archive, tmp_path / "within" / "out")
    assert list((tmp_path / "within").iterdir()) == []
    assert not list(tmp_path.rglob("evil*"))


def test_a_link_in_an_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    link = zipfile.ZipInfo("groove/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "/etc")
    with pytest.raises(CorpusError, match="got a link"):
        acquire.install(archive, tmp_path / "out")


def test_a_damaged_archive_is_refused_and_leaves_nothing(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "within" / "out"
    whole = archive.read_bytes()
    place = whole.index(b"MThd")
    archive.write_bytes(whole[:place] + b"XXXX" + whole[place + 4 :])
    with pytest.raises(CorpusError, match="damaged entry"):
        acquire.install(archive, out)
    archive.write_bytes(whole[:400])
    with pytest.raises(CorpusError, match="expected a zip"):
        acquire.install(archive, out)
    with pytest.raises(CorpusError, match="found neither"):
        acquire.install(tmp_path / "nowhere", out)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorpusError, match="found 0"):
        acquire.install(tmp_path / "empty", out)
    assert list(out.parent.iterdir()) == []


def prepare(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, REPOSITORY / "tools" / "prepare_corpus.py", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_command_takes_an_address_and_prints_counts(shelf: Shelf, tmp_path: Path) -> None:
    refused = prepare(tmp_path, "--source", shelf.url, "--out", "in/corpus")
    assert refused.returncode == 2
    assert acquire.GMD_SHA256 in refused.stderr
    assert list((tmp_path / "in").iterdir()) == []
    done = prepare(tmp_path, "--source", shelf.url, "--out", "in/corpus", "--any-version")
    assert done.returncode == 0, done.stderr
    assert "splits: train 2, validation 1" in done.stdout
    assert "styles: funk 2, hiphop 1" in done.stdout
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["corpus"]


def test_the_command_takes_folders_and_zips(corpus: Path, archive: Path, tmp_path: Path) -> None:
    used = prepare(tmp_path, "--source", corpus)
    assert used.returncode == 0, used.stderr
    assert "3 takes" in used.stdout
    refused = prepare(tmp_path, "--source", archive, "--out", "unpacked")
    assert refused.returncode == 2
    assert f"expected SHA-256 {acquire.GMD_SHA256}" in refused.stderr
    assert not (tmp_path / "unpacked").exists()
    taken = prepare(tmp_path, "--source", archive, "--out", "unpacked", "--any-version")
    assert taken.returncode == 0, taken.stderr
    assert acquire.inspect(tmp_path / "unpacked").takes == 3
