# ruff: noqa: E402 (the project is found from its root)
"""Measure the drummers of the Groove MIDI Dataset, and write configs/drummers.yaml.

    python tools/measure_drummers.py --gmd FOLDER [--out FILE]

Each is compared with the others who play the same genres, on the training split alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from liveengine.training.corpus import read_corpus
from liveengine.training.personalities import PUSHED, Measured, measure

HEAD = """# The drummers of the Groove MIDI Dataset (Gillick et al. 2019, CC BY 4.0), each beside the others
# who play the same genres: made by tools/measure_drummers.py from the training split. See docs/styles.md.
"""
MOST_PUSH_MS, MOST_JITTER_MS = 20.0, 8.0
"""Further apart than that is rather how a take was recorded."""
CLEAR = 0.1
"""A rank so far from the middle is worth a word."""


def held(value: float, most: float) -> float:
    """Return a value held within limits, to two places."""
    return round(max(-most, min(most, value)), 2)


def about(found: Measured) -> str:
    """Return what was measured in a line."""
    words = [
        _word(found.energy, "harder", "softer"),
        _word(found.density, "busier", "sparser"),
        f"{found.ghosts_per_bar:+.1f} ghost notes a bar",
        f"kick {found.push_ms['kick']:+.0f} ms, snare {found.push_ms['snare']:+.0f} ms against the cymbals",
        f"{found.jitter_ms:+.0f} ms uneven",
    ]
    heard = f"most in {', '.join(found.genres)} ({found.bars} bars)"
    return "; ".join([*(each for each in words if each), heard])


def _word(shift: float, more: str, less: str) -> str:
    if abs(shift) < CLEAR:
        return ""
    return f"{'much ' if abs(shift) > 2 * CLEAR else ''}{more if shift > 0 else less}"


def written(found: Measured) -> dict[str, Any]:
    """Return the fields of a drummer in the file."""
    pushes = {
        voice.label: held(found.push_ms[group], MOST_PUSH_MS)
        for group, voices in PUSHED.items()
        for voice in voices
    }
    return {
        "about": about(found),
        "density": held(found.density, 0.5),
        "energy": held(found.energy, 0.5),
        "ghosts_per_bar": held(found.ghosts_per_bar, 4.0),
        "contrast": round(max(0.5, min(2.0, found.contrast)), 2),
        "push_ms": pushes,
        "jitter_ms": held(found.jitter_ms, MOST_JITTER_MS),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gmd", type=Path, required=True, help="the Groove MIDI Dataset, with info.csv")
    parser.add_argument("--out", type=Path, default=ROOT / "configs" / "drummers.yaml")
    options = parser.parse_args(arguments)
    takes = [take for take in read_corpus(options.gmd)[0] if take.split == "train"]
    found = {name: written(each) for name, each in measure(takes).items()}
    options.out.write_text(
        HEAD + yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
