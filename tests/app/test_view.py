"""Keys of the terminal view as commands in the trace, and the figures at the end."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from liveengine.app.view import ViewKeys, tell_summary
from tests.rig import STYLES, Rig

MakeRig = Callable[..., Rig]


def controls(rig: Rig) -> list[tuple[str, object]]:
    rig.record.flush()
    lines = [json.loads(line) for line in rig.trace.read_text().splitlines()]
    return [(line["name"], line["value"]) for line in lines if line["type"] == "control"]


@pytest.mark.parametrize(
    ("key", "control"),
    [
        ("f", ("do", "fill")),
        ("F", ("do", "fill")),
        ("b", ("do", "break")),
        ("z", ("do", "undo")),
        ("l", ("do", "lock_1")),
        ("u", ("do", "unlock")),
        ("2", ("style", "jazz")),
    ],
)
def test_a_key_is_a_command_in_the_trace(make_rig: MakeRig, key: str, control: tuple[str, str]) -> None:
    rig = make_rig()
    rig.run(6.0)
    ViewKeys(rig.session).press(key, 1.0)
    rig.run(0.1)
    assert control in controls(rig)


def test_space_stops_and_starts_and_says_which(make_rig: MakeRig) -> None:
    rig = make_rig()
    keys = ViewKeys(rig.session)
    rig.run(6.0)
    assert ("Space", "stop", False) in keys.legend(0.0)
    keys.press("space", 1.0)
    rig.run(0.1)
    assert not rig.conductor.sounding
    assert ("Space", "start", True) in keys.legend(1.1)
    keys.press("space", 2.0)
    rig.run(4.0)
    assert rig.conductor.sounding


def test_a_key_held_down_does_what_it_does_once(make_rig: MakeRig) -> None:
    rig = make_rig()
    keys = ViewKeys(rig.session)
    rig.run(6.0)
    for moment in range(20):
        keys.press("f", 1.0 + moment * 0.03)
    rig.run(0.1)
    assert controls(rig).count(("do", "fill")) == 1
    keys.press("f", 2.0)
    rig.run(0.1)
    assert controls(rig).count(("do", "fill")) == 2


@pytest.mark.parametrize("key", ["9", "x", "up", "²", "escape"])
def test_a_key_that_stands_for_nothing_changes_nothing(make_rig: MakeRig, key: str) -> None:
    assert len(STYLES.styles) < 9
    rig = make_rig()
    rig.run(6.0)
    before = controls(rig)
    ViewKeys(rig.session).press(key, 1.0)
    rig.run(0.1)
    assert controls(rig) == before


def test_the_figures_at_the_end(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.run(9.0)
    out = io.StringIO()
    tell_summary(rig.record, Path("here.jsonl"), Console(file=out, width=200, soft_wrap=True))
    first, second, third = out.getvalue().splitlines()
    assert first.startswith(
        f"played: {rig.record.bars} bars, {rig.record.notes} notes; late bars: 0; dropped: 0"
    )
    assert second.startswith("lateness: typical 0.00 ms, 95 % within 0.00 ms, 99 % within")
    assert third == "trace: here.jsonl"
