"""The socket that an HTTP service listens on."""

from __future__ import annotations

import errno
import os
import socket

from liveengine.errors import ConfigError, PortTakenError

TAKEN = (errno.EADDRINUSE, errno.EACCES)
"""What systems say of a port that another program has, or that ordinary users may not have."""


def bound_socket(host: str, port: int, host_option: str, port_option: str) -> socket.socket:
    """Return a socket that listens on a port of a host: whoever asks for it next finds it taken.

    Raises PortTakenError naming the option where another has it, ConfigError where the host is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # By its protocol asyncio knows that small answers are not to wait 40 ms for each other (TCP_NODELAY).
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":  # elsewhere it would let two programs have one port
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        if error.errno in TAKEN:
            raise PortTakenError(
                f"{port_option} {port}: expected a free port on {host}, got: {error}"
            ) from error
        raise ConfigError(
            f"{host_option} {host}: expected an address of this machine, got: {error}"
        ) from error
    return listening
