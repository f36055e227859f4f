"""The Python interface, with the real engine: it plays, is turned, keeps scenes, and ends in good order."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import pytest

from liveengine.app.drummer import Drummer
from liveengine.config.user_files import OWN_FOLDER_VARIABLE
from liveengine.engine.session import Session
from liveengine.errors import ConfigError, ContractError, LiveEngineError, MidiError, UnknownNameError
from tests.waiting import PATIENCE_S

SCRIPT = """
from liveengine.app.drummer import Drummer
with Drummer(clock="system", backend="none", style="funk") as drummer:
    print(drummer.state()["style"])
"""


def test_a_drummer_is_turned_and_asked_from_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(OWN_FOLDER_VARIABLE, str(tmp_path))
    take = tmp_path / "take.mid"
    with Drummer(clock="system", backend="none", style="funk", bpm=240.0, seed=3, take=take) as drummer:
        deadline = time.monotonic() + PATIENCE_S
        while drummer.state()["bar"] == 0:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        drummer.set("density", 0.75)
        drummer.set("mute_kick", True)
        drummer.save("verse", 5)
        drummer.set("density", 0.25)
        drummer.do("fill")
        drummer.draw(int(drummer.state()["bar"] or 0) + 2, 3, "low_tom", keep=True)
        drummer.erase(int(drummer.state()["bar"] or 0) + 4, 3, "low_tom")
        drummer.recall("Verse")
        state = drummer.state()
        assert (state["density"], state["mute_kick"], state["style"]) == (0.75, True, "funk")
        with pytest.raises(UnknownNameError, match="scene 'chorus' is unknown; all: verse"):
            drummer.recall("chorus")
        with pytest.raises(ContractError, match="density: expected 0 to 1, got 2"):
            drummer.set("density", 2)
        with pytest.raises(
            ContractError, match="draw: expected a step that is still to come, got 3 of bar 0"
        ):
            drummer.draw(0, 3, "snare")
        with pytest.raises(ContractError, match="control: expected one of"):
            drummer.do("explode")
    assert "density: 0.75" in (tmp_path / "scenes" / "verse.yaml").read_text()
    assert any(message.type == "note_on" for message in mido.MidiFile(take).tracks[1])


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"quantum": "4"}, "quantum: expected a number, got '4'"),
        ({"seed": 1.5}, "seed: expected a whole number or None, got 1.5"),
        ({"seed": True}, "seed: expected a whole number or None, got True"),
        ({"humanize": float("nan")}, "humanize: expected a number or None, got nan"),
        ({"style": 3}, "style: expected text, got 3"),
        ({"web": 1}, "web: expected true or false, got 1"),
        ({"bpm": "120"}, "bpm: expected a number, got '120'"),
        ({"take": 3}, "take: expected a path, got 3"),
        ({"__class__": "x"}, "expected settings of configs/engine.yaml, got '__class__'"),
    ],
)
def test_a_setting_of_another_type_is_refused(setting: dict[str, Any], told: str) -> None:
    with pytest.raises(ContractError, match=re.escape(told)):
        Drummer(**setting)


def test_before_with_and_after_it_every_call_is_refused_at_once() -> None:
    drummer = Drummer(clock="system", backend="none", style="funk")
    calls: list[Callable[[], object]] = [
        lambda: drummer.set("density", 0.5),
        lambda: drummer.do("fill"),
        drummer.state,
        lambda: drummer.hear([0x90, 36, 100]),
    ]
    for call in calls:
        with pytest.raises(ContractError, match="expected `with Drummer"):
            call()
    with drummer:
        for message in ([], [36, 100], [0x90, 36], [0x90, 36, 300], ["x", 1, 2], [0x90, 36.5, 1]):
            with pytest.raises(ContractError, match="MIDI message"):
                drummer.hear(message)  # type: ignore[arg-type]
        for name, value in (("density", "0.5"), ("density", True), ("seed", 1.5), (5, 1), ("style", 7)):
            with pytest.raises(ContractError, match="expected"):
                drummer.set(name, value)  # type: ignore[arg-type]
        calls[0]()
    for call in calls:
        with pytest.raises(LiveEngineError, match="this one has ended"):
            call()
    with pytest.raises(ContractError, match="make a new Drummer"), drummer:
        pass


def test_the_engines_death_is_raised_by_what_waits_and_by_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liveengine.app.drummer.ANSWER_PATIENCE_S", PATIENCE_S)
    raised: list[BaseException] = []

    def broken(session: Session, now_us: float) -> None:
        raise MidiError("the port is gone")

    def breaks_at_once() -> None:
        with Drummer(clock="system", backend="none", style="funk") as drummer:
            monkeypatch.setattr(Session, "step", broken)
            for call in (lambda: drummer.set("density", 0.5), drummer.state, lambda: drummer.do("fill")):
                try:
                    while True:
                        call()
                except MidiError as error:
                    raised.append(error)

    with pytest.raises(MidiError, match="the port is gone"):
        breaks_at_once()
    assert len(raised) == 3


def test_a_setting_that_is_none_is_refused() -> None:
    with pytest.raises(ContractError, match=r"expected settings of configs/engine\.yaml, got 'colour'"):
        Drummer(colour="red")


@pytest.mark.parametrize("clock", ["virtual", "sytem"])
def test_a_clock_that_it_cannot_play_by_is_refused(clock: str) -> None:
    with pytest.raises(ConfigError, match=f"expected a clock of link, midi, tap, system; got '{clock}'"):
        Drummer(clock=clock)


def test_what_ends_the_engine_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(session: Session, now_us: float) -> None:
        raise MidiError(f"the port is gone at bar {session.conductor.horizon.current}, {now_us:.0f}")

    def turned_until_it_breaks(drummer: Drummer) -> None:
        with drummer:
            monkeypatch.setattr(Session, "step", broken)
            deadline = time.monotonic() + PATIENCE_S
            while time.monotonic() < deadline:
                drummer.set("density", 0.5)

    drummer = Drummer(clock="system", backend="none", style="funk", bpm=240.0)
    with pytest.raises(MidiError, match="the port is gone"):
        turned_until_it_breaks(drummer)
    with pytest.raises(MidiError, match="the port is gone"):
        drummer.state()


def test_the_package_is_its_face_and_light_to_import() -> None:
    heavy = "{'torch', 'rich', 'numpy'}"
    code = f"import sys, liveengine; print(len({heavy} & set(sys.modules)), liveengine.Drummer)"
    command = [sys.executable, "-c", code]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert finished.stdout.split(" ", 1)[0] == "0"
    assert "liveengine.app.drummer.Drummer" in finished.stdout


def test_a_plain_script_needs_no_main_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    finished = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert finished.stdout == "funk\n", finished.stderr
