"""What is sent at a server: valid frames that were recorded, damaged at random, and the bytes of peers that misbehave."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import struct
import threading
import time
import zlib
from pathlib import Path

HEADER = struct.Struct("<4sHHIII")  # magic, version, type, request id, body size, body crc; then the header's crc
HEADER_BYTES = 24
SERVER_INFO = 1
BATCHES = 17
AUTHENTICATE = 22
MOST_TYPE = 60  # of requests; a few above the largest one are sent as well


def header(kind: int, request_id: int, size: int, body_crc: int) -> bytes:
    """The header of a frame, with a right checksum of its own."""
    head = HEADER.pack(b"AUGS", 1, kind, request_id, size, body_crc)
    return head + struct.pack("<I", zlib.crc32(head))


def seal(kind: int, request_id: int, body: bytes) -> bytes:
    """A frame whose checksums are right."""
    return header(kind, request_id, len(body), zlib.crc32(body)) + body


def split(stream: bytes) -> list[tuple[int, bytes]]:
    """Type and body of each frame of what a client sent."""
    frames = []
    at = 0
    while at + HEADER_BYTES <= len(stream):
        _, _, kind, _, size, _ = HEADER.unpack_from(stream, at)
        frames.append((kind, stream[at + HEADER_BYTES : at + HEADER_BYTES + size]))
        at += HEADER_BYTES + size
    return frames


class Recorder:
    """Passes clients of a Unix socket on to another one, and keeps what they send."""

    def __init__(self, path: Path, server: Path) -> None:
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)
        self._sent: list[bytearray] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> list[tuple[int, bytes]]:
        """Ends it, and gives the frames, each once."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        return sorted({frame for stream in self._sent for frame in split(bytes(stream))})

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client = self._listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                kept = bytearray()
                self._sent.append(kept)
                threading.Thread(target=self._pass, args=(client, server, kept), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, bytearray()), daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
        # Without descriptors, so a client takes batches from the socket.
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                kept += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


class Mutator:
    """Frames that were valid once. Nearly all have right checksums, so that their bodies are read: a connection ends with
    the first that has not."""

    _EDGES = (0, 1, 2, 4, 7, 8, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFE)

    def __init__(self, frames: list[tuple[int, bytes]], draw: random.Random) -> None:
        self._frames = frames
        self._draw = draw

    def next(self, request_id: int) -> tuple[bytes, bool]:
        """A frame, and whether the server can find the next one behind it."""
        draw = self._draw
        kind, body = draw.choice(self._frames)
        changed = bytearray(body[: 1 << 16])
        for _ in range(draw.choice((0, 1, 1, 1, 2, 4, 16))):
            self._change(changed)
        if draw.random() < 0.1:
            kind = draw.randrange(MOST_TYPE)
            if kind == AUTHENTICATE and draw.random() < 0.98:  # few: the server answers a wrong key after a second
                kind = SERVER_INFO
        frame = seal(kind, request_id, bytes(changed))
        if draw.random() < 0.99:
            return frame, True
        damaged = bytearray(frame)
        at = draw.randrange(min(len(damaged), HEADER_BYTES + 8))
        damaged[at] ^= 1 << draw.randrange(8)
        if draw.random() < 0.5 and at < HEADER_BYTES - 4:  # a header that means what it says
            struct.pack_into("<I", damaged, HEADER_BYTES - 4, zlib.crc32(damaged[: HEADER_BYTES - 4]))
        return bytes(damaged), False

    def _change(self, body: bytearray) -> None:
        draw = self._draw
        what = draw.randrange(7)
        at = draw.randrange(len(body)) if body else 0
        if what == 0 and body:
            body[at] ^= 1 << draw.randrange(8)
        elif what == 1 and len(body) >= 4:  # a length, an offset or a number
            struct.pack_into("<I", body, at & ~3 if at + 4 <= len(body) else 0, draw.choice(self._EDGES))
        elif what == 2 and len(body) >= 4:
            place = at & ~3 if (at & ~3) + 4 <= len(body) else 0
            value = struct.unpack_from("<I", body, place)[0] + draw.choice((-8, -4, -1, 1, 4, 8, 64))
            struct.pack_into("<I", body, place, value & 0xFFFFFFFF)
        elif what == 3:
            del body[at:]
        elif what == 4:
            body[at:at] = draw.randbytes(draw.randrange(1, 32))
        elif what == 5 and body:
            body[at : at + 8] = draw.randbytes(min(8, len(body) - at))
        else:  # the end of another one
            other = draw.choice(self._frames)[1]
            body[at:] = other[min(at, len(other)) : 1 << 16]


class Attack:
    """Sends damaged frames over one connection after another, and waits until each was answered or refused."""

    _TOGETHER = 32

    def __init__(self, server: Path, mutator: Mutator) -> None:
        self._server = server
        self._mutator = mutator
        self._socket: socket.socket | None = None
        self.sent = 0
        self.closed = 0  # connections that the server ended

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run(self, count: int) -> None:
        """Sends `count` frames. Raises OSError when the server is gone, TimeoutError when it does not answer."""
        while count > 0:
            frames = b""
            whole = True
            for number in range(2, 2 + min(count, self._TOGETHER)):
                frame, whole = self._mutator.next(number)
                frames += frame
                self.sent += 1
                count -= 1
                if not whole:
                    break
            if not self._exchange(frames + (seal(SERVER_INFO, 1, b"") if whole else b""), whole):
                self.closed += 1
                self.close()

    def _exchange(self, data: bytes, whole: bool) -> bool:
        """Whether the last of the frames was answered; else the connection is over. Unless they are `whole`, it ends with
        them, since the server may wait for more of the last one."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(60)
            self._socket.connect(str(self._server))
        sender = threading.Thread(target=self._send, args=(self._socket, data, whole))
        sender.start()
        try:
            return self._await_answer(self._socket)
        except (ConnectionError, BrokenPipeError):
            return False
        finally:
            sender.join()

    @staticmethod
    def _send(peer: socket.socket, data: bytes, whole: bool) -> None:
        with contextlib.suppress(OSError):
            peer.sendall(data)
            if not whole:
                peer.shutdown(socket.SHUT_WR)

    @staticmethod
    def _await_answer(peer: socket.socket) -> bool:
        received = bytearray()
        while True:
            data = peer.recv(1 << 18)
            if not data:
                return False
            received += data
            while len(received) >= HEADER_BYTES:
                _, _, _, request_id, size, _ = HEADER.unpack_from(received)
                if len(received) < HEADER_BYTES + size:
                    break
                del received[: HEADER_BYTES + size]
                if request_id == 1:
                    return True


def trickle(peers: list[socket.socket], stop: threading.Event) -> None:
    """Sends a byte a second of a valid frame to each, until they are closed."""
    frame = seal(SERVER_INFO, 1, bytes(1000))
    for byte in frame:
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.send(bytes([byte]))
        if stop.wait(1):
            return


def wait_until_closed(peers: list[socket.socket], seconds: float) -> int:
    """How many of them the server has not closed after so long. Takes nothing of what it sent."""
    deadline = time.monotonic() + seconds
    while True:
        left = sum(not _is_closed(peer) for peer in peers)
        if left == 0 or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def _is_closed(peer: socket.socket) -> bool:
    poll = select.poll()
    poll.register(peer, select.POLLRDHUP)
    return bool(poll.poll(0))
