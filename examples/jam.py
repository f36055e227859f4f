"""Turn a drummer from Python: controls, a fill, a scene kept and recalled, and a capture.

    python examples/jam.py                                 # joins the Link session, plays through a MIDI port
    python examples/jam.py --clock system --backend none   # runs anywhere, without Link and without sound

It plays four bars and ends by itself. `--take jam.mid` keeps what was played. Its scene and its capture are
kept in your own folder, or in the one that LIVEENGINE_HOME names.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from liveengine import Drummer

WAIT_S = 60.0


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as something holds."""
    deadline = time.monotonic() + WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {WAIT_S:g} s")
        time.sleep(0.02)


def wait_for_bar(drummer: Drummer, bar: int) -> None:
    """Return as soon as the drummer plays a bar; bars count from 1, and 0 is silence."""
    wait_until(lambda: int(drummer.state()["bar"] or 0) >= bar, f"bar {bar}")


def main() -> None:
    """Play four bars of funk, turned bar by bar."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clock", choices=("link", "system"), default="link")
    parser.add_argument("--backend", default="auto", help="MIDI system; none plays without one")
    parser.add_argument("--style", default="funk")
    parser.add_argument("--bpm", type=float, default=132.0, help="holds only where the session is ours alone")
    parser.add_argument("--take", type=Path, help="write what was played as a MIDI file")
    options = parser.parse_args()
    with Drummer(
        clock=options.clock,
        backend=options.backend,
        style=options.style,
        bpm=options.bpm,
        take=options.take,
    ) as drummer:
        wait_for_bar(drummer, 1)
        drummer.set("density", 0.7)
        drummer.set("energy", 0.8)
        drummer.save("jam verse")
        print("verse:", drummer.state()["density"], drummer.state()["energy"])

        wait_for_bar(drummer, 2)
        drummer.set("density", 0.3)
        drummer.set("mute_kick", True)
        drummer.do("fill")
        print("break:", drummer.state()["density"], "kick muted:", drummer.state()["mute_kick"])

        wait_for_bar(drummer, 3)
        drummer.recall("jam verse")
        print("verse again:", drummer.state()["density"], "kick muted:", drummer.state()["mute_kick"])

        wait_for_bar(drummer, 4)
        drummer.do("capture_1")
        wait_until(lambda: str(drummer.state()["notice"]).startswith("kept:"), "the capture")
        print("last notice:", drummer.state()["notice"])


if __name__ == "__main__":
    main()
