"""What is imported is declared, what is declared is pinned, and what is pinned is installed by its hash."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
OURS = {"liveengine", "tests", "tools", "examples"}
BY_HAND = {"isobar"}
"""What tools/bench_timing.py compares with, installed by hand."""
NOT_EVERYWHERE = {"rtmidi": "python-rtmidi"}
"""Packages of distributions that some Pythons do without."""
WATCHED = {"tensorboard", "wandb"}
"""Of the extra `watch`, which is neither tested nor pinned: what it installs is up to who asks for it."""
NOT_LOCKED = re.compile(r"torch|triton|cuda-.*|nvidia-.*")
"""torch is chosen by the machine it is for, and its CPU build comes from an index of its own."""


def plain(name: str) -> str:
    """Return a distribution's name as it is compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: Sequence[str]) -> set[str]:
    return {plain(re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0]) for each in requirements}


DECLARED = names(PROJECT["dependencies"])
OPTIONAL = names([each for extra in ("workers", "train", "watch", "mcp") for each in EXTRAS[extra]])


def imported(folder: str) -> Iterator[tuple[Path, str]]:
    """Yield the packages that files import, wherever in a file they do."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found = [each.name for each in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found = [node.module or ""]
            else:
                continue
            for name in found:
                yield path, name.partition(".")[0]


def undeclared(folder: str, declared: set[str]) -> dict[str, str]:
    """Return what is imported of distributions that are not declared, and where."""
    owners = packages_distributions()
    missing = {}
    for path, package in imported(folder):
        if package in sys.stdlib_module_names or package in OURS | BY_HAND:
            continue
        if (
            not {plain(each) for each in owners.get(package, [NOT_EVERYWHERE.get(package, package)])}
            & declared
        ):
            missing[package] = str(path.relative_to(ROOT))
    return missing


@pytest.mark.parametrize("folder", ["liveengine", "examples"])
def test_what_the_package_imports_is_declared(folder: str) -> None:
    assert undeclared(folder, DECLARED | OPTIONAL) == {}


@pytest.mark.parametrize("folder", ["tests", "tools"])
def test_what_tests_and_tools_import_is_declared(folder: str) -> None:
    assert undeclared(folder, DECLARED | OPTIONAL | names(EXTRAS["dev"])) == {}


def pins(name: str) -> dict[str, set[str]]:
    """Return what a file of requirements pins, and to which versions."""
    found: dict[str, set[str]] = {}
    for line in (ROOT / "tools" / name).read_text(encoding="utf-8").splitlines():
        if match := re.match(r"([A-Za-z0-9][\w.-]*)==([^\s;\\]+)", line):
            found.setdefault(plain(match[1]), set()).add(match[2])
    return found


def test_what_is_declared_is_pinned() -> None:
    declared = DECLARED | OPTIONAL | names(EXTRAS["dev"])
    assert declared - WATCHED - set(pins("constraints.txt")) == set()


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("locked.txt", DECLARED | {"hatchling", "editables"}),
        ("locked-dev.txt", DECLARED | names(EXTRAS["dev"]) | {"hatchling", "editables"}),
    ],
)
def test_what_is_installed_is_locked_as_it_is_pinned(name: str, declared: set[str]) -> None:
    """Where this fails, run `tools/lock`."""
    locked, pinned = pins(name), pins("constraints.txt")
    assert {each for each in declared if not NOT_LOCKED.fullmatch(each)} - set(locked) == set()
    assert {each: found for each, found in locked.items() if not found <= pinned.get(each, set())} == {}
    assert [each for each in locked if NOT_LOCKED.fullmatch(each)] == []


@pytest.mark.parametrize("name", ["locked.txt", "locked-dev.txt"])
def test_every_locked_package_has_hashes(name: str) -> None:
    text = (ROOT / "tools" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 40
    assert [line for line in lines if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)] == []
