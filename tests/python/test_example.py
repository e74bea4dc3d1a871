"""The example script against `augstore head train`, with the same settings on the same data."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT

pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")

SETTINGS = ["--arch", "mlp(128)", "--epochs", "20", "--batch-size", "128", "--lr", "1e-3", "--weight-decay", "0.01", "--heads", "8"]


def test_the_example_reaches_the_accuracy_of_head_train(own_client):
    random = np.random.default_rng(3)
    labels = random.integers(0, 6, 4000)
    z = (0.25 * (random.standard_normal((6, 32))[labels] + 2 * random.standard_normal((4000, 32)))).astype(np.float32)
    own_client.import_embeddings("blobs", z[:1000], labels[:1000], backbone_name="psi", source="train")
    own_client.import_embeddings("blobs", z[1000:], labels[1000:], backbone_name="psi", split="test", source="test")

    command = [os.environ["AUGSTORE_BINARY"], "head", "train", "--connect", own_client.address, "--collection", "blobs", *SETTINGS]
    trained = subprocess.run([*command, "--no-register", "--json", "--quiet"], capture_output=True, check=True)
    theirs = [100 * head["test_accuracy"] for head in json.loads(trained.stdout)["heads"]]

    example = [sys.executable, ROOT / "client/python/examples/train_head.py", own_client.address, "blobs"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "client/python")}
    said = subprocess.run(example, capture_output=True, check=True, text=True, env=environment).stdout
    ours = float(re.fullmatch(r"test accuracy ([\d.]+) %\n", said)[1])
    assert 30 < ours < 95  # neither chance nor a task that every head solves
    assert abs(ours - statistics.mean(theirs)) < 3 * statistics.stdev(theirs), theirs
