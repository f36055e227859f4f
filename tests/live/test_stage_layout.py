"""The stage page in a real browser: all in reach on every screen, and what it keeps for its player."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from liveengine.music.drums import GROUPS
from tests.live.browser import PHONE, Stage
from tests.live.engine import Engine
from tests.waiting import until

pytestmark = pytest.mark.live
SLOW_S = 8.0
SIZES = {
    "desktop": {"width": 1440, "height": 900},
    "tablet": {"width": 1024, "height": 768},
    "tablet upright": {"width": 768, "height": 1024},
    "phone": PHONE,
}
ALWAYS = ["canvas", "[data-action=fill]", "[data-action=break]", "[data-action=undo]", "[data-action=panic]"]
ALWAYS += ["[data-control=half_time]", "[data-control=double_time]"]
ALWAYS += [f"[data-action={name}]" for name in ("end", "end_phrase", "lock_1", "lock_2", "lock_4", "unlock")]
ALWAYS += [".transport", ".listen", ".dial", ".settings"]
LEVELS = [f"[data-control={what}_{drum}]" for what in ("level", "mute", "solo") for drum in GROUPS]
OUT_OF_REACH = """(wanted) => wanted.filter((selector) => {
  const all = [...document.querySelectorAll(selector)];
  return all.length === 0 || all.some((each) => {
    const box = each.getBoundingClientRect();
    const inside = box.width > 20 && box.height > 16 && box.left >= 0 && box.top >= 0 &&
      box.right <= innerWidth && box.bottom <= innerHeight;
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !inside || top === null || !each.contains(top);
  });
})"""
SCROLLS = """() => [document.documentElement.scrollWidth - innerWidth,
                    document.documentElement.scrollHeight - innerHeight]"""
FIRST_WORDS = """
new MutationObserver((_, observer) => {
  const undo = document.querySelector("[data-action=undo]");
  if (undo === null) return;
  window.firstWords = [document.documentElement.lang, undo.textContent];
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


def out_of_reach(stage: Stage, wanted: list[str]) -> Any:
    """Return which of some elements do not lie wholly within the screen with nothing over their middle."""
    return stage.ask(OUT_OF_REACH, wanted)


@pytest.mark.parametrize("size", SIZES)
def test_all_that_a_performer_needs_is_within_reach(browser: Browser, address: str, size: str) -> None:
    phone = size == "phone"
    stage = Stage(browser, address, viewport=SIZES[size], has_touch=phone, is_mobile=phone)
    pads = [
        f"[data-style={each}]"
        for each in stage.ask("() => liveengine.received.welcome.styles.map((s) => s.name)")
    ]
    assert len(pads) >= 34
    port = stage.ask("() => liveengine.received.welcome.port.name")
    assert stage.page.title() == port.split(":")[0]  # a second engine's page can be told from the first's
    for task, wanted in (("styles", pads), ("energy", [".xy"]), ("kit", LEVELS)):
        if phone:
            stage.show(task)
        assert out_of_reach(stage, ALWAYS + wanted) == []
        assert stage.ask(SCROLLS) == [0, 0]
    stage.close()


def test_on_a_phone_on_its_side_it_scrolls_below_the_plan(browser: Browser, address: str) -> None:
    stage = Stage(browser, address, viewport={"width": 844, "height": 390}, has_touch=True, is_mobile=True)
    for wanted in ("[data-action=fill]", "input[data-control=latency_ms]", "[data-style=jazz]"):
        stage.page.locator(wanted).scroll_into_view_if_needed()
        box, plan = (stage.page.locator(each).bounding_box() for each in (wanted, ".flow"))
        assert box is not None
        assert plan is not None
        assert 0 <= box["y"] <= 390 - box["height"]
        assert plan["y"] >= 0
    assert stage.ask("() => document.documentElement.scrollWidth - innerWidth") == 0
    stage.close()


def test_a_blend_is_named_with_both_its_styles(browser: Browser, address: str) -> None:
    stage = Stage(browser, address)
    stage.page.locator("[data-style=funk]").click()
    stage.page.get_by_role("button", name="Blend", exact=True).click()
    stage.page.locator("[data-style=jazz]").click()
    stage.slide("blend", 0.5)
    stage.page.locator(".now strong").filter(has_text="Funk 50 % · Jazz 50 %").wait_for()
    stage.wait_for(
        "() => liveengine.painted.lines.some((line) => line.label.endsWith(' Funk 50 % · Jazz 50 %'))",
        "a bar with both names",
    )
    stage.slide("blend", 0)
    stage.wait_for_value("blend", 0)
    stage.close()


def test_it_counts_the_beats_to_what_comes_next(browser: Browser, address: str) -> None:
    stage = Stage(browser, address)
    stage.page.locator("[data-tab=feel]").first.click()
    stage.page.get_by_role("button", name="8 bars", exact=True).click()
    stage.wait_for_value("switch", "phrase")
    stage.ask("""() => {
      window.counted = new Set();
      const now = document.querySelector(".now");
      const count = () => counted.add(now.querySelector(".coming > [aria-hidden]")?.textContent);
      new MutationObserver(count).observe(now, { childList: true, subtree: true, characterData: true });
    }""")
    stage.page.locator("[data-style=questlove]").click()
    stage.wait_for(
        "() => [...counted].filter((text) => /^next: Questlove in \\d+ beats?$/.test(text)).length >= 2",
        "a count",
        SLOW_S,
    )
    stage.page.get_by_role("button", name="beat", exact=True).click()
    stage.page.locator("[data-style=funk]").click()
    stage.wait_for_value("style", "funk")
    stage.close()


def test_favourites_theme_and_language_are_kept(browser: Browser, address: str) -> None:
    stage = Stage(browser, address, locale="de-AT", init=FIRST_WORDS)
    assert stage.ask("() => firstWords") == ["de", "Zurück"]
    stage.page.get_by_role("button", name="Favoriten").click()
    stage.page.locator("[data-style=techno]").click()
    assert stage.value("style") != "techno"
    stage.page.get_by_role("button", name="Einstellungen").click()
    stage.page.get_by_label("Sprache").select_option("es")
    stage.page.get_by_role("button", name="claro", exact=True).click()
    stage.page.reload()
    stage.wait_for("() => liveengine.painted !== null && liveengine.received.live !== null", "a plan")
    expect(stage.page.locator("[data-style]").first).to_have_attribute("data-style", "techno")
    assert stage.ask("() => [...firstWords, document.documentElement.dataset.theme]") == [
        "es",
        "Deshacer",
        "light",
    ]
    stage.page.get_by_role("button", name="Deshacer").wait_for()
    stage.close()


def test_styles_are_searched_and_shown_by_family(browser: Browser, address: str) -> None:
    stage = Stage(browser, address)

    def shown() -> list[str | None]:
        return [pad.get_attribute("data-style") for pad in stage.page.locator("[data-style]").all()]

    field = stage.page.get_by_role("searchbox")
    field.type("reg")
    until(lambda: shown() == ["reggae"], "what is looked for")
    field.press("Enter")
    stage.wait_for_value("style", "reggae")
    stage.page.locator("[data-family=producers]").click()
    until(lambda: shown() == ["j_dilla", "metro_boomin", "questlove"], "the producers")
    stage.page.locator("[data-family=producers]").click()
    stage.page.locator("[data-style=funk]").click()
    stage.wait_for_value("style", "funk")
    stage.close()


def test_a_stroke_drawn_by_hand_is_in_the_plan_and_sounds(
    browser: Browser,
    address: str,
    stage_engine: Engine,
) -> None:
    stage = Stage(browser, address)
    stage.page.locator(".hear .fold").click()
    stage.wait_for(
        "() => liveengine.plan.bars.get(liveengine.plan.current + 1)?.stale_from === null", "a plan"
    )
    stage.wait_for(
        "() => liveengine.painted?.lines.some("
        "(each) => each.label.startsWith(`${liveengine.plan.current + 2} `))",
        "the next bar's line",
    )
    drawn = """(bar) => liveengine.plan.bars.get(bar)?.drawing.some((each) => each.velocity > 0)"""
    bar = stage.ask("""() => {
      const { lines, laneHeight } = liveengine.painted;
      const bar = liveengine.plan.current + 1;
      const line = lines.find((each) => each.label.startsWith(`${bar + 1} `));
      const canvas = document.querySelector("canvas"), box = canvas.getBoundingClientRect();
      const place = { clientX: box.x + line.x, clientY: box.y + laneHeight * 0.5, bubbles: true };
      canvas.dispatchEvent(new MouseEvent("click", place));
      return bar;
    }""")
    stage.wait_for(f"() => ({drawn})({bar})", "the stroke")
    crash = stage.ask("() => liveengine.received.welcome.voices.find((voice) => voice.name === 'crash').note")
    stage_engine.wait_for("note", lambda line: line["bar"] == bar and line["note"] == crash, timeout_s=SLOW_S)
    assert [line for line in stage_engine.lines("control") if line["name"] == "draw"]
    stage.close()


def test_the_fill_button_says_which_bar_it_fills(browser: Browser, address: str) -> None:
    stage = Stage(browser, address)
    for beat, bar in (("2", "this bar"), ("4", "next bar")):
        stage.wait_for(
            f"""() => document.querySelector(".where .place").textContent.endsWith(".{beat}") &&
                document.querySelector("[data-action=fill] small").textContent === "{bar}" """,
            f"beat {beat} to say {bar}",
        )
    stage.close()
