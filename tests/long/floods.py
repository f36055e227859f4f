"""Clients that flood a door of the engine for some seconds. Each returns how often it got through."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import time
import urllib.parse

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

HALF_OPEN = 120
"""Connections that say half a request and then nothing."""
SOCKETS = 40


def flood_http(address: str, seconds: float, rng: random.Random) -> int:
    """Ask for pages as fast as they come, beside connections that never finish."""
    where = urllib.parse.urlsplit(address)
    host, port = where.hostname or "127.0.0.1", where.port or 80
    idle: list[socket.socket] = []
    asked = 0
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                connection = socket.create_connection((host, port), timeout=2.0)
                if len(idle) < HALF_OPEN and rng.random() < 0.5:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: x")
                    idle.append(connection)
                    continue
                with connection:
                    path = rng.choice(["/", "/api/v1/live/state", "/nonesuch", f"/{'a' * 3000}"])
                    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
                    connection.recv(65536)
                    asked += 1
    finally:
        for connection in idle:
            connection.close()
    return asked


def flood_osc(port: int, seconds: float, rng: random.Random) -> int:
    """Send controls, and bytes that are none, some thousand a second."""
    sent = 0
    end = time.monotonic() + seconds
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while time.monotonic() < end:
            for _ in range(20):
                with contextlib.suppress(OSError):
                    sender.sendto(_datagram(rng), ("127.0.0.1", port))
                    sent += 1
            time.sleep(0.01)
    return sent


def _datagram(rng: random.Random) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 200))
    if kind == 1:
        return b"#bundle\0" + bytes(8) + struct.pack(">i", rng.randrange(-8, 64)) + rng.randbytes(16)
    name = rng.choice(["density", "energy", "variation"])
    return _padded(f"/liveengine/{name}") + _padded(",f") + struct.pack(">f", rng.random())


def _padded(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return raw + bytes(-len(raw) % 4)


def flood_sockets(address: str, seconds: float, rng: random.Random) -> int:
    """Open and drop the page's own connections again and again."""
    where = urllib.parse.urlsplit(address)
    url = f"ws://{where.netloc}/api/v1/live/stage"
    origin = Origin(f"http://{where.netloc}")
    end = time.monotonic() + seconds
    opened = 0
    with contextlib.ExitStack() as stack:
        held = 0
        while time.monotonic() < end:
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                opening = connect(url, origin=origin, open_timeout=2.0, close_timeout=0.2)
                if held < SOCKETS and rng.random() < 0.3:
                    stack.enter_context(opening)
                    held += 1
                else:
                    with opening as client:
                        client.send("not what it wants")
                opened += 1
    return opened
