"""Certificates for tests of TLS, made with the commands of docs/operations.md."""

from __future__ import annotations

import pathlib
import subprocess
from typing import Tuple

NEW = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split()


class Certificates:
    """An authority, ``ca``, and what it and others sign."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.authority("ca")
        self.ca = self.file("ca.pem")

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def authority(self, name: str) -> None:
        self._run("req -x509 -days 30 -addext keyUsage=critical,keyCertSign", name)

    def issue(self, name: str, names: str, authority: str = "ca") -> Tuple[str, str]:
        """Certificate and key; ``names``: whose it is, such as ``DNS:localhost,IP:127.0.0.1``."""
        self._run(
            f"req -x509 -days 30 -addext subjectAltName={names} -addext basicConstraints=CA:FALSE "
            f"-CA {authority}.pem -CAkey {authority}.key",
            name,
        )
        return self.file(f"{name}.pem"), self.file(f"{name}.key")

    def expired(self, name: str, names: str) -> Tuple[str, str]:
        """One whose time is over."""
        self._run(f"req -addext subjectAltName={names}", name)
        words = f"x509 -req -in {name}.pem -copy_extensions copy -CA ca.pem -CAkey ca.key -days -1 -out {name}.pem"
        subprocess.run(["openssl", *words.split()], cwd=self.folder, check=True, capture_output=True)
        return self.file(f"{name}.pem"), self.file(f"{name}.key")

    def _run(self, words: str, name: str) -> None:
        where = ["-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        subprocess.run(["openssl", *words.split(), *NEW, *where], cwd=self.folder, check=True, capture_output=True)
