"""The program augstore with a folder for one test, and what several tests need."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DIM = 64
NOT_FOUND, REFUSED, DATA_LOSS = 3, 4, 6  # exit codes


class Broken(Exception):
    """A promise that was not kept."""


def row_bytes(row: int) -> bytes:
    """A float32 row that is different for every number."""
    draw = random.Random(row)
    return struct.pack(f"<{DIM}f", *(draw.uniform(-1, 1) for _ in range(DIM)))


def write_npy(path: Path, rows: int, first: int) -> None:
    """The rows from `first` on."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {DIM}), }}"
    header = header.ljust(117) + "\n"
    with path.open("wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for row in range(first, first + rows):
            file.write(row_bytes(row))


class Augstore:
    """The program, with a folder for one test."""

    def __init__(self, program: Path, work: Path) -> None:
        self.program = program
        self.work = work
        self.server: subprocess.Popen[bytes] | None = None
        self.address = f"unix://{work}/socket"
        self.patience = 120.0  # seconds for a command

    def run(self, *words: str, limit: Callable[[], None] | None = None) -> tuple[int, str]:
        command = [str(self.program), *words]
        try:
            done = subprocess.run(command, capture_output=True, timeout=self.patience, cwd=self.work, preexec_fn=limit)
        except subprocess.TimeoutExpired as error:
            raise Broken(f"{' '.join(words)} hangs") from error
        output = done.stdout.decode() + done.stderr.decode()
        if done.returncode < 0:
            raise Broken(f"{' '.join(words)} died of signal {-done.returncode}: {output}")
        return done.returncode, output

    def ok(self, *words: str) -> str:
        code, output = self.run(*words)
        if code != 0:
            raise Broken(f"{' '.join(words)} failed with {code}: {output}")
        return output

    def serve(self, store: Path, *flags: str, limit: Callable[[], None] | None = None) -> None:
        (self.work / "socket").unlink(missing_ok=True)
        self.server = subprocess.Popen(
            [str(self.program), "serve", "--create", "--store", str(store), "--listen", self.address, "--quiet", *flags],
            stdout=subprocess.PIPE,
            stderr=(self.work / "server.txt").open("ab"),
            preexec_fn=limit,
        )
        assert self.server.stdout is not None
        if b"serving" not in self.server.stdout.readline():
            raise Broken(f"the server does not start: {(self.work / 'server.txt').read_text()[-1000:]}")

    def kill(self) -> None:
        if self.server is None:
            return
        if self.server.poll() is not None:
            raise Broken(f"the server ended by itself with {self.server.returncode}")
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.server = None

    def collections(self, *where: str) -> dict[str, str]:
        """Digest of each version."""
        found: dict[str, str] = {}
        for latest in json.loads(self.ok("collection", "ls", *where, "--json"))["collections"]:
            code, output = self.run("collection", "versions", latest["name"], *where, "--json")
            if code == 0:
                found |= {version["ref"]: version["digest"] for version in json.loads(output)["collections"]}
            elif code != NOT_FOUND:
                raise Broken(f"the versions of {latest['name']} cannot be listed: {output}")
        return found

    def imports(self, where: list[str], collection: str, first: int, rows: int) -> list[str]:
        """The words of an import of the rows from `first` on."""
        npy = self.work / f"{first}-{rows}.npy"
        if not npy.exists():
            write_npy(npy, rows, first)
        return ["import", *where, "--collection", collection, "--npy", str(npy), "--backbone-name", "b", "--quiet", "--json"]


def acknowledged(output: str) -> tuple[str, str]:
    """What a finished import said: its version and digest."""
    reply = json.loads(output[output.index("{") :])
    return reply["collection"], reply["digest"]


def write_dear_transform(path: Path, layers: int, hidden: int) -> None:
    """A transform of the test's dimension that takes layers * 2 * DIM * hidden multiply-adds a row."""
    tensors: dict[str, dict[str, object]] = {}
    at = 0
    for number in range(2 * layers):
        rows, columns = (hidden, DIM) if number % 2 == 0 else (DIM, hidden)
        tensors[f"{number}.weight"] = {"dtype": "F32", "shape": [rows, columns], "data_offsets": [at, at + 4 * DIM * hidden]}
        at += 4 * DIM * hidden
        tensors[f"{number}.bias"] = {"dtype": "F32", "shape": [rows], "data_offsets": [at, at + 4 * rows]}
        at += 4 * rows
    header = json.dumps(tensors).encode()
    header += b" " * (-len(header) % 8)
    path.write_bytes(struct.pack("<Q", len(header)) + header + struct.pack("<f", 1e-3) * (at // 4))


def has_sanitizer(program: Path) -> bool:
    """Of addresses: it keeps what was freed for a while, so that its memory says nothing."""
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"__asan_init") >= 0


@contextlib.contextmanager
def store_in_memory(work: Path) -> Iterator[Path]:
    """Where a store is in memory, if this machine has such a file system: a busy disk is waited for at each write."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 6 << 30
    folder = Path(tempfile.mkdtemp(prefix="augstore-torture-", dir=memory if roomy else work))
    try:
        yield folder / "store"
    except Broken as broken:
        raise Broken(f"{broken} (the store is in {folder})") from broken
    shutil.rmtree(folder)


def resident_mib(augstore: Augstore) -> float:
    assert augstore.server is not None
    status = Path(f"/proc/{augstore.server.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def cpu_seconds(augstore: Augstore) -> float:
    assert augstore.server is not None
    fields = Path(f"/proc/{augstore.server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descriptors(augstore: Augstore, store: Path) -> list[str]:
    """Those that are not files of the store, which grows."""
    assert augstore.server is not None
    found = []
    for descriptor in Path(f"/proc/{augstore.server.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(descriptor))
    return sorted(name for name in found if not name.startswith(str(store)))


def settled_descriptors(augstore: Augstore, store: Path, most: int | None = None) -> list[str]:
    """Descriptors once their number stays the same for a second, and is not above `most`; else as they are after 20 s."""
    deadline, last, since = time.monotonic() + 20, -1, 0.0
    while True:
        now, found = time.monotonic(), descriptors(augstore, store)
        if len(found) != last:
            last, since = len(found), now
        if now > deadline or (now - since >= 1 and (most is None or last <= most)):
            return found
        time.sleep(0.05)
