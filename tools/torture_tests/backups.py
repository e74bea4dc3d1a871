"""Backups beside imports and streams."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from torture_tests.program import NOT_FOUND, REFUSED, Augstore, Broken, acknowledged


class Beside:
    """Imports and streams that run until they are stopped, and what was acknowledged to them."""

    def __init__(self, augstore: Augstore) -> None:
        self.augstore = augstore
        self.lock = threading.Lock()
        self.acked: dict[str, str] = {}
        self.streams = 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.writes), threading.Thread(target=self.reads)]
        for thread in self.threads:
            thread.start()

    def run(self, *words: str) -> str | None:
        """Nothing when the server was killed meanwhile."""
        command = [str(self.augstore.program), *words, "--connect", self.augstore.address]
        done = subprocess.run(command, capture_output=True, cwd=self.augstore.work, timeout=300)
        return done.stdout.decode() if done.returncode == 0 else None

    def writes(self) -> None:
        number = 0
        while not self.stopping.wait(0.3):  # each version is looked at after every backup
            words = self.augstore.imports([], f"c{number % 3}", number * 60, 60)
            output = self.run(*words)
            number += 1
            if output is not None:
                ref, digest = acknowledged(output)
                with self.lock:
                    self.acked[ref] = digest

    def reads(self) -> None:
        while not self.stopping.is_set():
            self.streams += self.run("stream", "--collection", "base", "--quiet", "--json") is not None

    def stop(self) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()


def backed_up(augstore: Augstore, backups: Path, number: int) -> dict[str, str]:
    """Digest of each collection's version that a backup names."""
    listed = json.loads(augstore.ok("backup", "ls", "--from", str(backups), "--id", str(number), "--json"))
    return {f"{v['name']}@{v['version']}": v["digest"] for v in listed["versions"] if v["kind"] == "collection"}


def check_restore(augstore: Augstore, backups: Path, number: int, draw: random.Random) -> bool:
    """Restores a backup, the first time with kill -9 at a random moment, and compares it. Returns whether it was cut off."""
    restored = augstore.work / "restored"
    shutil.rmtree(restored, ignore_errors=True)
    words = ["backup", "restore", "--from", str(backups), "--id", str(number), "--store", str(restored), "--quiet"]
    writer = subprocess.Popen([str(augstore.program), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(draw.uniform(0, 0.15))
    writer.send_signal(signal.SIGKILL)
    cut = writer.wait() != 0
    code, output = augstore.run("stats", "--store", str(restored))
    if code not in ((0, NOT_FOUND, REFUSED) if cut else (0,)):
        raise Broken(f"a restore that was cut off leaves a store that ends with {code}: {output}")
    if code != 0:
        augstore.ok(*words)
    found, named = augstore.collections("--store", str(restored)), backed_up(augstore, backups, number)
    if found != named:
        raise Broken(f"backup {number} names {named}, and restored is {found}")
    return code != 0


def test_backup(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Backups beside imports and streams hold what was acknowledged before, and restore to what they name."""
    rounds = max(2, int(20 * scale))
    backups = augstore.work / "backups"
    flags = ["--backup-dir", str(backups)]
    connect = ["--connect", augstore.address]
    store = augstore.work / "store"
    augstore.serve(store, *flags)
    augstore.ok(*augstore.imports(connect, "base", 10**6, 3000))
    beside = Beside(augstore)
    cut = interrupted = 0
    try:
        for number in range(rounds):
            time.sleep(draw.uniform(0, 0.3))
            with beside.lock:
                before = dict(beside.acked)
            made = json.loads(augstore.ok("backup", "create", *connect, "--quiet", "--json"))["id"]
            named = backed_up(augstore, backups, made)
            for ref, digest in before.items():
                if named.get(ref) != digest:
                    raise Broken(f"{ref} was acknowledged with digest {digest}, and backup {made} has {named.get(ref)}")
            cut += check_restore(augstore, backups, made, draw)
            # A backup that is interrupted with its server.
            words = ["backup", "create", *connect, "--quiet", "--rate", "1"]
            maker = subprocess.Popen([str(augstore.program), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0, 0.3))
            augstore.kill()
            augstore.serve(store, *flags)
            interrupted += maker.wait(timeout=300) != 0
            augstore.ok("backup", "verify", "--from", str(backups), "--quiet")
    finally:
        beside.stop()
    augstore.ok("backup", "prune", "--from", str(backups), "--keep", "2")
    augstore.ok("backup", "verify", "--from", str(backups), "--deep", "--quiet")
    augstore.kill()
    return (
        f"{rounds} backups beside {len(beside.acked)} imports and {beside.streams} streams, restored with the digests that "
        f"they name; {interrupted} backups and {cut} restores cut off by kill -9, none counted"
    )
