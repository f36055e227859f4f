"""What a channel does whose connection was lost and taken apart."""

from __future__ import annotations

import pytest
from kombu import Connection

from liveengine.generation.broker import broker_errors, make_celery

NOBODY = "redis://127.0.0.1:1/0"


def test_a_channel_whose_connection_is_gone_raises_a_connection_error() -> None:
    app = make_celery(NOBODY)
    connection: Connection = app.connection_for_write()
    channel = connection.transport.Channel.__new__(connection.transport.Channel)
    channel.connection = connection.transport
    assert channel._connparams()["host"] == "127.0.0.1"
    connection.transport.client = None
    with pytest.raises(broker_errors(app), match="broker is gone"):
        channel._connparams()
