"""Stores whose server is killed, and whose files are damaged."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import subprocess
import time
from pathlib import Path

from torture_tests.program import DATA_LOSS, Augstore, Broken, acknowledged


def test_kill(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Imports run while the server is killed; each that was acknowledged is there afterwards."""
    kills = max(3, int(200 * scale))
    store = augstore.work / "store"
    connect = ["--connect", augstore.address]
    acked: dict[str, str] = {}
    gone: set[str] = set()
    finished = 0
    augstore.serve(store)
    for number in range(kills):
        words = augstore.imports(connect, f"c{number % 5}", number * 40, 40)
        deletes = [ref for ref in acked if ref not in gone and not ref.startswith(f"c{number % 5}@")]
        if number % 4 == 3 and deletes:
            words = ["collection", "delete", draw.choice(sorted(deletes)), *connect]
        writer = subprocess.Popen([str(augstore.program), *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        time.sleep(draw.uniform(0, 0.25))
        augstore.kill()
        # The client retries for a while: it may be acknowledged by the next server.
        augstore.serve(store)
        output = writer.communicate(timeout=120)[0].decode()
        if writer.returncode == 0 and words[0] == "import":
            ref, digest = acknowledged(output)
            acked[ref] = digest
            finished += 1
        elif words[0] == "collection":
            gone.add(words[2])
            if writer.returncode == 0 and words[2] in augstore.collections(*connect):
                raise Broken(f"{words[2]} was deleted and is there")
        found = augstore.collections(*connect)
        for ref, digest in acked.items():
            if ref not in gone and found.get(ref) != digest:
                raise Broken(f"after kill {number}: {ref} was acknowledged with digest {digest}, and is {found.get(ref)}")
    if '"ok": true' not in augstore.ok("verify", *connect, "--json"):
        raise Broken("verify finds damage")
    augstore.kill()
    return f"{kills} kills, {finished} acknowledged imports, 0 lost"


def killed_store(augstore: Augstore) -> tuple[Path, dict[str, str]]:
    """A store whose server was killed right after three imports, and what was acknowledged."""
    store = augstore.work / "killed"
    augstore.serve(store)
    acked = dict(
        acknowledged(augstore.ok(*augstore.imports(["--connect", augstore.address], f"c{i}", i * 40, 40))) for i in range(3)
    )
    augstore.kill()
    return store, acked


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir()) if file.is_file()}


def test_log(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Each damage is refused, or nothing that was acknowledged is missing; nothing is changed by looking."""
    store, acked = killed_store(augstore)
    copy = augstore.work / "copy"
    tries = max(6, int(300 * scale))
    refused = 0
    for number in range(tries):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(store, copy, ignore=shutil.ignore_patterns("SERVER"))
        log = draw.choice([file for file in sorted(copy.iterdir()) if file.suffix == ".log" and file.stat().st_size > 0])
        content = bytearray(log.read_bytes())
        place = draw.randrange(len(content))
        kind = ("bit", "zeros", "cut", "gone")[number % 4]
        if kind == "bit":
            content[place] ^= 1 << draw.randrange(8)
        elif kind == "zeros":
            content[place : place + 4096] = bytes(len(content[place : place + 4096]))
        else:
            del content[place:]
        log.unlink() if kind == "gone" else log.write_bytes(content)
        before = digests(copy)
        code, output = augstore.run("verify", "--store", str(copy), "--json")
        if digests(copy) != before:
            raise Broken(f"{kind} at {place} of {log.name}: verify changed the store")
        if code == DATA_LOSS:
            refused += 1
        elif code != 0 or augstore.collections("--store", str(copy)) != acked:
            raise Broken(f"{kind} at {place} of {log.name}: verify ended with {code} ({output}), and a version is missing")
    return f"{tries} damaged logs: {refused} refused, {tries - refused} complete, 0 silent losses"


def export(augstore: Augstore, store: Path) -> tuple[int, bytes]:
    out = augstore.work / "out.npy"
    out.unlink(missing_ok=True)
    code, _ = augstore.run("export", "--store", str(store), "--collection", "c0", "--npy", str(out), "--quiet")
    return code, out.read_bytes() if out.exists() else b""


def test_flips(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """No flipped bit leads to a wrong embedding, and verify finds each that is in live bytes."""
    store = augstore.work / "closed"
    augstore.ok(*augstore.imports(["--store", str(store)], "c0", 0, 2000))
    code, expected = export(augstore, store)
    if code != 0:
        raise Broken("the store cannot be exported")
    copy = augstore.work / "copy"
    tries = max(6, int(1000 * scale))
    found = 0
    for _ in range(tries):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(store, copy)
        files = [file for file in sorted(copy.iterdir()) if file.is_file() and file.stat().st_size > 0]
        # By size, so that most flips are in tables, and each file gets some.
        file = draw.choice(files) if draw.random() < 0.3 else draw.choices(files, [f.stat().st_size for f in files])[0]
        content = bytearray(file.read_bytes())
        place = draw.randrange(len(content))
        content[place] ^= 1 << draw.randrange(8)
        file.write_bytes(content)
        code, output = augstore.run("verify", "--store", str(copy), "--json")
        found += code == DATA_LOSS
        if code == 0 and file.suffix == ".sst":
            raise Broken(f"byte {place} of {file.name} is damaged, and verify does not find it")
        if code not in (0, DATA_LOSS):
            raise Broken(f"byte {place} of {file.name} is damaged: verify ends with {code}: {output}")
        code, got = export(augstore, copy)
        if code == 0 and got != expected:
            raise Broken(f"byte {place} of {file.name} is damaged: a wrong embedding was exported")
    return f"{tries} flipped bits: {found} found, the others in bytes that nothing reads; 0 wrong embeddings"
