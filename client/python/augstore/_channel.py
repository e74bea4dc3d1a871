"""Frames over a TCP or Unix socket (docs/protocol.md), with a deadline on every wait."""

from __future__ import annotations

import os
import re
import socket
import struct
import zlib
from typing import Callable, NamedTuple, Optional, Tuple, Union

import numpy as np

from . import _limits, errors
from ._codec import Bytes
from ._crc import crc32

DEFAULT_PORT = 7411
HEADER_BYTES = 24
ALIGNMENT = 64
_MAGIC = b"AUGS"
_VERSION = 1
_HEAD = struct.Struct("<4sHHIII")  # magic, version, type, request id, body size, body crc; then the header's crc
_CRC = struct.Struct("<I")
_ONE_SEND_BYTES = 1 << 16  # above, the copy costs more than the second call
_TIMEVAL = struct.Struct("@ll")

# Gives an array of so many bytes, at a multiple of ALIGNMENT, for the body of a reply.
Allocate = Callable[[int], Bytes]


class Frame(NamedTuple):
    """One message as it travels."""

    type: int
    request_id: int
    body: Bytes  # at a multiple of ALIGNMENT


class Address(NamedTuple):
    """Where a server listens: a Unix socket's path, or host and port."""

    path: str
    host: str
    port: int

    @staticmethod
    def parse(text: str) -> "Address":
        """Reads ``tcp://host:port`` or ``unix:///path.sock``. Raises InvalidArgument."""
        if text.startswith("unix://"):
            path = text[len("unix://") :]
            if path.startswith("/") and not path.endswith("/") and "\0" not in path:
                return Address(path, "", 0)
            raise errors.InvalidArgument(f"address '{text}' has no absolute path of a socket: write unix:///path.sock")
        found = re.fullmatch(r"tcp://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", text)
        port = int(found[2] or DEFAULT_PORT) if found else 0
        if found is None or port > 65535:
            raise errors.InvalidArgument(
                f"'{text}' is no address: write tcp://host:{DEFAULT_PORT} or unix:///path.sock"
            )
        return Address("", found[1].strip("[]"), port)


def aligned(size: int) -> Bytes:
    """``size`` uninitialised bytes at a multiple of ALIGNMENT."""
    memory = np.empty(size + ALIGNMENT, np.uint8)
    skip = -memory.ctypes.data % ALIGNMENT
    return memory[skip : skip + size]


def seal(kind: int, request_id: int, body: Union[bytes, bytearray]) -> bytes:
    """The header that goes before ``body``."""
    head = _HEAD.pack(_MAGIC, _VERSION, kind, request_id, len(body), zlib.crc32(body))
    return head + _CRC.pack(zlib.crc32(head))


def check_header(header: Union[bytes, bytearray], max_body: int) -> Tuple[int, int, int, int]:
    """Type, request id, body size and body CRC. Raises before anything was allocated for the body."""
    magic, version, kind, request_id, size, crc = _HEAD.unpack_from(header)
    if magic != _MAGIC:
        raise errors.InvalidArgument(
            f"the peer does not speak augstore's protocol: its frame starts with {magic.hex()}; check the address"
        )
    if _CRC.unpack_from(header, _HEAD.size)[0] != zlib.crc32(header[: _HEAD.size]):
        raise errors.DataLoss("a frame's header was damaged on its way: connect again")
    if version != _VERSION:
        raise errors.InvalidArgument(
            f"the peer speaks protocol version {version}, this side {_VERSION}: use the same release of augstore"
        )
    if size > max_body:
        raise errors.InvalidArgument(
            f"a frame of type {kind} announces {size} bytes, the limit is {max_body}: ask for less"
        )
    return kind, request_id, size, crc


class Channel:
    """One connection. For one thread at a time, but for ``interrupt``."""

    def __init__(self, address: str, connect_timeout: float = 10.0, io_timeout: float = 60.0) -> None:
        self.address = address
        self._timeout = io_timeout
        self._header = bytearray(HEADER_BYTES)
        self._socket = _connect(Address.parse(address), address, connect_timeout)
        # The kernel keeps the deadline: a wait then costs no extra system call.
        limit = _TIMEVAL.pack(int(io_timeout), int(io_timeout % 1 * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._socket.settimeout(None)

    def send(self, kind: int, request_id: int, body: Union[bytes, bytearray]) -> None:
        """Sends one request. Raises Unavailable or DeadlineExceeded."""
        if len(body) > _limits.MAX_REQUEST_BYTES:
            raise errors.InvalidArgument(
                f"a request of {len(body)} bytes is over the limit of {_limits.MAX_REQUEST_BYTES}: send less at a time"
            )
        try:
            header = seal(kind, request_id, body)
            if len(body) <= _ONE_SEND_BYTES:
                self._socket.sendall(header + body)  # one system call, and one wake-up of the server
            else:
                self._socket.sendall(header)
                self._socket.sendall(body)
        except OSError as error:
            raise self._gone(error, "take a request") from error

    def receive(self, allocate: Allocate = aligned) -> Frame:
        """The next frame, its body in memory that ``allocate`` gives. Raises Unavailable, DeadlineExceeded, DataLoss."""
        self._fill(memoryview(self._header), "")
        kind, request_id, size, crc = check_header(self._header, _limits.MAX_REPLY_BYTES)
        try:
            body = allocate(size)
        except MemoryError as error:
            raise errors.ResourceExhausted(f"no memory for a reply of {size} bytes: ask for less") from error
        if size:
            self._fill(body.data, " in the middle of a reply")
        if crc32(body) != crc:
            raise errors.DataLoss(f"a frame's body of {size} bytes was damaged on its way: connect again")
        return Frame(kind, request_id, body)

    def interrupt(self) -> None:
        """Ends a wait of another thread."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was gone already

    def close(self) -> None:
        self._socket.close()

    def _fill(self, view: memoryview, where: str) -> None:
        done = 0
        while done < len(view):
            try:
                count = self._socket.recv_into(view[done:], len(view) - done, socket.MSG_WAITALL)
            except OSError as error:
                raise self._gone(error, "reply") from error
            if count == 0:
                raise errors.Unavailable(
                    f"the server at {self.address} closed the connection{where if done or where else ''}: "
                    "try again when it is back"
                )
            done += count

    def _gone(self, error: OSError, what: str) -> errors.Error:
        if isinstance(error, (BlockingIOError, socket.timeout)):
            return errors.DeadlineExceeded(
                f"the server at {self.address} did not {what} for {self._timeout:g} s: look at its load"
            )
        return errors.Unavailable(f"the server at {self.address} is gone: {error}: try again when it is back")


def _connect(address: Address, text: str, timeout: float) -> socket.socket:
    try:
        if address.path:
            limit = 107 if os.uname().sysname == "Linux" else 103
            if len(os.fsencode(address.path)) > limit:
                raise errors.InvalidArgument(f"address '{text}' has a path of over {limit} bytes, which no socket can")
            unix = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            unix.settimeout(timeout)
            try:
                unix.connect(address.path)
            except OSError:
                unix.close()
                raise
            return unix
        tcp = socket.create_connection((address.host, address.port), timeout)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return tcp
    except OSError as error:
        raise errors.Unavailable(
            f"no augstore server answers at {text}: {error}: start one there (augstore serve), or correct the address"
        ) from error


class Retry(NamedTuple):
    """How long to go on trying when the server does not answer: seconds in all, first and longest pause."""

    total: float = 60.0
    first_pause: float = 0.05
    max_pause: float = 1.0


class Backoff:
    """The pauses between attempts."""

    def __init__(self, retry: Retry, clock: Callable[[], float]) -> None:
        self._retry = retry
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        self._pause = self._retry.first_pause
        self._deadline: Optional[float] = None

    def next(self) -> Optional[float]:
        """Seconds to wait before the next attempt; None: give up."""
        now = self._clock()
        if self._deadline is None:
            self._deadline = now + self._retry.total
        if now >= self._deadline:
            return None
        pause = min(self._pause, self._deadline - now)
        self._pause = min(self._pause * 2, self._retry.max_pause)
        return pause
