"""A network that goes wrong, between a client and a server over TCP."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from typing import Callable, NamedTuple, Optional


class Fault(NamedTuple):
    """What becomes of the bytes of one connection, both ways."""

    piece: int = 1 << 16  # passed on at a time
    delay: float = 0.0  # seconds before each piece
    cut_after: Optional[int] = None  # bytes of the server, after which both sides see the end, or a reset
    with_reset: bool = False
    damage_at: Optional[int] = None  # the byte of the server of which a bit is flipped


class FaultProxy:
    """Passes connections on to ``address``; ``plan`` says what becomes of the n-th."""

    def __init__(self, address: str, plan: Callable[[int], Fault]) -> None:
        scheme, rest = address.split("://")
        host, port = rest.rsplit(":", 1)
        self._server = (host, int(port))
        self._plan = plan
        self._listener = socket.create_server((host, 0))
        self.connections = 0
        self.address = f"{scheme}://{host}:{self._listener.getsockname()[1]}"
        self._stopping = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> "FaultProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client = self._listener.accept()[0]
                fault = self._plan(self.connections)
                self.connections += 1
                threading.Thread(target=self._pass, args=(client, fault), daemon=True).start()

    def _pass(self, client: socket.socket, fault: Fault) -> None:
        passed = {True: 0, False: 0}  # bytes of the server, and of the client
        with client, contextlib.suppress(OSError), socket.create_connection(self._server) as server:
            with selectors.DefaultSelector() as both:
                both.register(client, selectors.EVENT_READ, (server, False))
                both.register(server, selectors.EVENT_READ, (client, True))
                while not self._stopping.is_set():
                    for key, _ in both.select(0.05):
                        to, of_server = key.data
                        end = fault.cut_after if of_server and fault.cut_after is not None else 1 << 62
                        # Sockets are the only objects that are registered.
                        data = bytearray(key.fileobj.recv(min(fault.piece, end - passed[of_server])))  # type: ignore[union-attr]
                        at = (fault.damage_at if of_server and fault.damage_at is not None else -1) - passed[of_server]
                        if 0 <= at < len(data):
                            data[at] ^= 0x10
                        time.sleep(fault.delay)
                        to.sendall(data)
                        passed[of_server] += len(data)
                        if passed[of_server] >= end and fault.with_reset:
                            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if not data or passed[of_server] >= end:
                            return
