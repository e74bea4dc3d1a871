"""Deletions, searches for garbage and erasures that are cut off."""

from __future__ import annotations

import hashlib
import random
import subprocess
import time

from torture_tests.program import NOT_FOUND, Augstore, Broken, row_bytes

ROWS = 300  # a whole segment and a part of the next


def key_of(row: int) -> str:
    """Of an imported row: its content hash."""
    return hashlib.sha256(row_bytes(row)).hexdigest()[:32]


def exported(augstore: Augstore, ref: str) -> bytes:
    out = augstore.work / "exported.npy"
    augstore.ok("export", "--connect", augstore.address, "--collection", ref, "--npy", str(out), "--quiet")
    return out.read_bytes()[128:]


def cut_off(augstore: Augstore, words: list[str], draw: random.Random) -> None:
    """Runs a command whose server is killed at a random moment, and starts the server again."""
    store = augstore.work / "store"
    command = [str(augstore.program), *words, "--connect", augstore.address, "--quiet"]
    writer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(draw.uniform(0, 0.2))
    augstore.kill()
    augstore.serve(store)
    writer.wait(timeout=120)  # clients try for a while


def end(augstore: Augstore, words: list[str]) -> None:
    """The same again: it ends what was begun, or there is nothing left to do."""
    code, output = augstore.run(*words, "--connect", augstore.address, "--quiet")
    if code not in (0, NOT_FOUND):
        raise Broken(f"{' '.join(words)} after a kill ends with {code}: {output}")


def erase(augstore: Augstore, name: str, first: int, draw: random.Random) -> None:
    row = first + draw.randrange(ROWS)
    cut_off(augstore, ["sample", "erase", name, "--key", key_of(row), "--apply"], draw)
    image = ["sample", "erase", "--image", key_of(row), "--apply"]
    end(augstore, image)
    code, output = augstore.run(*image[:-1], "--connect", augstore.address)
    if code != NOT_FOUND:
        raise Broken(f"row {row} was erased, and something has it: {output}")
    if exported(augstore, name) != b"".join(row_bytes(r) for r in range(first, first + ROWS) if r != row):
        raise Broken(f"row {row} was erased from {name}, and other rows changed")


def test_deletion(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """What is cut off can be done again, and what others name stays as it was."""
    kills = max(6, int(120 * scale))
    connect = ["--connect", augstore.address]
    augstore.serve(augstore.work / "store")
    augstore.ok(*augstore.imports(connect, "base", 10**6, 1000))
    base = exported(augstore, "base@1")
    for number in range(kills):
        name, first = f"c{number}", number * 1000
        augstore.ok(*augstore.imports(connect, name, first, ROWS))
        delete = ["collection", "delete", name, "--all-versions"]
        if number % 3 == 0:
            erase(augstore, name, first, draw)
        if number % 3 == 1:
            cut_off(augstore, delete, draw)
        end(augstore, delete)
        if number % 3 == 2:
            cut_off(augstore, ["gc", "--apply"], draw)
            end(augstore, ["gc", "--apply"])
        if exported(augstore, "base@1") != base:
            raise Broken(f"after kill {number}: base@1 has other rows")
    if augstore.collections(*connect).keys() != {"base@1"}:
        raise Broken(f"deleted collections are there: {augstore.collections(*connect)}")
    end(augstore, ["gc", "--apply"])
    if '"rows": 0' not in augstore.ok("gc", *connect, "--json", "--quiet"):
        raise Broken("a second search for garbage finds some")
    if '"ok": true' not in augstore.ok("verify", *connect, "--json"):
        raise Broken("verify finds damage")
    augstore.kill()
    return f"{kills} erasures, deletions and searches for garbage cut off and ended: everything else is as it was"
