"""Kits on the stage page: the editor against a real engine and its port, and the page's own sounds."""

from __future__ import annotations

import base64
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, expect

from liveengine.config.kits import load_kit_file
from liveengine.midi.bindings import InputClient, binding
from liveengine.music.kit import Articulation
from tests.live.browser import DESKTOP, PHONE, TO_TEXT, Stage
from tests.live.control_port import ControlPort
from tests.live.engine import Engine
from tests.waiting import until

pytestmark = pytest.mark.live
SLOW_S = 15.0
SIZES = {"desktop": DESKTOP, "tablet": {"width": 768, "height": 1024}, "phone": PHONE}
LOUD = 0.01


class Ear:
    """What comes out of the drum port."""

    def __init__(self, port: str) -> None:
        self._input: InputClient = binding().input("jack", f"ear-{os.getpid()}")
        self._input.open_port(self._input.get_ports().index(port), "in")
        self.messages: list[tuple[int, ...]] = []

    def heard(self) -> list[tuple[int, ...]]:
        """Return all messages so far."""
        while (message := self._input.get_message()) is not None:
            self.messages.append(tuple(message[0]))
        return self.messages

    def close(self) -> None:
        """Listen no more."""
        self._input.close_port()
        self._input.delete()


@pytest.fixture
def ear(stage_engine: Engine, stage: Stage) -> Iterator[Ear]:
    name = stage.ask("() => liveengine.received.welcome.port.name")
    opened = Ear(name)
    yield opened
    opened.close()


@pytest.fixture
def stage(browser: Browser, address: str) -> Iterator[Stage]:
    page = Stage(browser, address)
    yield page
    page.close()


@pytest.fixture
def own_kits(stage_engine: Engine) -> Path:
    return stage_engine.trace.parent / "own" / "kits"


def editor(stage: Stage) -> Locator:
    """Open the kit editor, and return it once it shows pads."""
    stage.page.locator(".settings").click()
    stage.page.locator("#kit + button").click()
    stage.page.locator("[data-control=strike_kick]").wait_for()
    return stage.page.locator(".kit-editor")


def put(stage: Stage, articulation: str, note: int) -> None:
    """Choose a pad and its note."""
    stage.page.locator(f"[data-control=strike_{articulation}]").click()
    stage.page.locator(".kit-note input").fill(str(note))
    stage.page.locator(".kit-note input").press("Tab")


def test_a_pad_and_a_chosen_note_are_heard_at_the_port_and_cancelled_nothing_has_changed(
    stage: Stage, ear: Ear, own_kits: Path
) -> None:
    kits = stage.ask("() => liveengine.received.controls.kits")
    kit, before = stage.value("kit"), sorted(own_kits.glob("*"))
    opened = editor(stage)
    stage.page.locator("[data-control=strike_bell]").click()
    until(lambda: (0x99, 53, 100) in ear.heard(), "the bell")
    put(stage, "bell", 99)
    until(lambda: (0x99, 99, 100) in ear.heard(), "its new note")
    opened.get_by_role("button", name="Undo").click()
    expect(opened.locator("[data-control=strike_bell] small")).to_have_text("53")
    put(stage, "bell", 98)
    stage.page.keyboard.press("Escape")
    opened.wait_for(state="hidden")
    until(lambda: {(0x89, 53, 0), (0x89, 98, 0), (0x89, 99, 0)} <= set(ear.heard()), "the end of each")
    assert (stage.value("kit"), sorted(own_kits.glob("*"))) == (kit, before)
    assert stage.ask("() => liveengine.received.controls.kits") == kits
    editor(stage)
    expect(stage.page.locator("[data-control=strike_bell] small")).to_have_text("53")


def test_a_pad_of_the_players_chooses_the_note_and_turns_nothing(stage_engine: Engine, stage: Stage) -> None:
    port = ControlPort(stage.ask("() => liveengine.received.welcome.port.control"))
    try:
        turned = len(stage_engine.lines("control"))
        opened = editor(stage)
        stage.page.locator("[data-control=strike_snare]").click()
        opened.get_by_role("button", name="From a pad").click()
        opened.get_by_role("button", name="Strike a pad").wait_for()

        def is_chosen() -> bool:
            """Strike until the question has found its way; the page says so when it gives up."""
            port.send([0x99, 41, 96])
            port.send([0x89, 41, 0])
            time.sleep(0.5)
            assert not opened.locator(".told").inner_text(), f"{opened.inner_text()}\n{stage_engine.log()}"
            return stage.page.locator(".kit-note input").input_value() == "41"

        until(is_chosen, "the note")
        opened.get_by_role("button", name="From a pad").wait_for()
        assert len(stage_engine.lines("control")) == turned
    finally:
        port.close()


def test_a_kit_is_saved_and_played_at_once_and_never_replaced_unasked(
    stage_engine: Engine, stage: Stage, ear: Ear, own_kits: Path
) -> None:
    opened = editor(stage)
    put(stage, "kick", 24)
    put(stage, "half_open_hat", 60)
    opened.get_by_label("Save as").fill("Garage Pads")
    opened.get_by_role("button", name="Save", exact=True).click()
    opened.get_by_text("Saved as kits/garage_pads.yaml").wait_for()
    stage.wait_for_value("kit", "garage_pads")
    stage_engine.wait_for("note", lambda line: line["kit"] == "garage_pads", timeout_s=SLOW_S)
    until(lambda: any(m[:2] == (0x99, 24) for m in ear.heard()), "its kick")
    kit = load_kit_file(own_kits / "garage_pads.yaml")
    assert kit.sounds[Articulation.HALF_OPEN_HAT].notes == (60,)
    before = (own_kits / "garage_pads.yaml").read_text()
    put(stage, "kick", 25)
    opened.get_by_role("button", name="Save", exact=True).click()
    opened.get_by_text("expected a new name, or to replace it").wait_for()
    assert (own_kits / "garage_pads.yaml").read_text() == before
    opened.get_by_role("button", name="Replace Garage Pads").click()
    until(lambda: any(m[:2] == (0x99, 25) for m in ear.heard()), "the changed kick")
    replaced = own_kits / "garage_pads.yaml~"
    until(replaced.exists, "the file that was replaced")  # the pad itself was struck on 25 before
    assert replaced.read_text() == before
    opened.get_by_label("Save as").fill("?")
    opened.get_by_role("button", name="Save", exact=True).click()
    opened.get_by_text("name: expected a name with letters or digits").wait_for()
    opened.get_by_role("button", name="Close", exact=True).click()
    stage.page.locator("[data-action=undo]").click()  # the kit before
    stage.wait_for_value("kit", "gm")
    assert stage.errors  # what was refused is told by the browser, too
    stage.errors[:] = [each for each in stage.errors if "409" not in each and "422" not in each]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_and_nothing_stands_in_the_way_of_a_screen_reader(
    browser: Browser, address: str, size: str, theme: str
) -> None:
    page = Stage(browser, address, viewport=SIZES[size], color_scheme=theme, bypass_csp=True)
    editor(page)
    expect(page.page.locator(".kit-pads button")).to_have_count(len(Articulation))
    found = Axe().run(page.page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    sizes = page.ask("""() => {
      const dialog = document.querySelector(".kit-editor"), box = dialog.getBoundingClientRect();
      return [dialog.scrollHeight - dialog.clientHeight, dialog.scrollWidth - dialog.clientWidth,
              box.left, box.top, innerWidth - box.right, innerHeight - box.bottom];
    }""")
    assert sizes[:2] == [0, 0]
    assert min(sizes[2:]) >= 0
    untold = "() => [...document.querySelectorAll('.kit-editor button')].filter((each) => !each.title)"
    assert page.ask(untold) == []
    page.close()


# --- what the page sounds ----------------------------------------------------------------------

RENDER = """async ([kits, strokes, seconds]) => {
  const { context, kit } = liveengine.listening;
  const { sampleRate } = context;
  const rendered = {};
  for (const drums of kits) {
    const offline = new OfflineAudioContext(1, seconds * sampleRate, sampleRate);
    const other = new kit.constructor(offline, offline.destination);
    for (const [name, at] of strokes) other.strike(name, 110, at, drums);
    rendered[drums] = toText((await offline.startRendering()).getChannelData(0));
  }
  return { sampleRate, rendered };
}"""
KITS = ["acoustic", "808", "909", "brushes"]


@pytest.fixture(scope="module")
def sounding(browser: Browser, address: str) -> Iterator[Stage]:
    page = Stage(browser, address)
    page.page.locator(".switches .listen").click()
    page.wait_for("() => liveengine.listening?.context.state === 'running'", "the page to sound")
    page.ask(TO_TEXT)
    yield page
    page.close()


def rendered(
    stage: Stage, strokes: list[tuple[str, float]], kits: list[str], seconds: float
) -> tuple[dict[str, np.ndarray], int]:
    """Return what each kit sounds like when it is struck so, and the sample rate."""
    answer = stage.ask(RENDER, [kits, strokes, seconds])
    samples = {
        kit: np.frombuffer(base64.b64decode(text), np.float32).astype(float)
        for kit, text in answer["rendered"].items()
    }
    return samples, int(answer["sampleRate"])


def apart_db(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far apart two sounds are: the rms of what differs in quarter octaves of eighths, dB."""

    def shape(samples: np.ndarray) -> np.ndarray:
        edges = np.geomspace(2, 1500, 40).astype(int)  # of bins about 11 Hz wide: 22 Hz to 16 kHz
        power = [np.abs(np.fft.rfft(each, 4096)) ** 2 for each in np.array_split(samples, 8)]
        bands = np.array([np.add.reduceat(each, np.unique(edges)) for each in power])
        levels: np.ndarray = 10 * np.log10(bands / bands.max() + 1e-5)
        return levels

    return float(np.sqrt(np.mean((shape(one) - shape(other)) ** 2)))


def apart_and_within_db(
    stage: Stage, one: str, other: str, kit: str, lasts_s: float = 0.4
) -> tuple[float, float]:
    """Return how far apart two strokes are, and how far each is from itself struck again, dB."""
    strokes = [(one, 0.0), (one, 3.0), (other, 6.0), (other, 9.0)]
    kits, rate = rendered(stage, strokes, [kit], 12.0)
    first, again, second, again_too = (
        kits[kit][round(at * rate) : round((at + lasts_s) * rate)] for _, at in strokes
    )
    assert min(np.max(np.abs(first)), np.max(np.abs(second))) > LOUD
    return apart_db(first, second), max(apart_db(first, again), apart_db(second, again_too))


HATS = [("closed_hat", "ajar_hat"), ("ajar_hat", "half_open_hat"), ("half_open_hat", "open_hat")]
HATS += [("closed_hat", "pedal_hat")]
OTHERS = [("snare", "snare_rim"), ("snare_rim", "rim"), ("crash", "crash_2"), ("ride", "bell")]
OTHERS += [("crash", "ride"), ("high_tom", "low_tom"), ("kick", "low_tom")]
EDGES = [("closed_hat", "closed_hat_edge"), ("half_open_hat", "half_open_hat_edge")]
EDGES += [("open_hat", "open_hat_edge"), ("open_hat", "hat_splash"), ("ride", "ride_edge"), ("rim", "sticks")]


@pytest.mark.parametrize("kit", KITS)
def test_articulations_differ_more_than_one_stroke_from_the_next(sounding: Stage, kit: str) -> None:
    for one, other in HATS + OTHERS + (EDGES if kit == "acoustic" else []):
        apart, within = apart_and_within_db(sounding, one, other, kit)
        assert apart > 1.5 * within, f"{one} and {other}: {apart:.1f} dB, each by itself {within:.1f} dB"


def test_kits_differ(sounding: Stage) -> None:
    for name in ("kick", "snare", "closed_hat"):
        kits, _ = rendered(sounding, [(name, 0.0)], KITS, 0.4)
        for one, other in itertools.combinations(KITS, 2):
            assert apart_db(kits[one], kits[other]) > 2, f"{name}: {one} and {other}"


@pytest.mark.parametrize("closing", ["closed_hat", "pedal_hat", "closed_hat_edge"])
@pytest.mark.parametrize("opened", ["open_hat", "half_open_hat", "open_hat_edge"])
def test_a_closed_or_pedal_stroke_ends_an_open_hat_on_every_kit(
    sounding: Stage, opened: str, closing: str
) -> None:
    closed_s, silent_s = 0.03, 0.4
    alone, rate = rendered(sounding, [(closing, closed_s)], KITS, 1.0)
    choked, _ = rendered(sounding, [(opened, 0.0), (closing, closed_s)], KITS, 1.0)
    ringing, _ = rendered(sounding, [(opened, 0.0)], KITS, 1.0)

    def left(samples: np.ndarray, from_s: float) -> float:
        return float(np.sqrt(np.mean(samples[round(from_s * rate) :] ** 2)))

    for kit in KITS:
        rest = choked[kit] - alone[kit]  # what is left of the open hat
        assert left(rest, closed_s + 0.15) < 1e-4
        assert left(ringing[kit], closed_s + 0.1) > 20 * left(rest, closed_s + 0.15)
        assert left(choked[kit], silent_s) <= left(alone[kit], silent_s) + 1e-5


def test_a_half_open_stroke_ends_a_more_open_one_and_nothing_else_does(sounding: Stage) -> None:
    for closing, ends in (("half_open_hat", True), ("open_hat", False), ("ride", False), ("snare", False)):
        alone, rate = rendered(sounding, [(closing, 0.05)], ["acoustic"], 1.0)
        both, _ = rendered(sounding, [("open_hat", 0.0), (closing, 0.05)], ["acoustic"], 1.0)
        rest = (both["acoustic"] - alone["acoustic"])[round(0.25 * rate) :]
        assert (np.sqrt(np.mean(rest**2)) < 1e-4) == ends, closing


def test_the_style_chooses_the_drums_until_the_player_does(sounding: Stage) -> None:
    def kit_of(style: str) -> str:
        found: str = sounding.ask("(style) => liveengine.listening.kitOf(style)", style)
        return found

    assert [kit_of(each) for each in ("funk", "trap", "techno", "jazz")] == KITS
    sounding.page.locator(".settings").click()
    sounding.page.get_by_label("Sound of this page").select_option("909")
    assert {kit_of(each) for each in ("funk", "trap", "jazz")} == {"909"}
    sounding.page.get_by_label("Sound of this page").select_option("")
    assert kit_of("trap") == "808"
    sounding.page.keyboard.press("Escape")
