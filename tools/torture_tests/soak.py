"""Everything at once, for a long time."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from torture_tests.program import ROOT, Augstore, Broken, has_sanitizer, resident_mib, settled_descriptors, write_dear_transform

BACKBONE = ROOT / "tools/demo_assets/backbone.pt"
ROWS = 400
POOL = 24  # contents that collections take turns with, so that stored rows are used again after a while
KEPT = 20  # versions of a collection; what a reader has just opened is not deleted


Step = Callable[[random.Random, int], object]


def growth(samples: list[tuple[float, float]]) -> float:
    """MiB a minute, by least squares of (seconds, MiB)."""
    middle = sum(at for at, _ in samples) / len(samples)
    mean = sum(mib for _, mib in samples) / len(samples)
    spread = sum((at - middle) ** 2 for at, _ in samples)
    return 60 * sum((at - middle) * (mib - mean) for at, mib in samples) / max(spread, 1e-9)


class Soak:
    """Clients of every kind, each a thread that repeats a step until it is told to stop or one fails."""

    def __init__(self, augstore: Augstore, backups: Path, draw: random.Random) -> None:
        self._augstore = augstore
        self._to = ["--connect", augstore.address]
        self._backups = backups
        self._draw = draw
        self.stopping = threading.Event()
        self.done: dict[str, int] = {}
        self.errors: list[str] = []
        self._threads: list[threading.Thread] = []
        self._prepare()

    def _prepare(self) -> None:
        for name in ("c0", "c1", "c2"):
            self._import(name, 0)
        for number in range(2):
            write_dear_transform(self._augstore.work / f"{number}.safetensors", 1, 8 + number)
            self._register(number)
        self._with_images = BACKBONE.exists() and (self._augstore.program.parent / "augstore-torch").exists()
        for seed in range(3 if self._with_images else 0):
            self._augstore.ok("synth", "--out", f"images{seed}", "--per-class", "2", "--seed", str(seed))

    def start(self) -> None:
        steps: list[tuple[str, float, Step]] = [
            ("imports", 0.2, lambda draw, number: self._import(f"c{number % 3}", draw.randrange(POOL))),
            ("registrations with alias moves", 1, lambda draw, number: self._register(number % 2)),
            ("deletions of versions", 1, lambda draw, number: self._delete_old(f"c{number % 3}")),
            ("streams", 0, self._stream),
            ("streams", 0, self._stream),
            ("streams", 0, self._stream),
            ("queries", 0.5, self._query),
            ("exports", 3, self._export),
            ("keys made and revoked", 2, self._key),
            ("stats", 1, lambda draw, number: self._run("stats")),
            ("verifications", 5, lambda draw, number: self._run("verify")),
            ("backups", 5, self._backup),
        ]
        if self._with_images:
            steps.append(("ingests of images with views", 5, self._ingest))
        for what, pause, step in steps:
            own = random.Random(self._draw.randrange(1 << 32))
            self._threads.append(threading.Thread(target=self._repeat, args=(what, pause, step, own)))
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._threads:
            thread.join()

    def _repeat(self, what: str, pause: float, step: Step, draw: random.Random) -> None:
        number = 0
        try:
            while not self.stopping.wait(pause):
                step(draw, number)
                number += 1
        except Broken as broken:
            self.errors.append(f"{what}: {broken}")
            self.stopping.set()
        self.done[what] = self.done.get(what, 0) + number

    def _run(self, *words: str) -> str:
        return self._augstore.ok(*words, *self._to)

    def _import(self, collection: str, content: int) -> None:
        self._augstore.ok(*self._augstore.imports(self._to, collection, content * ROWS, ROWS), "--start-empty")

    def _register(self, number: int) -> None:
        weights = ["--weights", str(self._augstore.work / f"{number}.safetensors"), "--op", "vflip", "--backbone", "b"]
        made = json.loads(self._run("transform", "register", "--name", "turn", *weights, "--json"))
        self._run("transform", "alias", "turn", "champion", str(made["version"]), "--force", "--json")

    def _delete_old(self, collection: str) -> None:
        listed = json.loads(self._run("collection", "versions", collection, "--json"))["collections"]
        for version in sorted(listed, key=lambda one: int(one["version"]))[:-KEPT]:
            self._run("collection", "delete", version["ref"])

    def _stream(self, draw: random.Random, number: int) -> None:
        policy = draw.choice(["identity", "identity:2,turn@champion:1", "turn@champion>turn@1"])
        words = ["--policy", policy, "--dtype", draw.choice(["f32", "f16", "u8"]), "--batch-size", str(draw.choice([32, 64, 100]))]
        words += ["--stream-seed", str(draw.randrange(1 << 20)), "--epochs", str(draw.randrange(1, 30)), "--quiet", "--json"]
        self._run("stream", "--collection", f"c{draw.randrange(3)}", *words)

    def _query(self, draw: random.Random, number: int) -> None:
        ids = ",".join(str(draw.randrange(ROWS)) for _ in range(5))
        self._run("query", "--collection", f"c{draw.randrange(3)}", "--ids", ids, "--apply", "turn@champion", "--json")

    def _export(self, draw: random.Random, number: int) -> None:
        self._run("export", "--collection", f"c{draw.randrange(3)}", "--npy", "out.npy", "--quiet")

    def _key(self, draw: random.Random, number: int) -> None:
        key = json.loads(self._run("key", "create", "--role", "read", "--scope", "c*", "--json"))["id"]
        self._run("key", "revoke", key)

    def _backup(self, draw: random.Random, number: int) -> None:
        self._run("backup", "create", "--quiet")
        self._augstore.ok("backup", "prune", "--from", str(self._backups), "--keep", "3", "--quiet")

    def _ingest(self, draw: random.Random, number: int) -> None:
        words = ["--collection", "drawn", "--images", f"images{number % 3}", "--backbone", str(BACKBONE), "--start-empty"]
        words += ["--threads", "1", "--quiet", "--json"]
        self._run("ingest", *words)
        words.remove("--start-empty")
        self._run("view", "add", *words, "--law", "rotate(-30..30)", "--random", "2", "--seed", str(number % 5))


def test_soak(augstore: Augstore, draw: random.Random, scale: float, minutes: float | None = None) -> str:
    """No request fails, memory is flat once the server has warmed up, and descriptors are at the end as at the start."""
    if minutes is None:
        minutes = 30 if scale >= 1 else 1 / 3
    store, backups = augstore.work / "store", augstore.work / "backups"
    augstore.serve(store, "--backup-dir", str(backups), "--memory", "512")
    soak = Soak(augstore, backups, draw)
    before = settled_descriptors(augstore, store)
    samples: list[tuple[float, float]] = []
    began = time.monotonic()
    soak.start()
    while not soak.stopping.wait(0.5) and time.monotonic() - began < 60 * minutes:
        samples.append((time.monotonic() - began, resident_mib(augstore)))
    soak.stop()
    if soak.errors:
        raise Broken(f"after {time.monotonic() - began:.0f} s: {'; '.join(soak.errors)}")
    after = settled_descriptors(augstore, store, len(before))
    if len(after) > len(before):
        raise Broken(f"{len(after)} descriptors are open, {len(before)} at the start: {after}, and then {before}")
    augstore.ok("verify", "--connect", augstore.address)
    augstore.kill()
    (augstore.work / "memory.csv").write_text("".join(f"{at:.1f},{mib:.2f}\n" for at, mib in samples))
    warm = [sample for sample in samples if sample[0] > 20 * minutes]  # without the first third
    slope, mean = growth(warm), sum(mib for _, mib in warm) / len(warm)
    most = max(16 if minutes >= 10 else 64, 0.1 * mean)  # tables in memory fill up during the first minutes
    if slope * minutes * 2 / 3 > most and not has_sanitizer(augstore.program):
        raise Broken(f"resident memory of {mean:.0f} MiB grows by {slope:.2f} MiB a minute (memory.csv)")
    counts = ", ".join(f"{count} {what}" for what, count in soak.done.items())
    return (
        f"{minutes:.1f} minutes of {counts}: 0 errors; resident memory of {mean:.0f} MiB changes by {slope:+.2f} MiB a minute "
        f"after warm-up; {len(after)} descriptors as before"
    )
