"""The rules of the house for Python: short files and functions, types, nothing left to do."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys

import pytest

from augstore import _crc
from conftest import ROOT

SOURCES = sorted([*(ROOT / "client/python").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])
SOURCES += [ROOT / "tools/torture", *sorted((ROOT / "tools").rglob("*.py"))]
SOURCES = [path for path in SOURCES if "build" not in path.parts]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_files_and_functions_are_short_and_finished(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    assert max(len(line) for line in text.splitlines()) <= 150
    assert not re.search(r"\b(TO" + "DO|FIX" + r"ME)\b", text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < 70, node.name


def test_every_public_function_says_what_it_does():
    for path in (ROOT / "client/python/augstore").glob("[a-z]*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
            if public and node.name not in ("ref", "close", "check", "batches", "put", "read", "load"):
                assert ast.get_docstring(node) or len(node.body) <= 6, f"{path.name}: {node.name}"


def test_the_types_hold():
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir=/dev/null"], cwd=ROOT / "client/python", capture_output=True, text=True
    )
    if "No module named mypy" in run.stderr:
        pytest.skip("mypy is not installed (Debian: mypy)")
    assert run.returncode == 0, run.stdout


def test_the_package_needs_no_torch_until_it_is_used():
    code = "import sys; sys.modules['torch'] = None; import augstore; augstore.connect; print('ok')"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "client/python", capture_output=True, text=True)
    assert run.stdout == "ok\n", run.stderr


def test_both_checksums_are_the_same_numbers():
    import zlib

    import numpy as np

    for size in (0, 1, 4095, 4096, 100_001):
        data = np.arange(size, dtype=np.uint32).astype(np.uint8)
        assert _crc.crc32(data) == _crc._zlib(data) == zlib.crc32(data.tobytes())


def test_the_benchmark_runs(tmp_path):
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    import json

    program = os.environ["AUGSTORE_BINARY"]
    command = [program, "bench", "python", "--quick", "--repeat", "1", "--dim", "16", "--scale", "0.1", "--scratch", tmp_path, "--json"]
    command += ["--python", sys.executable, "--python-client", ROOT / "client/python"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert len(result["targets"]) == 4 and all(target["value"] > 0 for target in result["targets"])
    rows = {(row["case"], row["rows"]): row for row in result["tables"]["python"]}
    assert rows["augstore, unix", "plain"]["augstore/it"] == 1
    assert rows["npy, 4 stored views", "policy"]["rows/s"] > 0
    assert not list(tmp_path.iterdir())  # scratch folders are removed
    (tmp_path / "result.json").write_text(run.stdout)
    compare = [ROOT / "tools/bench-compare", tmp_path / "result.json", tmp_path / "result.json"]
    figures = subprocess.run(compare, capture_output=True, text=True).stdout.splitlines()
    assert any(" target: " in line for line in figures) and any(line.endswith(": rows/s") for line in figures)
