"""A store that is larger than the memory and the descriptors of its server."""

from __future__ import annotations

import json
import random
import resource
import struct
import subprocess
import threading
import time
from pathlib import Path

from torture_tests.program import Augstore, Broken, settled_descriptors, store_in_memory

DIM = 65536  # of rows of 256 KiB, of which two numbers are not zero: a file system keeps the rest as holes
PIECE = 4096  # rows of an import: 1 GiB
DESCRIPTORS = 256
MOST_SECONDS = 600


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


def write_rows(path: Path, first: int, rows: int) -> None:
    """A sparse file of rows (number + 1, 1, 0, 0, ...)."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {DIM}), }}".ljust(117) + "\n"
    with path.open("wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        begin = file.tell()
        file.truncate(begin + rows * DIM * 4)
        for row in range(rows):
            file.seek(begin + row * DIM * 4)
            file.write(struct.pack("<2f", first + row + 1, 1))


class Digger:
    """Gives the zeros of finished tables back to the file system while a store grows; what a file reads as stays the same."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._sizes: dict[Path, int] = {}
        self._dug: dict[Path, int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._dig()
        self._dig()

    def _run(self) -> None:
        while not self._stopping.wait(0.5):
            self._dig()

    def _dig(self) -> None:
        sizes = {file: file.stat().st_size for file in self._store.glob("*.sst") if file.exists()}
        for file, size in sizes.items():
            if self._dug.get(file) != size and self._sizes.get(file) == size:  # else it may be being written
                subprocess.run(["fallocate", "--dig-holes", str(file)], capture_output=True)
                self._dug[file] = size
        self._sizes = sizes


def grow(augstore: Augstore, store: Path, rows: int, most_seconds: float) -> int:
    """Imports so many rows, or fewer when the time is over, and returns how many there are."""
    began, made = time.monotonic(), 0
    digger = Digger(store)
    npy = augstore.work / "piece.npy"
    try:
        while made < rows and time.monotonic() - began < most_seconds:
            count = min(PIECE, rows - made)
            write_rows(npy, made, count)
            words = ["import", "--store", str(store), "--collection", "c", "--npy", str(npy), "--backbone-name", "b", "--quiet"]
            code, output = augstore.run(*words, limit=few_descriptors)
            if code != 0:
                raise Broken(f"after {made} rows an import ends with {code}: {output}")
            made += count
    finally:
        digger.stop()
        npy.unlink(missing_ok=True)
    return made


def check_rows(augstore: Augstore, rows: int, draw: random.Random) -> None:
    ids = sorted(draw.sample(range(rows), 32))
    words = ["--collection", "c", "--ids", ",".join(map(str, ids)), "--npy", "rows.npy", "--quiet"]
    augstore.ok("query", "--connect", augstore.address, *words)
    content = (augstore.work / "rows.npy").read_bytes()[-len(ids) * DIM * 4 :]
    for place, number in enumerate(ids):
        row = content[place * DIM * 4 : (place + 1) * DIM * 4]
        if row != struct.pack("<2f", number + 1, 1) + bytes(len(row) - 8):
            raise Broken(f"row {number} of {rows} is another one")


def test_large(augstore: Augstore, draw: random.Random, scale: float, gigabytes: float | None = None) -> str:
    """A store of so many GiB of embeddings grows, opens, streams and is verified with 256 descriptors."""
    most_seconds = MOST_SECONDS if gigabytes is None else float("inf")
    wanted = gigabytes if gigabytes is not None else 200 if scale >= 1 else 1
    augstore.patience = 3600
    with store_in_memory(augstore.work) as store:
        began = time.monotonic()
        rows = grow(augstore, store, int(wanted * PIECE), most_seconds)
        grown = time.monotonic() - began
        tables = list(store.glob("*.sst"))
        size = sum(file.stat().st_size for file in tables) / 2**30
        taken = sum(file.stat().st_blocks * 512 for file in tables) / 2**30
        began = time.monotonic()
        augstore.serve(store, limit=few_descriptors)
        opened = time.monotonic() - began
        before = settled_descriptors(augstore, store)
        check_rows(augstore, rows, draw)
        began = time.monotonic()
        parts = max(1, rows // PIECE)  # one of them is about a GiB, of rows from everywhere
        words = ["stream", "--connect", augstore.address, "--collection", "c", "--batch-size", "32", "--no-digest", "--quiet", "--json"]
        part = json.loads(augstore.ok(*words, "--world-size", str(parts), "--rank", str(draw.randrange(parts))))
        streamed = time.monotonic() - began
        after = settled_descriptors(augstore, store, len(before))
        if len(after) > len(before):
            raise Broken(f"{len(after)} descriptors are open, {len(before)} at the start: {after}, and then {before}")
        began = time.monotonic()
        augstore.ok("verify", "--connect", augstore.address, "--json")
        verified = time.monotonic() - began
        augstore.kill()
    return (
        f"{rows} rows in {size:.1f} GiB of {len(tables)} tables ({taken:.2f} GiB without their holes), made in {grown:.0f} s"
        f"{'' if rows >= int(wanted * PIECE) else f' (of {wanted:.0f} GiB: the time was over)'}; with {DESCRIPTORS} descriptors "
        f"opened in {opened:.1f} s, {part['rows']} rows streamed in {streamed:.0f} s, verified in {verified:.0f} s"
    )
