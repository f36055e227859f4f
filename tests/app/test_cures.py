"""What the doctor mends: in order, told before it is done, and a failure keeps the others from nothing."""

from __future__ import annotations

import os

import pytest

from liveengine.app import cures
from liveengine.app.cures import Cure, apply, run_as_root


def test_each_line_is_told_and_run_in_order() -> None:
    told, ran = list[str](), list[str]()
    mended = [Cure(("a", "b"), afterwards="log in again"), Cure(("c",), afterwards="log in again")]

    def run(line: str) -> int:
        ran.append(line)
        return 0

    assert apply(mended, told.append, run)
    assert ran == ["a", "b", "c"]
    assert told == ["# a", "# b", "# c", "now log in again"]


def test_what_fails_is_told_ends_its_cure_and_not_the_next() -> None:
    told, ran = list[str](), list[str]()

    def run(line: str) -> int:
        ran.append(line)
        return 3 if line == "a" else 0

    assert not apply([Cure(("a", "b"), afterwards="log in again"), Cure(("c",))], told.append, run)
    assert ran == ["a", "c"]
    assert told == ["# a", "this failed (status 3): a", "# c"]


def test_a_step_of_our_own_that_fails_is_told() -> None:
    def step() -> None:
        raise OSError("no libjack here")

    told = list[str]()
    assert not apply([Cure(step=step)], told.append)
    assert told == ["this failed: no libjack here"]


def test_a_line_is_run_by_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert run_as_root("exit 7") == 7
    assert run_as_root("test 1 = 1 && true") == 0


def test_the_user_who_called_sudo_is_the_one_who_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "ann o'nym")
    assert cures.limits().lines[-1] == """usermod -aG audio 'ann o'"'"'nym'"""
    assert "@audio - rtprio 70" in cures.limits().lines[0]
    assert "@audio - memlock unlimited" in cures.limits().lines[0]
