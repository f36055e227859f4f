"""The image cannot be built in a test: what it is made of is there, and its pins are those of setup.sh."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "tools" / "Dockerfile").read_text()


def test_torch_and_its_index_are_those_of_the_set_up() -> None:
    set_up = (ROOT / "tools" / "setup.sh").read_text()
    for name, shell_name in (("TORCH", "TORCH"), ("TORCH_INDEX", "TORCH_CPU_INDEX")):
        pinned = re.search(rf"^{shell_name}=(\S+)$", set_up, re.MULTILINE)
        argument = re.search(rf"^ARG {name}=(\S+)$", DOCKERFILE, re.MULTILINE)
        assert pinned
        assert argument
        assert argument[1] == pinned[1]


def test_all_that_the_wheel_needs_is_sent_to_the_builder_and_exists() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert {"liveengine", "configs", "pyproject.toml", "README.md", "LICENSE"} <= set(sent)
    for name in (*sent, *re.findall(r"^COPY ((?!--)\S+) tools/$", DOCKERFILE, re.MULTILINE)):
        assert (ROOT / name).exists(), name
        assert any(name == each or name.startswith(f"{each}/") for each in sent), name


def test_api_and_workers_are_of_one_image_and_one_store() -> None:
    services = yaml.safe_load((ROOT / "tools" / "compose.yaml").read_text())["services"]
    api, worker = services["api"], services["worker"]
    assert api["image"] == worker["image"]
    assert api["build"] == worker["build"]
    assert (ROOT / "tools" / api["build"]["context"] / api["build"]["dockerfile"]).resolve().is_file()
    assert api["build"]["args"].keys() <= set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))
    for service in (api, worker):
        assert service["command"][service["command"].index("--store") + 1] == "/store"
        assert service["volumes"] == ["store:/store"]
