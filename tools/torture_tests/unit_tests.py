"""Programs of unit tests, at length."""

from __future__ import annotations

import os
import random
import subprocess

from torture_tests.program import ROOT, Augstore, Broken


def unit_tests(program: str, tests: str, settings: dict[str, int]) -> bool:
    """Whether the program of unit tests is there; it was run."""
    path = ROOT / "build/release/tests" / program
    if not path.exists():
        return False
    command = [str(path), f"--gtest_filter={tests}", "--gtest_brief=1"]
    given = {name: str(value) for name, value in settings.items()}
    done = subprocess.run(command, capture_output=True, env={**os.environ, **given}, text=True)
    if done.returncode != 0:
        again = " ".join([f"{name}={value}" for name, value in given.items()] + command)
        raise Broken(f"{again}: {done.stdout[-2000:]}")
    return True


def left_out(program: str) -> str:
    return f"left out: there is no build/release/tests/{program} (tools/test builds it)"


def test_faults(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """The unit tests with faults, at length."""
    rounds = max(3, int(300 * scale))
    settings = {"AUGSTORE_FAULT_ROUNDS": rounds, "AUGSTORE_FAULT_SEED": draw.randrange(1 << 32)}
    if not unit_tests("storage_tests", "FaultTest.*", settings):
        return left_out("storage_tests")
    return f"{rounds} power cuts and up to {rounds} failing calls of each kind: 0 acknowledged writes lost"


def test_simulate(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """The simulation, at length."""
    runs = max(3, int(500 * scale))
    settings = {"AUGSTORE_SIMULATION_RUNS": runs, "AUGSTORE_SIMULATION_SEED": draw.randrange(1 << 32)}
    if not unit_tests("client_tests", "Simulation.*", settings):
        return left_out("client_tests")
    return f"{runs} runs of 400 steps as the model says, with restarts and lost messages"


def test_allocate(augstore: Augstore, draw: random.Random, scale: float) -> str:
    """The tests in which memory runs out; at full length for every allocation of a write to a store on disk."""
    if not unit_tests("faults_tests", "*", {} if scale < 1 else {"AUGSTORE_FAULT_ROUNDS": 1}):
        return left_out("faults_tests")
    return "each allocation of requests, appends and commits failed in turn: 0 crashes, 0 hangs, nothing acknowledged lost"
