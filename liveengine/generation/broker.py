"""How work travels over a broker: the Celery app, and the names of tasks and queues that both ends share."""

from __future__ import annotations

from collections.abc import Mapping

from celery import Celery
from kombu.exceptions import OperationalError

from liveengine.errors import ConfigError

GENERATION, FILES, BARS = "generation", "files", "bars"
QUEUES: Mapping[str, str] = {
    GENERATION: "decodes patterns: for machines with a GPU, where there are any",
    FILES: "gives them their feel and writes the files: needs no model",
    BARS: "decodes bars for players who are live",
}
SHOWN_SHA256 = 12
"""So much of a checkpoint's SHA-256 names it."""
DECODE_TASK, WRITE_TASK, BAR_TASK = "liveengine.decode", "liveengine.write", "liveengine.bar"
VISIBILITY_S = 60
"""A message that a worker has not acknowledged for so long goes to another: the worker has died."""
ANSWER_KEPT_S = 60


def make_celery(broker: str, visibility_s: int = VISIBILITY_S) -> Celery:
    """Return the app by which messages are sent. Raises ConfigError for a URL that is none."""
    if "://" not in broker:
        raise ConfigError(f"--broker: expected a URL such as redis://127.0.0.1:6379/0, got {broker!r}")
    app = Celery("liveengine", broker=broker, backend=broker, set_as_current=False)
    transport = {"visibility_timeout": visibility_s, "socket_timeout": 5, "socket_connect_timeout": 2}
    if broker.startswith(("redis://", "rediss://")):
        app.conf.broker_transport = "liveengine.generation.redis_transport:Transport"
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        result_expires=ANSWER_KEPT_S,
        broker_transport_options=transport,
        result_backend_transport_options=transport,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a Redis that is full refuses, and is a broker that is away
        broker_pool_limit=64,
        task_default_queue=GENERATION,
        task_routes={WRITE_TASK: {"queue": FILES}, BAR_TASK: {"queue": BARS}},
        worker_send_task_events=True,
    )
    return app


def generation_queue(checkpoint_sha256: str) -> str:
    """Return the queue of the patterns that one checkpoint is to decode: no worker with another sees them."""
    return f"{GENERATION}-{checkpoint_sha256[:SHOWN_SHA256]}"


def broker_errors(app: Celery) -> tuple[type[Exception], ...]:
    """Return what a broker that is away, full or not a broker raises: all mean that it may work later."""
    connection = app.connection_for_write()
    found = (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
    return tuple(each for each in found if each is not KeyError)  # of kombu's own making, and too wide here
