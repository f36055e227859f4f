# ruff: noqa: E402 (the tests' own browser is found from the root)
"""Take the pictures of the stage page in README and docs: with a plan that changes, and while it listens.

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
BPM = 104.0
RIFF_STEPS, RIFF_BARS = (0, 3, 6, 10, 14), 5
PLAY = ("--clock", "system", "--backend", "none", "--style", "funk", "--bpm", f"{BPM:g}", "--seed", "4")


def listening(page: Stage, path: Path) -> None:
    """Tap a riff on the pad for some bars, and take a picture while it is answered."""
    page.page.locator(".hear .fold").click()
    page.show("jam")
    pad = page.page.locator("button.tap")
    box = pad.bounding_box()
    assert box is not None
    begun_s = time.monotonic()
    for bar in range(RIFF_BARS):
        for step in RIFF_STEPS:
            due_s = begun_s + (bar * 16 + step) * 60 / BPM / 4
            time.sleep(max(0.0, due_s - time.monotonic()))
            page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.25)
    page.page.mouse.move(0, 0)  # no tooltip
    page.page.screenshot(path=path)
    sys.stdout.write(f"{path}\n")
    page.close()


def main(arguments: list[str] | None = None) -> int:
    """Take all pictures."""
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
            listening(Stage(browser, address, viewport=DESKTOP), folder / "stage-listening.png")
        finally:
            browser.close()
            engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
