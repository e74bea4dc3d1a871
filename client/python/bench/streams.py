"""Rows per second into PyTorch tensors: augstore's stream and the baselines that people use instead. One run, medians.

    AUGSTORE_BINARY=build/release/tools/augstore /usr/bin/python3 client/python/bench/streams.py [--quick] [--json]

`augstore bench python` runs it and shows its JSON. It makes its own store. Every case returns batches of 256 rows in a new
random order; the rounds go through all cases in turn, so that a busy minute of the machine hits all of them. "policy" rows
draw identity or one affine map for every sample; "plain" rows are z as it is.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import augstore  # noqa: E402
from augstore.embedded import find_binary  # noqa: E402

BATCH, VIEWS, TARGET = 256, 4, 0.8
POLICY = "identity:1,affine@1:1"
Rates = Dict[Tuple[str, str], List[float]]  # (name, policy) -> rows per second of each round


class Setting(NamedTuple):
    """The data of one run."""

    folder: str
    z: torch.Tensor  # n x d
    y: torch.Tensor
    weight: torch.Tensor
    addresses: Dict[str, str]  # "tcp", "unix"
    epochs: int


class Case(NamedTuple):
    name: str
    policy: str  # what it compares with: "plain" or "policy"
    rows_per_second: Callable[[], float]
    why: str  # when it is faster than augstore over the same policy


def timed(setting: Setting, epoch: Callable[[int], Iterator[Any]]) -> float:
    """Rows per second of the epochs that ``epoch`` returns as batches (z, y)."""
    rows = 0
    begin = time.perf_counter()
    for number in range(setting.epochs):
        for z, _ in epoch(number):
            rows += len(z)
    seconds = time.perf_counter() - begin
    assert rows == setting.epochs * len(setting.z)
    return rows / seconds


def cpp_client(setting: Setting, transport: str, policy: str) -> Callable[[], float]:
    def run() -> float:
        command = [find_binary(), "stream", "--connect", setting.addresses[transport], "--collection", "bench", "--policy", policy]
        command += ["--epochs", str(setting.epochs), "--no-digest", "--quiet", "--json"]
        out = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        return float(out["rows_per_second"])

    return run


def python_client(setting: Setting, transport: str, policy: str, workers: int = 0) -> Callable[[], float]:
    dataset = augstore.StreamDataset(setting.addresses[transport], "bench", policy=policy, batch_size=BATCH)
    loader = augstore.StreamLoader(dataset, num_workers=workers, persistent_workers=workers > 0)

    def epoch(number: int) -> Iterator[Any]:
        loader.set_epoch(number)
        return iter(loader)

    return lambda: timed(setting, epoch)


def tensor_dataset(setting: Setting) -> Callable[[], float]:
    loader = DataLoader(TensorDataset(setting.z, setting.y), batch_size=BATCH, shuffle=True)
    return lambda: timed(setting, lambda _: iter(loader))


def stored_views(setting: Setting, kind: str) -> Optional[Callable[[], float]]:
    """VIEWS views of every sample in a file, [view, sample, d]; each epoch draws a view for each sample."""
    views = np.stack([setting.z.numpy()] * VIEWS)
    if kind == "npy":
        np.save(os.path.join(setting.folder, "views.npy"), views)
        file: Any = np.load(os.path.join(setting.folder, "views.npy"), mmap_mode="r").reshape(-1, views.shape[2])
    else:
        try:
            import h5py
        except ImportError:
            return None
        path = os.path.join(setting.folder, "views.h5")
        with h5py.File(path, "w") as out:
            out.create_dataset("views", data=views.reshape(-1, views.shape[2]))
        file = h5py.File(path, "r")["views"]
    random = np.random.default_rng(1)
    count = len(setting.z)

    def epoch(_: int) -> Iterator[Any]:
        order = random.permutation(count)
        for begin in range(0, count, BATCH):
            samples = order[begin : begin + BATCH]
            rows = random.integers(0, VIEWS, len(samples)) * count + samples
            if kind == "h5py":  # it takes rows in ascending order only
                by_row = np.argsort(rows)
                rows, samples = rows[by_row], samples[by_row]
            yield torch.from_numpy(np.asarray(file[rows])), setting.y[torch.from_numpy(samples)]

    return lambda: timed(setting, epoch)


def pytorch_in_memory(setting: Setting) -> Callable[[], float]:
    """The loop of a user who holds z in memory and has Ω as a module."""
    omega = torch.nn.Sequential(torch.nn.Linear(*setting.weight.shape))
    with torch.no_grad():
        omega[0].weight.copy_(setting.weight)

    def epoch(number: int) -> Iterator[Any]:
        generator = torch.Generator().manual_seed(number)
        order = torch.randperm(len(setting.z), generator=generator)
        with torch.no_grad():
            for samples in order.split(BATCH):
                z = setting.z[samples]
                drawn = torch.rand(len(z), generator=generator) < 0.5
                z[drawn] = omega(z[drawn])
                yield z, setting.y[samples]

    return lambda: timed(setting, epoch)


def cases(setting: Setting) -> List[Case]:
    found = []
    for name, policy in (("plain", "identity"), ("policy", POLICY)):
        for transport in ("tcp", "unix"):
            found.append(Case(f"C++ client, {transport}", name, cpp_client(setting, transport, policy), "no interpreter"))
            found.append(Case(f"augstore, {transport}", name, python_client(setting, transport, policy), ""))
        workers = python_client(setting, "unix", policy, 2)
        found.append(Case("augstore, unix, 2 workers", name, workers, ""))
    here = "it holds all rows in the trainer's own memory: no socket, no checksum, no second process"
    found.append(Case("DataLoader(TensorDataset), defaults", "plain", tensor_dataset(setting), here))
    for kind in ("npy", "h5py"):
        views = stored_views(setting, kind)
        if views is None:
            print("h5py is not installed: row left out", file=sys.stderr)
            continue
        stored = f"it reads {VIEWS} stored views and computes none: {VIEWS} times the disk, and every view made with Φ beforehand"
        found.append(Case(f"{kind}, {VIEWS} stored views", "policy", views, stored))
    found.append(Case("PyTorch, z in memory, nn.Sequential", "policy", pytorch_in_memory(setting), here))
    return found


def measure(every: List[Case], rounds: int) -> Rates:
    for case in every:
        if not case.name.startswith("C++"):  # a new process each time: nothing of it stays warm
            case.rows_per_second()
    rates: Rates = {(case.name, case.policy): [] for case in every}
    for _ in range(rounds):
        for case in every:
            rates[case.name, case.policy].append(case.rows_per_second())
    return rates


def ratio_of(rates: Rates, ours: str, other: str, policy: str) -> float:
    """The median over rounds of the ratio within one round: a busy minute of the machine hits both."""
    return statistics.median(a / b for a, b in zip(rates[ours, policy], rates[other, policy]))


def report(every: List[Case], rates: Rates, setting: Setting) -> Dict[str, Any]:
    rows = []
    for case in every:
        found = rates[case.name, case.policy]
        ratio = ratio_of(rates, "augstore, unix", case.name, case.policy)
        row = {"name": case.name, "policy": case.policy, "rows_per_second": statistics.median(found)}
        rows.append({**row, "low": min(found), "high": max(found), "ratio": ratio, "why": case.why if ratio < 1 else ""})
    targets = []
    for policy in ("plain", "policy"):
        for transport in ("tcp", "unix"):
            value = ratio_of(rates, f"augstore, {transport}", f"C++ client, {transport}", policy)
            name = f"Python / C++ client, {transport}, {policy}"
            targets.append({"name": name, "value": value, "target": TARGET, "met": value >= TARGET})
    rounds = len(rates[every[0].name, every[0].policy])
    shape = list(setting.z.shape)
    return {"rows": rows, "targets": targets, "shape": shape, "batch_size": BATCH, "epochs": setting.epochs, "rounds": rounds}


def verdict(row: Dict[str, Any]) -> str:
    if row["name"].startswith("augstore"):
        return ""
    if row["ratio"] >= 1:
        return f"augstore (unix) is {row['ratio']:.2f} times as fast"
    return f"{1 / row['ratio']:.2f} times as fast as augstore (unix): {row['why']}"


def print_table(result: Dict[str, Any]) -> None:
    n, d = result["shape"]
    print(f"{n:,} x {d}, batches of {BATCH}, {result['epochs']} epochs a round, median of {result['rounds']} rounds (lowest, highest)\n")
    for policy, title in (("plain", "z as it is"), ("policy", "identity or an affine map of d x d, drawn for each sample")):
        print(title)
        for row in result["rows"]:
            if row["policy"] == policy:
                rate = f"{row['rows_per_second']:>11,.0f} rows/s ({row['low']:,.0f}, {row['high']:,.0f})"
                print(f"  {row['name']:<36}{rate:<46}{verdict(row)}")
    for target in result["targets"]:
        print(f"{target['name']}: {target['value']:.2f}, target {target['target']}: {'met' if target['met'] else 'MISSED'}")


def start_server(folder: str, sockets: str) -> "subprocess.Popen[bytes]":
    command = [find_binary(), "serve", "--create", "--store", f"{folder}/db", "--json", "--quiet", "--parent", str(os.getpid())]
    command += ["--batch-cache", "0"]  # the cases read the same batches: none may profit from an earlier one
    command += ["--listen", "tcp://127.0.0.1:0", "--insecure", "--listen", f"unix://{sockets}/s"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def addresses_of(server: "subprocess.Popen[bytes]") -> List[str]:
    """Where the server listens; it prints one JSON value over several lines."""
    assert server.stdout is not None
    said = b""
    for line in server.stdout:
        said += line
        if line.rstrip() == b"}":
            return list(json.loads(said)["listening"])
    raise RuntimeError("the server did not start: its reason is printed above")


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Rows per second into PyTorch tensors: augstore and baselines")
    parser.add_argument("--quick", action="store_true", help="a small store and few rounds: does it run")
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    for name, what in (("rows", "embeddings"), ("dim", "dimension"), ("rounds", "rounds of which the median is taken")):
        parser.add_argument(f"--{name}", type=int, help=what)
    parser.add_argument("--seed", type=int, default=0, help="of the embeddings")
    parser.add_argument("--scratch", help="folder for the store and the views (default: the system's temporary folder)")
    options = parser.parse_args()
    defaults = (2000, 64, 2) if options.quick else (20_000, 512, 5)
    for name, value in zip(("rows", "dim", "rounds"), defaults):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def end(*_: Any) -> None:
    """Ends on the signal without leaving a folder, also when the signal comes twice."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def main() -> int:
    options = options_given()
    signal.signal(signal.SIGTERM, end)
    random = np.random.default_rng(options.seed)
    z = random.standard_normal((options.rows, options.dim), np.float32)
    y = random.integers(0, 10, options.rows)
    weight = random.standard_normal((options.dim, options.dim), np.float32) / np.float32(options.dim**0.5)
    # A socket's path is short, and a scratch folder's need not be.
    temporary = tempfile.TemporaryDirectory
    with temporary(prefix="augstore-bench-", dir=options.scratch) as folder, temporary(prefix="augstore-bench-") as sockets:
        server = start_server(folder, sockets)
        try:
            tcp, unix = addresses_of(server)
            with augstore.connect(unix) as client:
                client.import_embeddings("bench", z, y, backbone_name="bench")
                client.register_transform("affine", {"0.weight": weight})
            tensors = [torch.from_numpy(array) for array in (z, y, weight)]
            setting = Setting(folder, *tensors, {"tcp": tcp, "unix": unix}, 1 if options.quick else 3)
            every = cases(setting)
            result = report(every, measure(every, options.rounds), setting)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    if options.json:
        print(json.dumps(result))
    else:
        print_table(result)
    return 0 if all(target["met"] for target in result["targets"]) else 1


if __name__ == "__main__":
    sys.exit(main())
