"""The wheel carries configs and weights, and plays from an empty folder of an otherwise empty environment."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import mido
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
BUILT_PAGE = REPOSITORY / "liveengine" / "web" / "built"
DRUM_CHANNEL = 9
SCRIPTS = "Scripts" if os.name == "nt" else "bin"


def run(*command: str | Path, folder: Path) -> str:
    """Run a command away from the repository and return what it printed; it must end well."""
    # Neither the working tree nor a coverage measurement of this test run may leak into the environment.
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE_", "PYTHONPATH"))
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    # Where the build backend is installed already, it is used as it is and nothing is downloaded.
    ready = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    run(*pip, *ready, "--wheel-dir", folder, REPOSITORY, folder=folder)
    (built,) = folder.glob("liveengine-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a new environment that sees this one's other packages; return its programs."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, folder=folder)
    python = folder / SCRIPTS / "python"
    own = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=folder).strip()
    )
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # A path in a .pth file is searched, but the .pth files in it are not read: an editable installation of
    # the working tree stays out of sight.
    (own / "borrowed.pth").write_text("\n".join(sorted(borrowed)) + "\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, folder=folder)
    return folder / SCRIPTS


def test_the_wheel_carries_configs_and_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    for kind in ("styles", "kits", "maps"):
        in_tree = {
            f"liveengine/configs/{kind}/{file.name}"
            for file in (REPOSITORY / "configs" / kind).glob("*.yaml")
        }
        assert in_tree, f"configs/{kind} is empty"
        assert in_tree <= names
    assert "liveengine/configs/control.yaml" in names
    assert "liveengine/configs/styles/j_dilla.yaml" in names
    assert "liveengine/checkpoints/small/model.safetensors" in names
    assert not [name for name in names if name.endswith((".pt", ".pth", ".pkl", ".pyc"))]
    page = {
        f"liveengine/web/built/{file.relative_to(BUILT_PAGE)}"
        for file in BUILT_PAGE.rglob("*")
        if file.is_file()
    }
    assert any(name.endswith(".js") for name in page)
    assert page <= names
    assert not [name for name in names if "web/stage/" in name or "node_modules" in name]


def test_the_installed_wheel_plays(environment: Path, tmp_path: Path) -> None:
    place = run(
        environment / "python", "-c", "import liveengine; print(liveengine.__file__)", folder=tmp_path
    )
    assert environment.parent in Path(place.strip()).parents
    options = "--duration 3 --no-ui --backend none --clock system --style j_dilla --bpm 120 --take t.mid"
    printed = run(environment / "liveengine", "play", *options.split(), folder=tmp_path)
    assert "Stage page: http://127.0.0.1:" in printed
    take = mido.MidiFile(tmp_path / "t.mid")
    assert take.type == 1
    struck = [
        message
        for track in take.tracks
        for message in track
        if message.type == "note_on" and message.velocity > 0 and message.channel == DRUM_CHANNEL
    ]
    assert struck
