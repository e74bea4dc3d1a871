"""Damaged frames, and peers that misbehave, at a live server."""

from __future__ import annotations

import contextlib
import json
import random
import resource
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from torture_tests.program import (
    Augstore, Broken, descriptors, has_sanitizer, settled_descriptors, store_in_memory, write_dear_transform,
)  # fmt: skip
from torture_tests.wire import BATCHES, Attack, Mutator, Recorder, seal, trickle, wait_until_closed

SLOW, DEAF, MANY = 200, 20, 2000


class Good:
    """A client that reads a stream over one connection, and says how fast."""

    def __init__(self, augstore: Augstore, seconds: float) -> None:
        self._augstore = augstore
        self._epochs = 20
        self._epochs = max(20, int(self._epochs * seconds / max(self.finish(self.start())["seconds"], 0.01)))

    def start(self) -> subprocess.Popen[bytes]:
        words = ["stream", "--connect", self._augstore.address, "--collection", "c", "--json", "--quiet"]
        words += ["--batch-size", "64", "--epochs", str(self._epochs)]
        return subprocess.Popen([str(self._augstore.program), *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, reader: subprocess.Popen[bytes]) -> dict[str, float]:
        output = reader.communicate(timeout=300)[0].decode()
        if reader.returncode != 0:
            raise Broken(f"a good client failed beside the others: {output}")
        reply: dict[str, float] = json.loads(output)
        return reply

    def rate(self) -> float:
        """Rows a second."""
        return self.finish(self.start())["rows_per_second"]


def record_frames(augstore: Augstore) -> list[tuple[int, bytes]]:
    """The frames of commands of every kind, none of which names the collection c."""
    recorder = Recorder(augstore.work / "recorder", augstore.work / "socket")
    to = ["--connect", f"unix://{augstore.work}/recorder"]
    write_dear_transform(augstore.work / "t.safetensors", 1, 8)
    augstore.ok(*augstore.imports(to, "prey", 5000, 300))
    weights = ["--weights", str(augstore.work / "t.safetensors"), "--op", "vflip", "--backbone", "b"]
    augstore.ok("transform", "register", *to, "--name", "turn", *weights)
    augstore.ok("transform", "alias", "turn", "spare", "1", *to, "--force")
    for words in (
        ["collection", "ls"], ["collection", "show", "prey"], ["collection", "versions", "prey"],
        ["transform", "ls"], ["transform", "show", "turn"], ["transform", "alias", "turn"], ["head", "ls"],
        ["stats"], ["verify"], ["repair", "--rows"],
        ["query", "--collection", "prey", "--ids", "1,2,3", "--apply", "turn@1"], ["key", "ls"],
        ["stream", "--collection", "prey", "--policy", "identity:1,turn@1:1"],
        ["key", "create", "--role", "read", "--quiet"], ["export", "--collection", "prey", "--npy", "out.npy"],
    ):  # fmt: skip
        augstore.ok(*words, *to)
    for refused in (["collection", "delete", "prey@9"], ["backup", "create", "--quiet"]):
        augstore.run(*refused, *to)
    return recorder.close()


@contextlib.contextmanager
def slow_and_deaf(port: int, requests: bytes) -> Iterator[list[socket.socket]]:
    """Peers that send a byte a second, and peers that ask for batches and take none."""
    peers = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(SLOW + DEAF)]
    for deaf in peers[SLOW:]:
        deaf.setblocking(False)
        with contextlib.suppress(OSError):
            deaf.send(requests)
    stop = threading.Event()
    sender = threading.Thread(target=trickle, args=(peers[:SLOW], stop))
    sender.start()
    try:
        yield peers
    finally:
        stop.set()
        sender.join()
        for peer in peers:
            peer.close()


class Connections:
    """Those of the server, by its descriptors."""

    def __init__(self, augstore: Augstore, store: Path, none: int) -> None:
        self._augstore = augstore
        self._store = store
        self._none = none

    def wait_for(self, number: int) -> None:
        self._wait(lambda count: count >= self._none + number)

    def wait_for_none(self) -> None:
        self._wait(lambda count: count <= self._none)

    def _wait(self, enough: Callable[[int], bool]) -> None:
        deadline = time.monotonic() + 20
        while not enough(len(descriptors(self._augstore, self._store))) and time.monotonic() < deadline:
            time.sleep(0.02)


def rate_beside_many(good: Good, port: int, connections: Connections) -> float:
    """The good client's rate while 2,000 connections are open that ask for nothing."""
    many = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(MANY)]
    connections.wait_for(MANY)
    rate = good.rate()
    for peer in many:
        peer.close()
    return rate


def shares(
    good: Good, port: int, connections: Connections, requests: bytes, patience: float, rounds: int, bar: float
) -> tuple[float, float]:
    """The shares of its rate that a good client keeps beside slow and deaf peers, and beside many connections: medians of
    rounds, each of which is compared with the rates without them just before and after it. Where one is below `bar`, as on
    a machine that has other work, up to three times as many rounds tell."""
    beside: list[float] = []
    crowded: list[float] = []
    alone = good.rate()
    while len(beside) < rounds or (min(median(beside), median(crowded)) < bar and len(beside) < 3 * rounds):
        with slow_and_deaf(port, requests) as peers:
            time.sleep(0.5)  # as much is made for the deaf ones as is kept for them
            slowed = good.rate()
            if not beside:
                left = wait_until_closed(peers, patience)
                if left > 0:
                    raise Broken(f"{left} of {len(peers)} slow peers were not closed within {patience} s")
        connections.wait_for_none()
        between = good.rate()
        beside.append(slowed / ((alone + between) / 2))
        among = rate_beside_many(good, port, connections)
        connections.wait_for_none()
        alone = good.rate()
        crowded.append(among / ((between + alone) / 2))
    return median(beside), median(crowded)


def attack(augstore: Augstore, good: Good, frames: list[tuple[int, bytes]], draw: random.Random, count: int) -> Attack:
    """Sends damaged frames while a good client streams, and ends it."""
    attacker = Attack(augstore.work / "socket", Mutator(frames, draw))
    reader = good.start()
    try:
        attacker.run(count)
    except OSError as error:
        raise Broken(f"after {attacker.sent} frames the server does not answer: {error}") from error
    finally:
        attacker.close()
    good.finish(reader)
    return attacker


def test_frames(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Damaged frames and peers that misbehave: no crash, no report of a sanitizer, and others are served."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        with store_in_memory(augstore.work) as store:
            return misbehave(augstore, store, draw, scale)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def serve_prey(augstore: Augstore, store: Path, *flags: str) -> list[tuple[int, bytes]]:
    """A server of a new store, and the frames of commands that use it."""
    augstore.ok(*augstore.imports(["--store", str(store)], "c", 0, 2000))
    augstore.serve(store, *flags)
    (augstore.work / "recorder").unlink(missing_ok=True)
    return record_frames(augstore)


def expect_descriptors(augstore: Augstore, store: Path, before: list[str]) -> None:
    after = settled_descriptors(augstore, store, len(before))
    if len(after) > len(before):
        raise Broken(f"{len(after)} descriptors are open, {len(before)} at the start: {after}, and then {before}")


def misbehave(augstore: Augstore, store: Path, draw: random.Random, scale: float) -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    timeout, seconds, rounds, bar = (5, 3, 8, 0.9) if scale >= 1 else (2, 1, 2, 0.4)
    limits = ["--frame-timeout", str(timeout), "--write-timeout", str(timeout)]
    for flag in ("--max-connections", "--max-connections-per-host", "--max-unauthenticated-per-host"):
        limits += [flag, str(MANY + 500)]
    frames = serve_prey(augstore, store, "--listen", f"tcp://127.0.0.1:{port}", "--insecure", *limits)
    good = Good(augstore, seconds)
    before = settled_descriptors(augstore, store)
    requests = b"".join(seal(kind, 7, body) for kind, body in frames if kind == BATCHES) * 200
    # A peer is closed after the time of a frame and that of a write, one after the other.
    connections = Connections(augstore, store, len(before))
    beside, crowded = shares(good, port, connections, requests, 2 * timeout + 5, rounds, bar)
    expect_descriptors(augstore, store, before)
    sent, closed = 0, 0
    while sent < (1_000_000 if scale >= 1 else 10_000):
        if sent > 0:  # what damaged frames make, such as keys, slows down what lists it
            augstore.kill()
            shutil.rmtree(store)
            frames = serve_prey(augstore, store)
            before = settled_descriptors(augstore, store)
        attacker = attack(augstore, good, frames, draw, 50_000 if scale >= 1 else 5_000)
        sent, closed = sent + attacker.sent, closed + attacker.closed
        expect_descriptors(augstore, store, before)
        augstore.ok("verify", "--connect", augstore.address)
    said = (augstore.work / "server.txt").read_text(errors="replace")
    if "Sanitizer" in said or "runtime error" in said:
        raise Broken(f"a sanitizer reports: {said[-3000:]}")
    augstore.kill()
    if min(beside, crowded) < bar:
        raise Broken(f"a good client keeps {beside:.2f} of its rate beside slow peers, {crowded:.2f} beside {MANY} connections")
    kinds = len({kind for kind, _ in frames})
    return (
        f"{sent} damaged frames, made of {len(frames)} of {kinds} kinds, "
        f"{'with' if has_sanitizer(augstore.program) else 'without'} AddressSanitizer: {closed} connections ended, "
        f"{len(before)} descriptors as before; {SLOW} slow peers and {DEAF} that never read closed in time; a good client keeps "
        f"{beside:.2f} of its rate beside them, {crowded:.2f} beside {MANY} connections"
    )
