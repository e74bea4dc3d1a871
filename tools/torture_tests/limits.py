"""Stores and servers that have too little: room on the device, descriptors, memory, time."""

from __future__ import annotations

import array
import contextlib
import json
import os
import random
import resource
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from torture_tests.program import Augstore, Broken, acknowledged, cpu_seconds, resident_mib, write_dear_transform
from torture_tests.wire import header


def test_full(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """A full device: reading goes on, nothing acknowledged is lost, writing goes on after space is freed."""
    if os.geteuid() != 0:
        return "left out: a small file system can only be mounted by root"
    device = augstore.work / "device"
    device.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(device)], capture_output=True)
    if mounted.returncode != 0:
        return "left out: no file system can be mounted here"
    try:
        return fill(augstore, device)
    finally:
        if augstore.server is not None:
            augstore.kill()
        subprocess.run(["umount", str(device)], check=True)


def fill(augstore: Augstore, device: Path) -> str:
    store = device / "store"
    connect = ["--connect", augstore.address]
    augstore.serve(store)
    acked: dict[str, str] = {}
    for number in range(100):
        code, output = augstore.run(*augstore.imports(connect, f"c{number}", number * 5000, 5000))
        if code != 0:
            break
        ref, digest = acknowledged(output)
        acked[ref] = digest
    else:
        raise Broken("the device does not fill up")
    for step in ("on the full device", "after a kill", "after space is freed"):
        if augstore.collections(*connect) != acked:
            raise Broken(f"{step}: a version is missing")
        augstore.ok("query", *connect, "--collection", "c0", "--ids", "0", "--json")
        augstore.ok("verify", *connect, "--json")
        augstore.kill()
        if augstore.collections("--store", str(store)) != acked:
            raise Broken(f"{step}: the store cannot be read without a server")
        if step == "on the full device":
            # A server may not find the room to start; then freeing some helps.
            subprocess.run(["mount", "-o", "remount,size=28m", str(device)], check=True)
        else:
            subprocess.run(["mount", "-o", "remount,size=200m", str(device)], check=True)
        augstore.serve(store)
    augstore.ok(*augstore.imports(connect, "after", 10**6, 5000))
    augstore.kill()
    return f"filled after {len(acked)} imports: all readable, and written again once there was room"


def test_files(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Many tables under few descriptors."""
    store = augstore.work / "many"
    count = max(30, int(120 * scale))
    for number in range(count):
        augstore.ok(*augstore.imports(["--store", str(store)], f"c{number % 3}", number * 300, 300))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, 128))

    tables = sum(file.suffix == ".sst" for file in store.iterdir())
    for words in (["verify", "--json"], ["export", "--collection", "c0", "--npy", "out.npy"]):
        code, output = augstore.run(words[0], "--store", str(store), *words[1:], limit=limit)
        if code != 0:
            raise Broken(f"{words[0]} of {tables} tables with 128 descriptors ends with {code}: {output}")
    return f"{count} imports, {tables} tables, read and verified with 128 descriptors"


def answer_time(augstore: Augstore, most: float, what: str) -> float:
    began = time.monotonic()
    augstore.ok("stats", "--connect", augstore.address)
    took = time.monotonic() - began
    if took > most:
        raise Broken(f"{what} a server took {took:.1f} s to answer")
    return took


def test_greedy(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """The server answers others at once, forgets what its clients no longer want, and stops in time."""
    connect = ["--connect", augstore.address]
    augstore.serve(augstore.work / "store")
    augstore.ok(*augstore.imports(connect, "c", 0, 2000))
    weights = augstore.work / "dear.safetensors"
    write_dear_transform(weights, layers=8, hidden=4096)
    augstore.ok("transform", "register", *connect, "--name", "dear", "--weights", str(weights), "--op", "vflip", "--backbone", "b")
    policy = ">".join(["dear@1"] * 16)
    request = ["stream", *connect, "--collection", "c", "--policy", policy, "--batch-size", "2000", "--quiet"]
    took = 0.0
    rounds = max(1, int(20 * scale))
    for _ in range(rounds):
        peers = [
            subprocess.Popen([str(augstore.program), *request, "--stream-seed", str(draw.randrange(1 << 30))],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(24)
        ]  # fmt: skip
        time.sleep(1)
        took = max(took, answer_time(augstore, 2, "beside 24 dear requests"))
        for peer in peers:
            peer.kill()
            peer.wait()
        time.sleep(2)
        before = cpu_seconds(augstore)
        time.sleep(0.5)
        if cpu_seconds(augstore) - before > 0.25:
            raise Broken("the server goes on computing for clients that are gone")
    trickle = [socket.socket(socket.AF_UNIX) for _ in range(max(20, int(200 * scale)))]
    for slow in trickle:
        slow.connect(str(augstore.work / "socket"))
        slow.send(b"AUGS")
    took = max(took, answer_time(augstore, 2, f"beside {len(trickle)} connections that trickle"))
    last = subprocess.Popen([str(augstore.program), *request], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(1)
    assert augstore.server is not None
    augstore.server.terminate()
    began = time.monotonic()
    code = augstore.server.wait(timeout=60)
    stopped = time.monotonic() - began
    augstore.server = None
    last.kill()
    last.wait()
    for slow in trickle:
        slow.close()
    if code != 0 or stopped > 3:
        raise Broken(f"SIGTERM during a dear request: ended with {code} after {stopped:.1f} s")
    return f"{24 * rounds} dear requests: others answered within {took:.2f} s; stopped within {stopped:.2f} s"


def stream_rate(augstore: Augstore, seconds: float) -> float:
    """Batches of a good client in a second."""
    began, batches = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        output = augstore.ok("stream", "--connect", augstore.address, "--collection", "c", "--json", "--quiet")
        batches += json.loads(output)["batches"]
    return batches / (time.monotonic() - began)


def test_memory(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Resident memory stays at the figure of --memory and a constant, and a good client is served."""
    memory, constant = 512, 160
    store = augstore.work / "store"
    augstore.ok(*augstore.imports(["--store", str(store)], "c", 0, 20000))
    augstore.serve(store, "--memory", str(memory))
    alone = stream_rate(augstore, 3)
    request = ["stream", "--connect", augstore.address, "--collection", "c", "--batch-size", "20000", "--quiet"]
    stuck = [
        subprocess.Popen([str(augstore.program), *request], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(20)
    ]
    time.sleep(0.5)
    for peer in stuck:
        peer.send_signal(signal.SIGSTOP)  # takes nothing of what it asked for
    large = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for one in large:
        one.connect(str(augstore.work / "socket"))
        one.settimeout(5)
        with contextlib.suppress(OSError):
            one.sendall(header(8, 1, 500 << 20, 0) + bytes(1 << 20))
    most, began = 0.0, time.monotonic()
    rates = []
    while time.monotonic() - began < max(6, 60 * scale):
        rates.append(stream_rate(augstore, 1))
        most = max(most, resident_mib(augstore))
    for peer in stuck:
        peer.kill()
        peer.wait()
    for one in large:
        one.close()
    augstore.kill()
    if most > memory + constant:
        raise Broken(f"--memory {memory}, and {most:.0f} MiB are resident")
    rates.sort()
    good = rates[len(rates) // 2]
    if good < 0.8 * alone:
        raise Broken(f"a good client gets {good:.0f} batches a second, {alone:.0f} alone")
    return f"--memory {memory}: at most {most:.0f} MiB resident; a good client keeps {good / alone:.2f} of its rate"


def write_many(path: Path, first: int, rows: int) -> None:
    """Rows (number, 1, 1, 1) of float32."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 4), }}".ljust(117) + "\n"
    values = array.array("f", [1]) * (4 * rows)
    values[::4] = array.array("f", range(first, first + rows))
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + values.tobytes())


def test_commit(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """A sample that is added to millions takes a second, and the server little memory."""
    piece = 1_000_000 if scale >= 1 else 10_000
    rows = 10 * piece
    connect = ["--connect", augstore.address]
    npy = augstore.work / "many.npy"
    words = ["import", *connect, "--collection", "c", "--npy", str(npy), "--backbone-name", "b", "--quiet", "--json"]
    augstore.patience = 1200
    augstore.serve(augstore.work / "store")
    for first in range(0, rows, piece):
        write_many(npy, first, piece)
        augstore.ok(*words)
    augstore.kill()
    augstore.serve(augstore.work / "store")  # with nothing in memory
    times = []
    before = resident_mib(augstore)
    for number in range(5):
        write_many(npy, rows + number, 1)
        began = time.monotonic()
        reply = json.loads(augstore.ok(*words))
        times.append(time.monotonic() - began)
        if reply["samples"] != rows + number + 1:
            raise Broken(f"{reply['samples']} samples after {rows + number + 1} were imported")
    grown = resident_mib(augstore) - before
    augstore.kill()
    times.sort()
    if times[2] > 1 or grown > 256:
        raise Broken(f"one sample on {rows}: {times[2]:.2f} s (of {times}), {grown:.0f} MiB more are resident")
    return f"one sample on {rows}: {times[2]:.2f} s in the middle of five, {times[-1]:.2f} s at most; {grown:.0f} MiB more resident"
