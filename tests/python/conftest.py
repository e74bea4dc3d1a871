"""A real server for every test that needs one: the program that AUGSTORE_BINARY names, on a Unix socket."""

from __future__ import annotations

import os
import pathlib
import sys

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "client" / "python"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import augstore  # noqa: E402

ROWS, DIM, CLASSES = 1000, 24, 5


@pytest.fixture(scope="session")
def rows():
    """ROWS x DIM embeddings and their labels."""
    random = np.random.default_rng(7)
    labels = random.integers(0, CLASSES, ROWS)
    centres = random.standard_normal((CLASSES, DIM))
    return (centres[labels] + 0.3 * random.standard_normal((ROWS, DIM))).astype(np.float32), labels


@pytest.fixture(scope="session")
def shift():
    """The transform of the tests as a state_dict: y = 2 x + 1."""
    return {"0.weight": 2 * np.eye(DIM, dtype=np.float32), "0.bias": np.ones(DIM, np.float32)}


def fill(client, rows, shift):
    embeddings, labels = rows
    client.import_embeddings("toy", embeddings, labels, backbone_name="phi", source="toy")
    client.import_embeddings("toy", embeddings[:100] + 1, labels[:100], backbone_name="phi", split="test", source="toy")
    client.register_transform("shift", shift)


@pytest.fixture(scope="session")
def client(tmp_path_factory, rows, shift):
    """A client of a private server whose store has the collection toy and the transform shift."""
    if "AUGSTORE_BINARY" not in os.environ:
        pytest.fail("AUGSTORE_BINARY is not set: name the built program (tools/test does)")
    with augstore.open(tmp_path_factory.mktemp("store") / "db", create=True) as client:
        fill(client, rows, shift)
        yield client


@pytest.fixture()
def own_client(tmp_path, rows, shift):
    """As client, for a test that changes the store."""
    with augstore.open(tmp_path / "db", create=True) as client:
        fill(client, rows, shift)
        yield client
