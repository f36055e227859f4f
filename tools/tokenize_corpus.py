"""Tokenize every MIDI file below a folder.

    python tools/tokenize_corpus.py FOLDER --out FOLDER_OR_FILE [--any-channel]

A folder gets one .json per file, in MidiTok's format, and the tokenizer; a name that ends in .safetensors
gets the ids of all files together. Each file that is left out is named, with the reason.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import track

from liveengine.errors import CorpusError, LiveEngineError
from liveengine.model.checkpoint import TOKENIZER_FILE
from liveengine.tokens.tokenizer import make_tokenizer, save_tokenizer
from liveengine.training.corpus import LeftOut
from liveengine.training.tokenized import (
    Tokenized,
    midi_files,
    save_json,
    save_together,
    tokenize,
    totals,
)

ONE_FILE = ".safetensors"


def main() -> int:
    """Tokenize, save, and print what came of it; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="folder with .mid and .midi files, however deep")
    parser.add_argument("--out", type=Path, required=True, help="folder, or a .safetensors file")
    parser.add_argument(
        "--any-channel", action="store_true", help="take files without a track on channel 10 for drums too"
    )
    options = parser.parse_args()
    console = Console(soft_wrap=True)
    try:
        run(options, console)
    except (LiveEngineError, OSError) as error:
        Console(stderr=True, soft_wrap=True).print(f"error: {error}", markup=False, highlight=False)
        return 2
    return 0


def run(options: argparse.Namespace, console: Console) -> None:
    """Tokenize as the command line says."""
    tokenizer = make_tokenizer()
    found: list[Tokenized] = []
    left_out: list[LeftOut] = []
    paths = midi_files(options.folder)
    for path in track(paths, "tokenizing", console=console, disable=not console.is_terminal):
        result = tokenize(path, options.folder, tokenizer, any_channel=options.any_channel)
        if isinstance(result, LeftOut):
            left_out.append(result)
            console.print(f"left out {result.name}: {result.reason}", markup=False, highlight=False)
        else:
            found.append(result)
    if not found:
        raise CorpusError(f"{options.folder}: none of its {len(paths)} MIDI files could be tokenized")
    if options.out.suffix == ONE_FILE:
        save_together(found, options.out)
    else:
        options.out.mkdir(parents=True, exist_ok=True)
        for each in found:
            save_json(each, options.out, tokenizer)
        save_tokenizer(tokenizer, options.out / TOKENIZER_FILE)
    for name, value in totals(found).items():
        console.print(f"{name}: {value:.2f}" if value != int(value) else f"{name}: {int(value)}")
    console.print(f"left out: {len(left_out)}")


if __name__ == "__main__":
    sys.exit(main())
