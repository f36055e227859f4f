"""What a checkpoint can play: the shipped styles, then the player's own with the packs they need."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from liveengine.config import settings
from liveengine.config.user_files import own_styles_folder
from liveengine.errors import CheckpointError, UnknownNameError
from liveengine.model.config import check_format
from liveengine.music.style import Style, StyleBook, spelling

WEIGHTS_FILE = "model.safetensors"
PACK_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Repertoire:
    """The styles that a checkpoint can play, and the packs of the player's own.

    `refused` are styles it cannot play, each with the reason. `notes` tell of the player's own styles
    that were left out.
    """

    checkpoint: Path
    checkpoint_sha256: str
    styles: StyleBook
    packs: tuple[Path, ...]
    refused: tuple[tuple[Style, str], ...]
    notes: tuple[str, ...]

    def find(self, name: str) -> Style:
        """Return a style by any spelling of its name.

        Raises CheckpointError where there is one that this checkpoint cannot play, UnknownNameError where
        there is none.
        """
        for style, reason in self.refused:
            if spelling(name) in {spelling(each) for each in (style.name, style.title, *style.aliases)}:
                raise CheckpointError(reason)
        try:
            return self.styles.find(name)
        except UnknownNameError as error:
            left_out = "".join(f"\n{note}" for note in self.notes)
            raise UnknownNameError(f"{error}{left_out}") from error


def load_repertoire(checkpoint: Path, extra: Path | None = None) -> Repertoire:
    """Return what the checkpoint in a folder (or of a named `model.safetensors`) can play.

    `extra` is a style's file beside those that ship and the player's own. Raises CheckpointError where it
    cannot be read, or can play no style at all, ConfigError for a faulty `extra`.
    """
    folder = checkpoint.parent if checkpoint.name == WEIGHTS_FILE else checkpoint
    learned = _learned_genres(folder)
    sha256 = hashlib.sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest()
    packs, faults = _packs(learned, sha256)
    shipped = {path.stem for path in (settings.configs_folder() / "styles").glob("*.yaml")}
    book, notes = settings.load_all_styles(extra)
    playable: list[Style] = []
    refused: list[tuple[Style, str]] = []
    left_out = list(notes)
    for style in book.styles:
        unknown = [genre for genre, _ in style.genres if genre not in learned and genre not in packs]
        if not unknown:
            playable.append(style)
            continue
        reason = next(
            (faults[genre] for genre in unknown if genre in faults),
            f"checkpoint {folder}: expected the genres of {style.name}, it has not learned "
            f"{', '.join(unknown)}",
        )
        refused.append((style, reason))
        if style.name not in shipped:
            left_out.append(f"left out {style.name}: {reason}")
    if not playable:
        raise CheckpointError(refused[0][1])
    return Repertoire(
        folder, sha256, StyleBook(playable), tuple(packs.values()), tuple(refused), tuple(left_out)
    )


def _learned_genres(folder: Path) -> frozenset[str]:
    path = folder / "config.json"
    if not (folder / WEIGHTS_FILE).is_file():
        raise CheckpointError(f"checkpoint {folder}: expected a file {WEIGHTS_FILE}, found none")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        check_format(config.get("format"), path)
        return frozenset(config["controls"]["genres"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: expected a model configuration, got: {error}") from error


def _packs(learned: Collection[str], sha256: str) -> tuple[dict[str, Path], dict[str, str]]:
    """Return the packs of the player's own folder that fit a checkpoint, and why others do not, by genre."""
    packs: dict[str, Path] = {}
    faults: dict[str, str] = {}
    for path in sorted(own_styles_folder().glob(f"*{PACK_SUFFIX}")):
        from liveengine.model.style_pack import load_pack  # with numpy, which takes a while to load

        genre = path.stem
        try:
            pack = load_pack(path)
            genre = pack.name
            pack.check(sha256)
        except CheckpointError as error:
            faults[genre] = str(error)
            continue
        if genre in learned or genre in packs:
            faults[genre] = f"{path}: expected a name of its own, got {genre}, a genre there is"
        else:
            packs[genre] = path
    return packs, faults
