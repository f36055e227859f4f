"""kombu's transport over Redis, whose lost connections stay connection errors."""

from __future__ import annotations

from typing import Any

from kombu.transport import redis


class Channel(redis.Channel):  # type: ignore[misc]
    """A channel that may outlive its connection.

    kombu 5.7 takes a lost connection apart and then acknowledges, or gives back, on its channel what was in
    hand: an AttributeError, which Celery 5.7 takes for a fault of the worker and ends it. As a connection
    error it is logged, and the worker connects again; the broker hands those messages out once more.
    """

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        if self.connection is None or self.connection.client is None:
            raise ConnectionError("the connection to the broker is gone")
        return dict(super()._connparams(asynchronous))


class Transport(redis.Transport):  # type: ignore[misc]
    """The transport of such channels."""

    Channel = Channel
