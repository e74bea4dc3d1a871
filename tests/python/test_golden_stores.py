"""Stores as earlier releases wrote them, one of each format (tests/golden/stores), are read and served as they were then."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile

import pytest

import augstore
from conftest import ROOT

STORES = ROOT / "tests" / "golden" / "stores"


@pytest.fixture(params=sorted(path.name for path in STORES.iterdir() if path.is_dir()))
def golden(request, tmp_path):
    """A copy of a store, and what was noted of it: commands, and what they printed."""
    folder = STORES / request.param
    with tarfile.open(folder / "store.tar.xz") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "db", json.loads((folder / "expected.json").read_text())


def run(command, *flags):
    words = [os.environ["AUGSTORE_BINARY"], *command, *flags, "--json", "--quiet"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return json.loads(done.stdout)


def expect_still(noted, now, where):
    """A later release may say more, and nothing else. Fractions may differ in their last digits: not every processor rounds alike."""
    if isinstance(noted, dict):
        assert isinstance(now, dict) and not set(noted) - set(now), where
        for name, value in noted.items():
            expect_still(value, now[name], f"{where}.{name}")
    elif isinstance(noted, list):
        assert len(noted) == len(now), where
        for i, value in enumerate(noted):
            expect_still(value, now[i], f"{where}[{i}]")
    elif isinstance(noted, float):
        assert now == pytest.approx(noted, rel=1e-5, abs=1e-6), where
    else:
        assert now == noted, where


def expect_all(noted, *flags):
    for entry in noted:
        expect_still(entry["prints"], run(entry["command"], *flags), " ".join(entry["command"]))


def digests_of(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.is_file()}


def test_a_store_of_each_format_is_read_as_it_was_written_and_not_changed(golden):
    store, noted = golden
    before = digests_of(store)
    writers = (["head", "predict"],)  # opens the store as one that may register a backbone does
    expect_all([entry for entry in noted if entry["command"][:2] not in writers], "--store", str(store))
    assert run(["verify"], "--store", str(store))["ok"]
    assert digests_of(store) == before


def test_a_store_of_each_format_is_served_as_it_was_written_and_takes_new_versions(golden, rows):
    store, noted = golden
    with augstore.open(store) as client:
        expect_all(noted, "--connect", client.address)
        embeddings, labels = rows
        client.import_embeddings("new", embeddings, labels, backbone_name="psi")
    assert run(["verify"], "--store", str(store))["ok"]
    assert run(["collection", "show", "new@1"], "--store", str(store))["samples"] == len(embeddings)
