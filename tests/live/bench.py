"""What the benchmarks of a live engine share: a machine made ready for timing, and where figures go."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.conftest import missing_parts
from tests.live.jack import JackServer
from tests.live.machine import AwakeCores, StallProbe


@dataclass(frozen=True, slots=True)
class Machine:
    """A JACK server with a dummy driver, awake cores, a probe of stalls, and the engine's own folder."""

    folder: Path
    server: JackServer
    probe: StallProbe


@contextmanager
def ready_machine(folder: Path | None = None) -> Iterator[Machine]:
    """Make the machine ready, and leave it as it was; without `folder` it has one that goes with it.

    Exits with status 2 and a sentence where a part is missing.
    """
    reason = missing_parts()
    if reason:
        sys.stderr.write(f"{Path(sys.argv[0]).stem}: {reason}\n")
        raise SystemExit(2)
    with ExitStack() as stack:
        own = folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        own.mkdir(parents=True, exist_ok=True)
        os.environ["LIVEENGINE_HOME"] = str(own)
        server = JackServer(own / "jackd.log", "bench")
        stack.callback(server.close)
        stack.callback(AwakeCores().close)
        probe = StallProbe()
        stack.callback(probe.close)
        yield Machine(own, server, probe)


def keep(found: Mapping[str, Any], path: Path) -> None:
    """Write figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
