"""tools/bench-compare: ratios of two results of `augstore bench --json`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from conftest import ROOT


def result(rows_per_second: float, overhead: float, **more: object) -> dict[str, object]:
    table = [
        {"gather": "augstore", "threads": 1, "rows/s": rows_per_second, "of memcpy": 0.5, "ceiling GB/s": 7.0},
        {"gather": "augstore", "threads": 2, "rows/s": 10.0, "of memcpy": 0.5, "ceiling GB/s": 7.0},
    ]
    targets = [{"name": "overhead", "value": overhead, "target": 2.0, "direction": "<=", "met": True}]
    return {"cpu": "any", "cores": 2, "dim": 512, "tables": {"store": table}, "targets": targets, **more}


@pytest.fixture
def compare(tmp_path):
    def run(a: object, b: object, *flags: str) -> subprocess.CompletedProcess[str]:
        for name, content in (("a", a), ("b", b)):
            (tmp_path / name).write_text(content if isinstance(content, str) else json.dumps(content))
        command = [sys.executable, ROOT / "tools/bench-compare", tmp_path / "a", tmp_path / "b", *flags]
        return subprocess.run(command, capture_output=True, text=True)

    return run


def test_equal_results_pass(compare):
    run = compare(result(100.0, 1.5), result(100.0, 1.5))
    assert run.returncode == 0
    assert run.stdout.splitlines() == [
        " 1.000         target: overhead",
        " 1.000         store: augstore 1: rows/s",
        " 1.000         store: augstore 2: rows/s",
        "0 of 3 figures are below 0.98",
    ]


def test_a_rate_that_fell_is_named(compare):
    run = compare(result(100.0, 1.5), result(90.0, 1.5))
    assert run.returncode == 1
    assert " 0.900  BELOW  store: augstore 1: rows/s" in run.stdout.splitlines()
    assert compare(result(100.0, 1.5), result(90.0, 1.5), "--threshold", "0.9").returncode == 0
    assert compare(result(100.0, 1.5), result(90.0, 1.5), "--track", "^target:").returncode == 0


def test_less_is_better_where_the_target_says_so(compare):
    assert compare(result(100.0, 1.5), result(100.0, 1.2)).returncode == 0
    assert " 0.750  BELOW  target: overhead" in compare(result(100.0, 1.5), result(100.0, 2.0)).stdout


def test_a_figure_that_is_gone_fails_and_a_new_one_does_not(compare):
    without = result(100.0, 1.5, tables={})
    assert compare(result(100.0, 1.5), without).returncode == 1
    assert compare(without, result(100.0, 1.5)).returncode == 0


def test_other_settings_are_told(compare):
    assert "note: dim differs: 512 and 8" in compare(result(1.0, 1.0), result(1.0, 1.0, dim=8)).stdout


@pytest.mark.parametrize("bad", ["", "{}", "[]", '{"targets": 1}'])
def test_other_files_are_refused(compare, bad):
    run = compare(result(1.0, 1.0), bad)
    assert run.returncode == 2
    assert "is not a result of `augstore bench --json`" in run.stderr
