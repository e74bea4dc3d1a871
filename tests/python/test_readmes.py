"""The Python snippets of the READMEs, run in order against a small served store."""

from __future__ import annotations

import os
import re
import subprocess

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")

from conftest import ROOT  # noqa: E402

ADDRESS = re.compile(r'"(?:tcp|unix)://[^"]+"')


def snippets(path):
    """The Python blocks of a page, but those that need models from the network."""
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / path).read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "torchvision" not in block]


@pytest.mark.parametrize("path, count", [("README.md", 1), ("client/python/README.md", 4)])
def test_the_snippets_run_as_they_are(own_client, rows, shift, tmp_path, monkeypatch, path, count):
    embeddings, labels = rows
    own_client.import_embeddings("photos", embeddings, labels, backbone_name="phi", source="photos")
    own_client.register_transform("vflip", shift)
    # It has no card, so a bare name means it only as the champion.
    alias = ["transform", "alias", "vflip", "champion", "1", "--force", "--connect", own_client.address]
    subprocess.run([os.environ["AUGSTORE_BINARY"], *alias], check=True, stdout=subprocess.DEVNULL)
    monkeypatch.chdir(tmp_path)
    blocks = snippets(path)
    assert len(blocks) == count
    # What a reader has of their own, for the backbone of the page.
    images = list(np.random.default_rng(0).standard_normal((400, embeddings.shape[1])).astype(np.float32))
    names = {"__name__": "snippets", "images": images, "augment": lambda image: np.roll(image, 1), "phi": np.stack}
    for block in blocks:
        exec(ADDRESS.sub(repr(own_client.address), block), names)
    saved = names["torch"].load("run.pt")
    assert saved["stream"]["epoch"] >= 0 and saved["head"]["weight"].shape[1] == embeddings.shape[1]
