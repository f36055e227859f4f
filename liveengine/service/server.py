"""`liveengine api`: the REST interface on a port, with its queue."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn
from rich.console import Console

from liveengine.config.user_files import own_folder
from liveengine.errors import ConfigError, StoreError
from liveengine.httpserver.connections import server_config
from liveengine.httpserver.security import Guard, is_loopback
from liveengine.httpserver.sockets import bound_socket
from liveengine.patterns.renderer import PatternRenderer
from liveengine.service.app import PREFIX, JobQueue, make_app
from liveengine.service.backlog import MAX_WAIT_S
from liveengine.service.local_queue import LocalQueue
from liveengine.service.store import Store

log = logging.getLogger(__name__)

COOKIE = "liveengine_key"
"""Holds the key of a browser that came with it in the address."""
RATE = "600/minute"
"""What one caller may ask of a service that others can reach."""
KEEP_DAYS = 30
SWEEP_S = 3600.0


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What `liveengine api` was asked. Without a broker the jobs are done by a process of its own."""

    host: str = "127.0.0.1"
    port: int = 8000
    store: str | None = None
    broker: str | None = None
    device: str = "auto"
    checkpoint: Path | None = None
    keys: Sequence[str] = ()
    rate: str | None = None
    keep_days: int = KEEP_DAYS
    max_wait_s: float = MAX_WAIT_S


def default_store() -> str:
    """Return the folder of the service where none is named."""
    return str(own_folder() / "service")


def serve(options: ServiceOptions, console: Console) -> None:
    """Serve until stopped. Raises LiveEngineError where that cannot be."""
    if not 0 <= options.port <= 65535:
        raise ConfigError(f"--port: expected 0 to 65535, got {options.port}")
    studio = PatternRenderer(options.checkpoint, options.device)
    for note in studio.repertoire.notes:
        console.print(note, style="yellow")
    store = Store(options.store or default_store())
    keys, rate = list(options.keys), options.rate
    if not is_loopback(options.host):
        rate = rate or RATE
        if not keys:
            keys = [secrets.token_urlsafe(16)]
            console.print(f"API key (none was given): {keys[0]}")
    with ExitStack() as stack:
        jobs = _queue(options, studio, store, stack)
        if options.keep_days:
            ended = threading.Event()
            stack.callback(ended.set)
            sweeping = (store, timedelta(days=options.keep_days), ended)
            threading.Thread(target=_sweep, args=sweeping, name="liveengine-sweep", daemon=True).start()
        app = Guard(
            make_app(studio, store, jobs, rate=rate, keyed=bool(keys)),
            host=options.host,
            tokens=keys,
            cookie=COOKIE,
        )
        listening = bound_socket(options.host, options.port, "--host", "--port")
        config = server_config(app, lifespan="off")
        host = f"[{options.host}]" if ":" in options.host else options.host
        page = f"http://{host}:{listening.getsockname()[1]}"
        console.print(f"{page}{PREFIX}")
        with_key = f"/?token={keys[0]}" if keys and not options.keys else ""
        console.print(f"its description, for a browser: {page}{with_key}")
        uvicorn.Server(config).run([listening])


def _sweep(store: Store, keep: timedelta, ended: threading.Event) -> None:
    """Remove now and then what is kept no longer."""
    while True:
        try:
            if removed := store.sweep(keep):
                log.info("%s: %d files were swept", store.url, removed)
        except StoreError as error:
            log.warning("nothing is swept: %s", error)
        except Exception:  # nothing would be swept any more
            log.exception("nothing is swept")
        if ended.wait(SWEEP_S):
            return


def _queue(options: ServiceOptions, studio: PatternRenderer, store: Store, stack: ExitStack) -> JobQueue:
    """Return what hands jobs to workers, closed at the end."""
    if options.broker is not None:
        try:
            from liveengine.service.celery_queue import CeleryQueue
        except ImportError as error:
            raise ConfigError(f"--broker needs `pip install liveengine[workers]`: {error}") from error

        checkpoint = studio.repertoire.checkpoint_sha256
        return CeleryQueue(options.broker, store, checkpoint, options.max_wait_s)
    queue = LocalQueue(store, options.checkpoint, options.device, options.max_wait_s)
    stack.callback(queue.close)
    return queue
