"""Build scenes and a set list in code and play them, in virtual time, to a MIDI file.

    python examples/set_in_code.py --out set.mid

Virtual time is over as soon as the bars are made: twelve bars take seconds, and need no port and no Link. The
same seed writes the same file.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from liveengine.app.console import open_console
from liveengine.app.loading import PlayOptions, load_session
from liveengine.app.virtual import play_virtual
from liveengine.config.settings import load_engine_settings
from liveengine.music.control import ControlState
from liveengine.music.scene import Scene, SetEntry, SetList

BPM, BEATS_PER_BAR = 100.0, 4
INTRO = Scene("intro", ControlState("funk", density=0.2, energy=0.3, muted=frozenset({"snare"})))
VERSE = Scene("verse", ControlState("funk", density=0.5, energy=0.6))
DROP = Scene("drop", ControlState("house", density=0.7, energy=0.9, swing_percent=54.0))
SET_LIST = SetList(
    "three scenes",
    (
        SetEntry(INTRO, bar=1),
        SetEntry(VERSE, bar=5),
        SetEntry(DROP, after=4),
    ),
)


def main() -> None:
    """Play the set to a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("set.mid"))
    parser.add_argument("--bars", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    settings = replace(load_engine_settings(), style="funk", seed=options.seed)
    session = load_session(
        PlayOptions(
            settings=settings,
            clock="virtual",
            bpm=BPM,
            duration_s=options.bars * BEATS_PER_BAR * 60 / BPM,
            take=options.out,
        )
    )
    play_virtual(replace(session, set_list=SET_LIST), open_console())


if __name__ == "__main__":
    main()
