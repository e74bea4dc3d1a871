"""Stored views whose making is cut off."""

from __future__ import annotations

import json
import random
import subprocess
import time

from torture_tests.program import ROOT, Augstore, Broken

BACKBONE = ROOT / "tools/demo_assets/backbone.pt"
SETS = 3  # of views, that a collection gets one after the other


def view_sets(round_number: int) -> list[list[str]]:
    """What is added to a collection; each draws other views than any round before, so that they are embedded."""
    seed = str(round_number)
    return [
        ["--law", "rotate(-30..30)>brightness(0.7..1.4)", "--random", "2", "--seed", seed],
        ["--law", "rotate(-30..30)>brightness(0.7..1.4)", "--random", "4", "--seed", seed],
        ["--law", "zoom(1..1.3)", "--random", "1", "--seed", seed],
    ]


def state(augstore: Augstore, where: list[str], collection: str) -> tuple[str, str]:
    """Digests of the latest version, and of a stream that draws every view."""
    shown = json.loads(augstore.ok("collection", "show", collection, *where, "--json"))
    policy = ["--policy", "identity,views:3,view(zoom(1..1.3)):2", "--epochs", "4", "--batch-size", "16", "--quiet", "--json"]
    streamed = json.loads(augstore.ok("stream", "--collection", collection, *policy, *where))
    return shown["digest"], streamed["stream_digest"]


def test_views(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """Views that were cut off are made again, and are those of an undisturbed run."""
    if not BACKBONE.exists() or not (augstore.program.parent / "augstore-torch").exists():
        return "skipped: there is no backbone, or this build has no LibTorch"
    rounds = max(1, int(40 * scale))
    store, calm = augstore.work / "store", ["--store", str(augstore.work / "calm")]
    where = ["--connect", augstore.address]
    augstore.serve(store)
    augstore.ok("synth", "--out", "images", "--per-class", "3", "--seed", "1")
    cut = 0
    for number in range(rounds):
        words = ["--collection", f"c{number}", "--backbone", str(BACKBONE), "--images", "images", "--quiet", "--json"]
        augstore.ok("ingest", *where, *words)
        augstore.ok("ingest", *calm, *words)
        for views in view_sets(number):
            add = ["view", "add", *words, *views]
            cut += cut_off(augstore, [*add, *where], draw)
            augstore.ok(*add, *where)
            if json.loads(augstore.ok(*add, *where))["phi_calls"] != 0:
                raise Broken(f"{' '.join(views)}: views that were stored are made again")
            augstore.ok(*add, *calm)
        if state(augstore, where, f"c{number}") != state(augstore, calm, f"c{number}"):
            raise Broken(f"round {number}: other views than those of an undisturbed run")
    if cut == 0 and rounds > 1:
        raise Broken("every making of views was finished before it was cut off: nothing was tried")
    if '"ok": true' not in augstore.ok("verify", *where, "--json"):
        raise Broken("verify finds damage")
    augstore.kill()
    return f"{cut} of {rounds * SETS} makings of views cut off, and made again: all views are those of an undisturbed run"


def cut_off(augstore: Augstore, words: list[str], draw: random.Random) -> bool:
    """Whether the command was not finished when its server or, as often, it itself was killed."""
    writer = subprocess.Popen(
        [str(augstore.program), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=augstore.work
    )
    time.sleep(draw.uniform(0.2, 2))
    unfinished = writer.poll() is None
    if draw.random() < 0.5:
        writer.kill()
    else:
        augstore.kill()
        augstore.serve(augstore.work / "store")
    writer.wait(timeout=120)  # clients try for a while
    return unfinished
