"""Checks files one by one, several at once: files.py tidy|headers FILE...

tidy     runs clang-tidy, with clang's analysis of locks (.clang-tidy says what it looks for), on each .cc, and for each .h on
         its .cc, or on those that include it where it has none.
headers  compiles each .h alone. One that its own .cc includes first is proven by the build already.

A file that passed isn't checked again until it, something of ours that it includes, its flags or the rules change:
what passed is kept as digests in ~/.cache/augstore, for all checkouts of this machine. Exit code 1 if any file failed.
"""

from __future__ import annotations

import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
PASSED = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "augstore/passed"
# Clang 14 comes without omp.h, and refuses LibTorch 1.13's c10::IValue with the std::vector of GCC 12 in C++20, and
# the subranges of GCC 12's equal_range.
NOT_FOR_CLANG = {
    "engine/backbone/torch_dependence.cc",
    "engine/backbone/torch_module.cc",
    "engine/backbone/torch_ways.cc",
    "engine/fitting/torch_last_blocks_trainer.cc",
    "engine/fitting/torch_linear.cc",
    "engine/fitting/torch_training.cc",
    "engine/fitting/torch_transform_trainer.cc",
    "engine/heads/torch_head_script.cc",
    "engine/math/compute_threads.cc",
    "storage/collections/draft_changes.cc",
    "tests/engine/backbone/torch_backbone_test.cc",
    "tests/engine/backbone/torch_dependence_test.cc",
    "tests/engine/backbone/torch_last_blocks_test.cc",
    "tests/engine/backbone/torch_ways_test.cc",
    "tests/engine/fitting/torch_linear_test.cc",
    "tests/engine/heads/torch_head_script_test.cc",
    "tools/bench/torch_baselines.cc",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


@functools.cache
def includes(path: str) -> tuple[str, ...]:
    """The files of ours that a file names, relative to the repository; generated ones are under build/release."""
    names = INCLUDE.findall((ROOT / path).read_text())
    places = [Path(name) if (ROOT / name).exists() else Path("build/release") / name for name in names]
    return tuple(str(place) for place in places if (ROOT / place).exists())


def with_includes(path: str) -> list[str]:
    """A file and all of ours that it includes, directly or not."""
    found = {path}
    open_ends = [path]
    while open_ends:
        for name in includes(open_ends.pop()):
            if name not in found:
                found.add(name)
                open_ends.append(name)
    return sorted(found)


@functools.cache
def flags_of_sources() -> dict[str, list[str]]:
    """What each source is compiled with: definitions and folders of headers."""
    flags = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        kept = [word for word in words if word.startswith(("-I", "-D", "-std"))]
        kept += [word for at, folder in enumerate(words) if folder == "-isystem" for word in words[at : at + 2]]
        flags[os.path.relpath(entry["file"], ROOT)] = kept
    return flags


def flags_of(path: str) -> list[str]:
    """A header has the flags of a source beside it, or else of one in the nearest folder above."""
    flags = flags_of_sources()
    if path in flags:
        return flags[path]
    folder = Path(path).parent
    while folder != folder.parent:
        for source in sorted(flags):
            if Path(source).is_relative_to(folder):
                return flags[source]
        folder = folder.parent
    return []


def is_first_in_its_source(header: str) -> bool:
    source = Path(header).with_suffix(".cc")
    return (ROOT / source).exists() and includes(str(source))[:1] == (header,)


def command_of(step: str, path: str) -> list[str]:
    if step == "tidy":
        return ["clang-tidy", "-p", str(BUILD), "--quiet", path]
    return ["g++", *flags_of(path), "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", "c++", path]


@functools.cache
def rules(step: str) -> str:
    """What decides beside the file: the tool and its settings."""
    tool = "clang-tidy" if step == "tidy" else "g++"
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    if step == "headers":
        return version
    return version + "".join((ROOT / folder / ".clang-tidy").read_text() for folder in (".", "tests"))


def digest_of(step: str, path: str) -> str:
    # The folder of the checkout decides nothing.
    words = [rules(step), *flags_of(path), *command_of(step, path)]
    digest = hashlib.sha256("\0".join(words).replace(str(ROOT), "").encode())
    for name in with_includes(path):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes())
    return digest.hexdigest()


def check(step: str, path: str) -> str:
    """Empty when the file passes; else what the tool says of it."""
    passed = PASSED / step / digest_of(step, path)
    if passed.exists():
        os.utime(passed)
        return ""
    run = subprocess.run(command_of(step, path), cwd=ROOT, capture_output=True, text=True)
    if run.returncode == 0:
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()
        return ""
    return f"{run.stdout}{run.stderr if step == 'headers' or not run.stdout else ''}{path}: failed\n"


def sources_of(path: str) -> list[str]:
    """The sources through which a file is analysed."""
    own = str(Path(path).with_suffix(".cc"))
    if not path.endswith(".h") or own in flags_of_sources():
        return [own if path.endswith(".h") else path]
    return [source for source in flags_of_sources() if path in includes(source)]


def main(step: str, paths: list[str]) -> int:
    if step == "tidy":
        built = flags_of_sources()
        chosen = {source for path in paths for source in sources_of(path)}
        paths = sorted(source for source in chosen if source in built and source not in NOT_FOR_CLANG)
    else:
        paths = [path for path in paths if not is_first_in_its_source(path)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("AUGSTORE_JOBS", os.cpu_count() or 1))) as pool:
        for text in pool.map(functools.partial(check, step), paths):
            if text:
                print(text, flush=True)
                failed += 1
    print(f"{failed} of {len(paths)} files failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
