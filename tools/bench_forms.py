# ruff: noqa: E402 (the tests' own rig is found from the root)
"""Count how often forms come with the right bar, asked for at random moments in four styles.

    python tools/bench_forms.py [--moments 25] [--json OUT]

In virtual time, with the shipped weights. For each form, style and way in (a pedal with a gesture, a named
command as the page sends it) moments are drawn anew. One is right if the form comes with just the bar that
can still be made; `hung` counts notes left on, `late_bars` bars that were not there in time.

* `end`: a fill, a last bar, silence; `half_time`, `double_time`: bars are read so from there on.
* `meter`: bars of 7/8; `kit`: notes of the other kit from the next on.
* `count_in`: four strokes, and the first bar on the quantum.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from liveengine.app.loading import LoadedSession, PlayOptions, load_session
from liveengine.config.settings import EngineSettings
from liveengine.generation.process_source import LocalBarSource
from liveengine.music.control import SetChoice, SetKit, SetToggle, SetValue, TriggerAction
from liveengine.music.control_map import ControlMap, GestureBinding, GestureCommand
from liveengine.music.named import named_command
from liveengine.planning.horizon import PlannedBar
from tests.live.bench import keep
from tests.rig import loaded_rig

STYLES = ("j_dilla", "house", "jazz", "metro_boomin")
PEDAL = 64
SETTLE_S = 0.05
OTHER_KIT, OTHER_METER = "808", "7/8"
FORMS: dict[str, tuple[GestureCommand, tuple[str, tuple[object, ...]]]] = {
    "end": (TriggerAction("end"), ("end", ())),
    "half_time": (SetToggle("half_time", True), ("half_time", (1,))),
    "double_time": (SetToggle("double_time", True), ("double_time", (1,))),
    "meter": (SetChoice("time_signature", OTHER_METER), ("time_signature", (OTHER_METER,))),
    "kit": (SetKit(OTHER_KIT), ("kit", (OTHER_KIT,))),
    "count_in": (SetValue("count_in", 1.0), ("count_in", (1.0,))),
}
"""Of each form what a pedal does, and what the page says."""


class Stage:
    """One performance after the other on the same weights."""

    def __init__(self, loaded: LoadedSession, source: LocalBarSource, form: str) -> None:
        """Begin one, with the form on a pedal."""
        pedal = GestureBinding("cc", PEDAL, (("tap", FORMS[form][0]),))
        self.rig = loaded_rig(loaded, source, ControlMap((pedal,)))
        self.form = form

    def ask(self, way: str) -> None:
        """Ask for the form by pedal or by page."""
        session = self.rig.session
        if way == "pedal":
            session.receive([0xB0, PEDAL, 127])
            session.receive([0xB0, PEDAL, 0])
        else:
            command = named_command(*FORMS[self.form][1], session.conductor.styles)
            assert command is not None
            session.post(command)

    def bars(self) -> list[PlannedBar]:
        """Return the bars that have been, and the one that plays."""
        playing = self.rig.conductor.horizon.get(self.rig.conductor.horizon.current)
        return [*self.rig.record.played, *([playing] if playing else [])]

    def hung(self) -> int:
        """Return how many notes are on with nobody to end them, once all is stopped."""
        self.rig.session.end()
        self.rig.player.close()
        on: Counter[tuple[int, int]] = Counter()
        for message in self.rig.sink.messages:
            if message[0] & 0xF0 in (0x80, 0x90):
                on[message[0] & 0x0F, message[1]] = int(message[0] & 0xF0 == 0x90)
        return sum(on.values())


def first_unsent(stage: Stage) -> int:
    """Return the first bar of which the player has nothing that is due."""
    plan = stage.rig.conductor.plan
    bar = plan.horizon.current
    while plan.now_us + plan.lead_us() >= stage.rig.conductor.grid.time_of(bar):
        bar += 1
    return bar


def ended(stage: Stage, way: str) -> bool:
    """Ask for an ending; tell whether it came with the next bar that could still be made."""
    expected = stage.rig.conductor.plan.next_bar()
    stage.ask(way)
    stage.rig.run(20.0)
    bars = stage.bars()
    fills = [bar.index for bar in bars if bar.conditioning.fill]
    closed = [bar.index for bar in bars if bar.closes]
    return expected in fills and closed == [expected + 1] and not stage.rig.conductor.sounding


def read_so(stage: Stage, way: str) -> bool:
    """Ask for half or double time; tell whether just the bars from the first unsent one on are read so."""
    expected = first_unsent(stage)
    stage.ask(way)
    stage.rig.run(9.0)
    read = {bar.index: bar.reading.time == stage.form for bar in stage.bars()}
    return all(so == (index >= expected) for index, so in read.items()) and any(read.values())


def metered(stage: Stage, way: str) -> bool:
    """Ask for another meter; tell whether just the bars from the next that can be made on are in it."""
    expected = stage.rig.conductor.plan.next_bar()
    stage.ask(way)
    stage.rig.run(9.0)
    bars = stage.bars()
    in_it = all((str(bar.bar.meter) == OTHER_METER) == (bar.index >= expected) for bar in bars)
    return in_it and bars[-1].index > expected


def other_kit(stage: Stage, way: str) -> bool:
    """Ask for another kit; tell whether what is struck from then on is of it."""
    stage.ask(way)
    stage.rig.run(SETTLE_S)
    before = len(stage.rig.sink.messages)
    stage.rig.run(6.0)
    struck = {each[1] for each in stage.rig.sink.messages[before:] if each[0] & 0xF0 == 0x90}
    return struck <= set(stage.rig.conductor.kits.of(OTHER_KIT).notes) and bool(struck)


def counted(stage: Stage, way: str) -> bool:
    """Ask for a count-in, stop and start; tell whether four strokes lead to a first bar on the quantum."""
    stage.ask(way)
    stage.rig.run(0.4)
    stage.rig.session.post(TriggerAction("stop"))
    stage.rig.run(0.5)
    before = len(stage.rig.strikes)
    stage.rig.session.post(TriggerAction("start"))
    stage.rig.run(14.0)
    grid = stage.rig.conductor.grid
    first = grid.start_beat(stage.rig.conductor.horizon.current)
    line = next((beat for _, beat, _ in stage.rig.strikes[before + 4 :]), first)
    strokes = [beat for _, beat, _ in stage.rig.strikes[before : before + 4]]
    begins = strokes[0] + 4
    return [round(beat - strokes[0], 3) for beat in strokes] == [0, 1, 2, 3] and (
        abs(begins / 4 - round(begins / 4)) < 1e-3 and line >= begins - 0.15
    )


CHECKS: dict[str, Callable[[Stage, str], bool]] = {
    "end": ended,
    "half_time": read_so,
    "double_time": read_so,
    "meter": metered,
    "kit": other_kit,
    "count_in": counted,
}


def main() -> int:
    """Count, print and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--moments", type=int, default=25, help="Of each form, style and way in.")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    dice = random.Random(4)
    found: dict[str, dict[str, float]] = {}
    for form, check in CHECKS.items():
        right = hung = late = count = 0
        for style in STYLES:
            loaded = load_session(
                PlayOptions(EngineSettings(style=style, seed=dice.randrange(1000)), clock="virtual")
            )
            source = LocalBarSource(loaded.checkpoint, "cpu", loaded.packs)
            for turn in range(options.moments * 2):
                stage = Stage(loaded, source, form)
                stage.rig.run(dice.uniform(4.0, 14.0))
                came = check(stage, ("pedal", "page")[turn % 2])
                right, count = right + came, count + 1
                late += stage.rig.record.late_bars
                hung += stage.hung()
        found[form] = {"moments": count, "right": right, "hung": hung, "late_bars": late}
        print(f"{form}:", *(f"{key} {value}" for key, value in found[form].items()), flush=True)
    if options.json:
        keep(found, options.json)
    return int(any(each["right"] < each["moments"] or each["hung"] for each in found.values()))


if __name__ == "__main__":
    sys.exit(main())
