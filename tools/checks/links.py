"""Finds dead relative links in Markdown: links.py FILE.md...

A link is dead when its file or folder isn't there, or when its #anchor names no heading of that file. Exit code 1 if there is
one.
"""

from __future__ import annotations

import functools
import re
import sys
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+\s+(.*?)\s*#*$", re.MULTILINE)
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


@functools.cache
def anchors(path: Path) -> set[str]:
    """The anchors that a Markdown viewer makes of a file's headings."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCED.sub("", path.read_text())):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        again = 0
        while (anchor if again == 0 else f"{anchor}-{again}") in found:
            again += 1
        found.add(anchor if again == 0 else f"{anchor}-{again}")
    return found


def dead_links(path: Path) -> list[str]:
    dead = []
    for inline, reference in LINK.findall(CODE.sub("", path.read_text())):
        target = inline or reference
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        if not file.exists():
            dead.append(f"{path}: {target}: there is no such file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.resolve()):
            dead.append(f"{path}: {target}: the file has no such heading")
    return dead


if __name__ == "__main__":
    lines = [line for name in sys.argv[1:] for line in dead_links(Path(name))]
    print("\n".join(lines) if lines else f"{len(sys.argv) - 1} files have no dead links")
    sys.exit(1 if lines else 0)
