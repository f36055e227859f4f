# ruff: noqa: E402 (the tests' own peers are found from the root)
"""Measure how soon a control is heard, at the real engine with JACK and a Link peer, in this machine's load.

    python tools/bench_control.py --json OUT [--switches 120] [--storm 60] [--keep FOLDER]

Each figure counts from the moment at which the message was sent to the control port.

* `instant`: style switches at random moments with `--switch instant`; `median_ms`, `p95_ms`, `max_ms` to the
  moment from which the new plan sounds, and `wrong_next`: next notes after it that are not of that plan.
* `beat`: the same with `--switch beat`; `missed` counts those that came 60 ms or more before a beat and did
  not sound from it on.
* `rehearsed`: instant switches back to the style that was left last, which has been rehearsed.
* `swing`, `humanize`, `mute`, `level`, `latency`: turned to and fro; `late_ms` is the latest note that still
  had the old value, after the CC.
* `listen`: with `--switch instant`, accents struck into the listening port at random moments; to the moment
  at which a plan that was made for them is the player's.
* `storm`: a thousand mixed messages a second; lateness at an independent listener beside the same time
  without them, `p99_ratio`, late bars, and whether the last value is in force.
* `flood`: the same for 5,000 notes a second into the listening port, which hang, with garbage among them, and
  that come from a port that goes and comes back in the middle.

Linux, in a network namespace with only loopback (tools/test shows how).
"""

from __future__ import annotations

import argparse
import functools
import random
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console

from tests.live.analysis import Stall, in_stall, lateness, match, percentile
from tests.live.bench import keep, ready_machine
from tests.live.checks import due_from
from tests.live.companion import now_us
from tests.live.control_port import ControlPort
from tests.live.engine import Engine
from tests.live.link_peer import Peer
from tests.live.listener import Listener
from tests.live.machine import StallProbe
from tests.live.playing_along import LISTEN_PORT, OwnPort, flood

BPM = 120.0
STYLES = 30
PAUSE_S = (0.25, 0.7)
BEAT_NOTICE_US = 60_000.0
SWING_CONTROLLER, DENSITY_CONTROLLER, ENERGY_CONTROLLER, HUMANIZE_CONTROLLER = 23, 21, 22, 24
LATENCY_CONTROLLER, MUTE_CONTROLLER, LEVEL_CONTROLLER = 25, 80, 81
OWN_MAP = f"controllers: {{{MUTE_CONTROLLER}: mute_kick, {LEVEL_CONTROLLER}: level_snare}}\n"
KICK, SNARE = 36, 38
STORM_PER_S = 1000
FLOOD_PER_S = 5000
STORM_BURST = 10


@dataclass(frozen=True, slots=True)
class Bench:
    """What all measurements use."""

    probe: StallProbe
    folder: Path
    rng: random.Random

    def engine(self, name: str, *arguments: str) -> Engine:
        """Start the engine and wait until it sounds."""
        folder = self.folder / name
        folder.mkdir()
        engine = Engine(folder, "--backend", "jack", "--style", "funk", "--seed", "6", *arguments)
        engine.wait_for("note")
        engine.wait_for("bar")
        return engine


def switch_styles(bench: Bench, engine: Engine, count: int) -> list[float]:
    """Switch the style at random moments; return when each message was sent."""
    control = ControlPort()
    sent_us = []
    style = 0
    for _ in range(count):
        time.sleep(bench.rng.uniform(*PAUSE_S))
        style = (style + bench.rng.randrange(1, STYLES)) % STYLES
        sent_us.append(now_us())
        control.program_change(style)
    time.sleep(2.5)
    control.close()
    engine.stop()
    return sent_us


def answers(engine: Engine, sent_us: Sequence[float]) -> list[tuple[float, dict[str, Any]]]:
    """Return each message that changed something, with the first plan that was made for it."""
    turned = [line for line in engine.lines("control") if line["name"] == "style"]
    plans = [line for line in engine.lines("bar") if line["replanned"]]
    found = []
    for begin_us, end_us in zip(sent_us, [*sent_us[1:], float("inf")], strict=True):
        control = next((line for line in turned if begin_us <= line["at_us"] < end_us), None)
        if control is not None:
            plan = next(
                (
                    line
                    for line in plans
                    if line["at_us"] >= control["at_us"] and line["style"] == control["value"]
                ),
                None,
            )
            if plan is not None and plan["at_us"] < end_us:
                found.append((begin_us, plan))
    return found


def instant(bench: Bench, count: int) -> dict[str, float]:
    """Measure instant switches."""
    engine = bench.engine("instant", "--switch", "instant")
    answered = answers(engine, switch_styles(bench, engine, count))
    notes = engine.lines("note")
    plans = [line for line in engine.lines("bar") if line["replanned"]]
    waits_ms, wrong, stalled = [], 0, 0
    for sent_us, plan in answered:
        if in_stall(sent_us, plan["at_us"], bench.probe.stalls()):
            stalled += 1
        else:
            waits_ms.append((plan["from_us"] - sent_us) / 1e3)
        heard = next((note for note in notes if note["due_us"] >= plan["from_us"]), None)
        newer = [line for line in plans if line["at_us"] > plan["at_us"]]
        if heard is not None and not any(line["at_us"] <= heard["sent_us"] for line in newer):
            wrong += heard["decode_id"] != plan["decode_id"]
    return {
        "switches": len(answered),
        "stalled": stalled,
        "median_ms": percentile(waits_ms, 50),
        "p95_ms": percentile(waits_ms, 95),
        "max_ms": max(waits_ms),
        "wrong_next": wrong,
        "generated_median_ms": percentile([plan["generated_ms"] for _, plan in answered], 50),
    } | faults(engine)


def on_beat(bench: Bench, count: int) -> dict[str, float]:
    """Measure switches on the next beat: its notes are those whose place is at or after it."""
    engine = bench.engine("beat", "--switch", "beat")
    sent_us = switch_styles(bench, engine, count)
    turned = [line for line in engine.lines("control") if line["name"] == "style"]
    tempo = engine.lines("tempo")[0]
    us_per_beat = 60e6 / tempo["bpm"]
    notes = engine.lines("note")
    missed = judged = 0
    for begin_us, end_us in zip(sent_us, [*sent_us[1:], float("inf")], strict=True):
        control = next((line for line in turned if begin_us <= line["at_us"] < end_us), None)
        if control is None:
            continue
        beat = tempo["beat"] + (begin_us + BEAT_NOTICE_US - tempo["at_us"]) / us_per_beat
        wanted = int(beat) + 1
        limit = tempo["beat"] + (end_us - tempo["at_us"]) / us_per_beat
        heard = [note for note in notes if wanted - 0.01 <= note["beat"] < min(wanted + 1, limit)]
        judged += bool(heard)
        missed += any(note["style"] != control["value"] for note in heard)
    return {"switches": judged, "missed": missed} | faults(engine)


def back_and_forth(bench: Bench, count: int) -> dict[str, float]:
    """Measure instant switches to the style that was left last: it has been rehearsed."""
    engine = bench.engine("rehearsed", "--switch", "instant")
    control = ControlPort()
    sent_us = []
    for turn in range(count):
        time.sleep(bench.rng.uniform(1.2, 2.4))
        sent_us.append(now_us())
        control.program_change(turn % 2)
    time.sleep(2.5)
    control.close()
    engine.stop()
    answered = answers(engine, sent_us)[2:]
    waits_ms = [(plan["from_us"] - sent_us) / 1e3 for sent_us, plan in answered]
    decoded = {line["decode_id"]: line for line in engine.lines("decode")}
    return {
        "switches": len(answered),
        "rehearsed": sum(decoded[plan["decode_id"]]["step"] < plan["step"] for _, plan in answered),
        "median_ms": percentile(waits_ms, 50),
        "p95_ms": percentile(waits_ms, 95),
        "max_ms": max(waits_ms),
    } | faults(engine)


@dataclass(frozen=True, slots=True)
class Knob:
    """A control to be turned to and fro: its CC, both values, and whether a note still has the other one."""

    controller: int
    values: tuple[int, int]
    is_old: Callable[[dict[str, Any], int], bool]
    arguments: tuple[str, ...] = ()


def swung(note: dict[str, Any], value: int) -> bool:
    """Tell whether a note on a second sixteenth is not swung as a CC says."""
    place = note["beat"] * 4 % 2
    return bool(place >= 0.9 and (place > 1.25) != (value == 127))


KNOBS = {
    "swing": Knob(SWING_CONTROLLER, (0, 127), swung, ("--humanize", "0")),
    "humanize": Knob(
        HUMANIZE_CONTROLLER, (0, 127), lambda note, value: (note["offset_ms"] != 0.0) != (value == 127)
    ),
    "mute": Knob(MUTE_CONTROLLER, (0, 127), lambda note, value: note["note"] == KICK and value == 127),
    "level": Knob(
        LEVEL_CONTROLLER,
        (42, 84),
        lambda note, value: note["note"] == SNARE and abs(note["level"] - value / 127 * 1.5) > 0.01,
    ),
    "latency": Knob(
        LATENCY_CONTROLLER, (44, 84), lambda note, value: abs(note["latency_ms"] - (value - 64)) > 0.01
    ),
}


def knob(bench: Bench, name: str, count: int) -> dict[str, float]:
    """Measure how long after a CC a note still has the old value."""
    turned = KNOBS[name]
    engine = bench.engine(name, *turned.arguments)
    control = ControlPort()
    turns: list[tuple[float, int]] = []
    for turn in range(count):
        time.sleep(bench.rng.uniform(*PAUSE_S))
        turns.append((now_us(), turned.values[turn % 2]))
        control.control_change(turned.controller, turns[-1][1])
    time.sleep(1.0)
    control.close()
    engine.stop()
    late_ms = [0.0]
    judged = 0
    for note in engine.lines("note"):
        in_force = [turn for turn in turns if turn[0] <= note["sent_us"]]
        if not in_force:
            continue
        sent_us, value = in_force[-1]
        judged += 1
        if turned.is_old(note, value) and not in_stall(sent_us, note["sent_us"], bench.probe.stalls()):
            late_ms.append((note["sent_us"] - sent_us) / 1e3)
    return {"turns": count, "notes": judged, "late_ms": max(late_ms)} | faults(engine)


def storm(bench: Bench, seconds: float) -> dict[str, float]:
    """Measure lateness at the listener without and with a thousand mixed messages a second."""
    listener = Listener(bench.folder / "heard.jsonl")
    engine = bench.engine("storm", "--switch", "instant")
    time.sleep(1.0)
    begun_us = now_us()
    time.sleep(seconds)
    control = ControlPort()
    storm_us = now_us()
    sent = 0
    last = 0
    while (at_us := now_us()) < storm_us + seconds * 1e6:
        while sent < (at_us - storm_us) / 1e6 * STORM_PER_S:
            kind = bench.rng.randrange(5)
            if kind == 4:
                control.program_change(bench.rng.randrange(STYLES))
            else:
                number = (DENSITY_CONTROLLER, ENERGY_CONTROLLER, SWING_CONTROLLER, HUMANIZE_CONTROLLER)[kind]
                control.control_change(number, bench.rng.randrange(128))
            sent += 1
        time.sleep(STORM_BURST / STORM_PER_S)
    control.program_change(last)
    ended_us = now_us()
    time.sleep(1.5)
    control.close()
    engine.stop()
    compared = beside_quiet(bench, engine, listener, (begun_us, storm_us, ended_us))
    styles = [line for line in engine.lines("control") if line["name"] == "style"]
    names = {note["style"] for note in engine.lines("note") if note["due_us"] > ended_us + 0.5e6}
    return {
        "messages": sent,
        "taken": len([line for line in engine.lines("control") if line["at_us"] >= storm_us]),
        **compared,
        "last_in_force": float(names == {styles[-1]["value"]}),
    } | faults(engine)


def beside_quiet(
    bench: Bench, engine: Engine, listener: Listener, turns_us: tuple[float, float, float]
) -> dict[str, float]:
    """Return lateness at the listener, and as sent, between the first two moments and the last two."""
    recording = listener.stop()
    stalls = bench.probe.stalls()
    matching = match(engine.notes(), recording.messages)
    spans = {"quiet": turns_us[:2], "storm": turns_us[1:]}
    heard = {
        name: lateness(due_from(matching.pairs, recording.session, *span), recording.session, 4.0, stalls)
        for name, span in spans.items()
    }
    sent_p99_ms = {name: percentile(lateness_ms(engine, *span, stalls), 99) for name, span in spans.items()}
    return {
        "quiet_notes": heard["quiet"].count,
        "storm_notes": heard["storm"].count,
        "stalled": heard["quiet"].stalled + heard["storm"].stalled,
        "quiet_p99_ms": heard["quiet"].p99_ms,
        "storm_p99_ms": heard["storm"].p99_ms,
        "p99_ratio": heard["storm"].p99_ms / heard["quiet"].p99_ms,
        "quiet_max_ms": heard["quiet"].max_ms,
        "storm_max_ms": heard["storm"].max_ms,
        "sent_quiet_p99_ms": sent_p99_ms["quiet"],
        "sent_storm_p99_ms": sent_p99_ms["storm"],
        "unheard": len(matching.unheard),
    }


def listen(bench: Bench, count: int) -> dict[str, float]:
    """Measure how soon an accent that is struck into the listening port is answered by a plan."""
    engine = bench.engine("listen", "--switch", "instant")
    port = ControlPort(LISTEN_PORT)
    sent_us = []
    for _ in range(count):
        time.sleep(bench.rng.uniform(*PAUSE_S))
        sent_us.append(now_us())
        port.send([0x90, 60, 110])
        port.send([0x80, 60, 0])
    time.sleep(1.0)
    port.close()
    engine.stop()
    decodes = [line for line in engine.lines("decode") if line["controls"].get("groove")]
    told = [line["at_us"] for line in engine.lines("heard")]
    waits_ms = []
    for begin_us in sent_us:
        asked_us = next((at_us for at_us in told if at_us >= begin_us), None)
        plan_us = next((line["at_us"] for line in decodes if asked_us and line["at_us"] >= asked_us), None)
        if plan_us is not None and not in_stall(begin_us, plan_us, bench.probe.stalls()):
            waits_ms.append((plan_us - begin_us) / 1e3)
    return {
        "accents": len(waits_ms),
        "median_ms": percentile(waits_ms, 50),
        "p95_ms": percentile(waits_ms, 95),
        "max_ms": max(waits_ms),
    } | faults(engine)


def flood_of_notes(bench: Bench, seconds: float) -> dict[str, float]:
    """Measure lateness at the listener without and with a flood of notes into the listening port."""
    listener = Listener(bench.folder / "heard_in_flood.jsonl")
    keys = OwnPort("keys")
    engine = bench.engine("flood", "--listen-port", "keys:out")
    time.sleep(1.0)
    begun_us = now_us()
    time.sleep(seconds)
    flood_us = now_us()
    sent = flood(keys, seconds / 2, FLOOD_PER_S)
    keys.close()
    keys = OwnPort("keys")
    sent += flood(keys, seconds / 2, FLOOD_PER_S)
    ended_us = now_us()
    time.sleep(1.5)
    keys.close()
    engine.stop()
    compared = beside_quiet(bench, engine, listener, (begun_us, flood_us, ended_us))
    return {"messages": sent, **compared} | faults(engine)


def lateness_ms(engine: Engine, begin_us: float, end_us: float, stalls: Sequence[Stall]) -> list[float]:
    """Return how late notes were sent, without those in stalls of the machine."""
    return [
        (note["sent_us"] - note["due_us"]) / 1e3
        for note in engine.lines("note")
        if begin_us <= note["due_us"] < end_us and not in_stall(note["due_us"], note["sent_us"], list(stalls))
    ]


def faults(engine: Engine) -> dict[str, float]:
    """Return what should be 0."""
    summary = engine.lines("summary")[-1]
    return {
        "late_bars": summary["late_bars"],
        **{f"dropped_{reason}": count for reason, count in summary["dropped"].items()},
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--switches", type=int, default=120)
    parser.add_argument("--storm", type=float, default=60.0, help="seconds")
    parser.add_argument(
        "--only", choices=("instant", "beat", "rehearsed", *KNOBS, "listen", "storm", "flood")
    )
    parser.add_argument("--keep", type=Path, help="a folder to keep the traces in")
    options = parser.parse_args(arguments)
    console = Console()
    found: dict[str, Any] = {}
    with ExitStack() as stack:
        machine = stack.enter_context(ready_machine(options.keep))
        folder, probe = machine.folder, machine.probe
        (folder / "control.yaml").write_text(OWN_MAP)
        stack.callback(Peer(BPM).close)
        bench = Bench(probe, folder, random.Random(6))
        measurements: dict[str, Callable[[], dict[str, float]]] = {
            "instant": lambda: instant(bench, options.switches),
            "beat": lambda: on_beat(bench, options.switches),
            "rehearsed": lambda: back_and_forth(bench, options.switches // 4),
            **{name: functools.partial(knob, bench, name, options.switches // 2) for name in KNOBS},
            "listen": lambda: listen(bench, options.switches),
            "storm": lambda: storm(bench, options.storm),
            "flood": lambda: flood_of_notes(bench, options.storm / 2),
        }
        for name, measure in measurements.items():
            if options.only in (None, name):
                found[name] = measure()
                console.print(name, found[name])
        found["stalls"] = len(probe.stalls())
    keep(found, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
