"""Prints how many lines of each folder the tests of build/coverage have run, as gcovr counts them."""

from __future__ import annotations

import collections
import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("schemas", "storage", "engine", "server", "client", "tools")


def main() -> None:
    filters = [word for folder in FOLDERS for word in ("--filter", f"{ROOT}/{folder}/")]
    command = ["gcovr", "--root", str(ROOT), *filters, "--json-summary", "-", str(ROOT / "build/coverage")]
    files = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)["files"]
    lines: collections.Counter[str] = collections.Counter()
    covered: collections.Counter[str] = collections.Counter()
    for file in files:
        parts = Path(file["filename"]).parent.parts
        for folder in ("all", *("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))):
            lines[folder] += file["line_total"]
            covered[folder] += file["line_covered"]
    for folder in sorted(lines):
        print(f"{folder:20} {covered[folder]:6} of {lines[folder]:6} lines  {100 * covered[folder] / max(lines[folder], 1):5.1f} %")


if __name__ == "__main__":
    main()
