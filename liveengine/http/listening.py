"""The socket that an HTTP service listens on."""

from __future__ import annotations

import socket

from liveengine.errors import ConfigError


def bound_socket(host: str, port: int, option: str) -> socket.socket:
    """Return a socket bound to a port of a host. Raises ConfigError naming the option where it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol asyncio knows that small answers are not to wait 40 ms for each other (TCP_NODELAY).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(f"{option} {port}: expected a free port on {host}, got: {error}") from error
    return listening
