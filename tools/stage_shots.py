# ruff: noqa: E402 (the tests' own browser is found from the root)
"""Take the pictures of the stage page that are in the README: desktop and phone, with a plan that changes.

    tools/stage shots [FOLDER]        docs/pictures by default

The engine plays on the machine's own clock, so nothing of Link leaves it. Needs Debian's chromium.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright

from tests.live.browser import PHONE, Stage, launched
from tests.live.engine import Engine

DESKTOP = {"width": 1440, "height": 900}
SEEN_S = 0.12
"""How long after the switch: the new plan is there, and the old one has not faded."""
PLAY = ("--clock", "system", "--backend", "none", "--style", "funk", "--bpm", "104", "--seed", "4")


def main(arguments: list[str] | None = None) -> int:
    """Take both pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "pictures")
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        os.environ["LIVEENGINE_HOME"] = own
        engine = Engine(Path(own), *PLAY, "--web-port", "0")
        browser = launched(playwright)
        try:
            address = engine.wait_for("header")["web"]
            engine.wait_for("bar", lambda line: line["bar"] >= 3)
            for name, style, options in (
                ("stage-desktop", "questlove", {"viewport": DESKTOP}),
                ("stage-phone", "j_dilla", {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True}),
            ):
                page = Stage(browser, address, **options)
                page.page.locator(".hear .fold").click()
                page.page.mouse.move(0, 0)  # no tooltip
                time.sleep(1.5)
                page.ask("(style) => document.querySelector(`[data-style=${style}]`).click()", style)
                time.sleep(SEEN_S)
                page.page.screenshot(path=folder / f"{name}.png")
                sys.stdout.write(f"{folder / name}.png\n")
                page.close()
        finally:
            browser.close()
            engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
