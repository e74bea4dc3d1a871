"""Frames over a TCP or Unix socket, or TLS (docs/protocol.md), with a deadline on every wait."""

from __future__ import annotations

import os
import re
import socket
import struct
import zlib
from typing import Callable, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from . import _limits, errors
from ._codec import Bytes, decode, encode
from ._crc import crc32
from ._shared import SharedBodies
from ._tables import MESSAGE_TYPES
from ._tls import Tls, error_of

DEFAULT_PORT = 7411
HEADER_BYTES = 24
ALIGNMENT = 64
_MAGIC = b"AUGS"
_VERSION = 1
_HEAD = struct.Struct("<4sHHIII")  # magic, version, type, request id, body size, body crc; then the header's crc
_CRC = struct.Struct("<I")
_ONE_SEND_BYTES = 1 << 16  # above, the copy costs more than the second call
_TIMEVAL = struct.Struct("@ll")
_MOST_DESCRIPTORS = 8
_SHARED_BODY = MESSAGE_TYPES["SharedBodyReply"]

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
    tls: bool = False

    @staticmethod
    def parse(text: str) -> "Address":
        """Reads ``tcp://host:port``, ``tls://host:port`` or ``unix:///path.sock``. Raises InvalidArgument."""
        if text.startswith("unix://"):
            path = text[len("unix://") :]
            if path.startswith("/") and not path.endswith("/") and "\0" not in path:
                return Address(path, "", 0)
            raise errors.InvalidArgument(f"address '{text}' has no absolute path of a socket: write unix:///path.sock")
        found = re.fullmatch(r"(tcp|tls)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?", text)
        port = int(found[3] or DEFAULT_PORT) if found else 0
        if found is None or port > 65535:
            raise errors.InvalidArgument(
                f"'{text}' is no address: write tcp://host:{DEFAULT_PORT}, tls://host:{DEFAULT_PORT} or unix:///path.sock"
            )
        return Address("", found[2].strip("[]"), port, found[1] == "tls")


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
        older = "client" if version > _VERSION else "server"
        raise errors.InvalidArgument(
            f"the server speaks protocol version {version}, this client version {_VERSION}: update the {older}"
        )
    if size > max_body:
        raise errors.InvalidArgument(
            f"a frame of type {kind} announces {size} bytes, the limit is {max_body}: ask for less"
        )
    return kind, request_id, size, crc


class Channel:
    """One connection. For one thread at a time, but for ``interrupt``."""

    def __init__(
        self, address: str, connect_timeout: float = 10.0, io_timeout: float = 60.0, tls: Tls = Tls()
    ) -> None:
        self.address = address
        self._timeout = io_timeout
        self._header = bytearray(HEADER_BYTES)
        self._may_share = bool(Address.parse(address).path) and hasattr(socket, "recv_fds")  # and has not asked yet
        self._shared: Optional[SharedBodies] = None
        self._last_words: Optional[Frame] = None
        self.traceparent = ""  # that the server was told last
        self.takes_traces = True  # until the server says that it does not know them
        self._socket = _connect(Address.parse(address), address, connect_timeout, tls)
        self._waits_for_all: int = socket.MSG_WAITALL
        if Address.parse(address).tls:
            self._socket.settimeout(io_timeout)
            self._waits_for_all = 0  # TLS gives a record at a time
            return
        # The kernel keeps the deadline: a wait then costs no extra system call.
        limit = _TIMEVAL.pack(int(io_timeout), int(io_timeout % 1 * 1e6))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._socket.settimeout(None)

    def send(self, kind: int, request_id: int, body: Union[bytes, bytearray]) -> None:
        """Sends one request. Raises Unavailable or DeadlineExceeded."""
        if self._may_share and kind == MESSAGE_TYPES["BatchesRequest"]:
            self._share_memory(request_id)
        if self._last_words is None:
            self._send(kind, request_id, body)

    def _send(self, kind: int, request_id: int, body: Union[bytes, bytearray]) -> None:
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
        if self._last_words is not None:
            return self._last_words
        self._fill(memoryview(self._header), "")
        return self._receive_body(allocate)

    def _receive_body(self, allocate: Allocate) -> Frame:
        kind, request_id, size, crc = check_header(self._header, _limits.MAX_REPLY_BYTES)
        shared = kind == _SHARED_BODY and self._shared is not None
        body = _allocate(aligned if shared else allocate, size)
        if size:
            self._fill(body.data, " in the middle of a reply")
        if crc32(body) != crc:
            raise errors.DataLoss(f"a frame's body of {size} bytes was damaged on its way: connect again")
        return self._take_shared(request_id, body, allocate) if shared else Frame(kind, request_id, body)

    def _take_shared(self, request_id: int, reply: Bytes, allocate: Allocate) -> Frame:
        """The frame in whose place a SharedBodyReply came: copied, so that its slot is free at once."""
        assert self._shared is not None
        place = decode("SharedBodyReply", reply)
        there = self._shared.body(place)
        body = _allocate(allocate, there.size)
        body[:] = there
        self._shared.give_back(place)
        return Frame(place["type"], request_id, body)

    def _share_memory(self, request_id: int) -> None:
        """Asks a server on this machine to put batches where both can see them. One that does not, or shares enough
        already, or is behind something that lets no descriptors through, sends them all the same."""
        self._may_share = False
        self._send(MESSAGE_TYPES["ShareMemoryRequest"], request_id, encode("ShareMemoryRequest", {}))
        descriptors: List[int] = []
        try:
            first, descriptors, _, _ = socket.recv_fds(
                self._socket, HEADER_BYTES, _MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
            )
        except OSError as error:
            raise self._gone(error, "reply") from error
        view = memoryview(self._header)
        view[: len(first)] = first
        try:
            self._fill(view[len(first) :], " in the middle of a reply" if first else "")
            frame = self._receive_body(aligned)
            if frame.type != MESSAGE_TYPES["ShareMemoryReply"]:
                self._last_words = frame if frame.request_id == 0 else None  # of the connection, which ends
                return
            reply = decode("ShareMemoryReply", frame.body)
            if descriptors:
                taken, descriptors = descriptors, []
                self._shared = SharedBodies(reply, taken)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def interrupt(self) -> None:
        """Ends a wait of another thread."""
        try:
            # Not the method of an SSLSocket, which would drop its keys while the other thread uses them.
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
        except OSError:
            pass  # it was gone already

    def close(self) -> None:
        self._socket.close()

    def _fill(self, view: memoryview, where: str) -> None:
        done = 0
        while done < len(view):
            try:
                count = self._socket.recv_into(view[done:], len(view) - done, self._waits_for_all)
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
        failure = error_of(error, self.address)
        if failure is not None:
            return failure
        return errors.Unavailable(f"the server at {self.address} is gone: {error}: try again when it is back")


def _allocate(allocate: Allocate, size: int) -> Bytes:
    try:
        return allocate(size)
    except MemoryError as error:
        raise errors.ResourceExhausted(f"no memory for a reply of {size} bytes: ask for less") from error


def _connect(address: Address, text: str, timeout: float, tls: Tls) -> socket.socket:
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
        try:
            return tls.wrap(tcp, address.host, text) if address.tls else tcp
        except BaseException:
            tcp.close()
            raise
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
