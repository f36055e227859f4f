"""Ask a pattern of `liveengine api` over HTTP, with nothing but the standard library.

    liveengine api                                                     # in one terminal
    python examples/rest_client.py --style "J Dilla" --out dilla.mid   # in another

It submits the pattern, asks how far it is until it is done, and downloads the MIDI file. A service on another
machine wants its key: --url http://host:8000 --key KEY.
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

POLL_S = 0.25


class Service:
    """The REST interface at an address."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """Talk to `url`, such as http://127.0.0.1:8000, with a key if it wants one."""
        self._base = f"{url.rstrip('/')}/api/v1"
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def read(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """Return what the service answers; a body is posted. Exits with the reason of a refusal."""
        content = None if body is None else json.dumps(body).encode()
        headers = {**self._headers, "Content-Type": "application/json"}
        request = urllib.request.Request(self._base + path, content, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise SystemExit(
                f"{error.code} {error.reason}: {error.read().decode(errors='replace')}"
            ) from None
        except urllib.error.URLError as error:
            raise SystemExit(f"{self._base}: {error.reason}; is `liveengine api` running?") from None


def main() -> None:
    """Submit, poll, download."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--key")
    parser.add_argument("--style", default="J Dilla")
    parser.add_argument("--bars", type=int, default=4)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--out", type=Path, default=Path("pattern.mid"))
    options = parser.parse_args()
    service = Service(options.url, options.key)
    pattern = {"producer_style": options.style, "bars": options.bars, "seed": options.seed}
    task = json.loads(service.read("/generate", pattern))
    while task["status"] not in ("done", "failed"):
        time.sleep(POLL_S)
        task = json.loads(service.read(f"/status/{task['task_id']}"))
    if task["status"] == "failed":
        raise SystemExit(f"the pattern failed: {task['reason']}")
    task = json.loads(service.read(f"/status/{task['task_id']}"))  # an answer at once names no file
    options.out.write_bytes(service.read(f"/download/{task['file_id']}"))
    print(f"{options.out}: {options.out.stat().st_size} bytes, seed {task['seed']}")


if __name__ == "__main__":
    main()
