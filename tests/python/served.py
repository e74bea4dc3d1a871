"""A server in TLS and without it, over a store of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess


class Served:
    """A server in TLS and without it, over a store of its own."""

    def __init__(self, folder: pathlib.Path, certificate: str, key: str, *flags: str) -> None:
        self.errors = folder / "server-err.txt"
        words = [os.environ["AUGSTORE_BINARY"], "serve", "--create", "--store", str(folder / "db"), "--json", "--quiet"]
        words += ["--insecure", "--listen", "tls://127.0.0.1:0", "--listen", "tcp://127.0.0.1:0"]
        words += ["--tls-cert", certificate, "--tls-key", key, *flags]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=self.errors.open("wb"))
        assert self.process.stdout is not None
        said = b""
        while not said.rstrip().endswith(b"}"):
            line = self.process.stdout.readline()
            assert line, self.errors.read_text()
            said += line
        self.tls, self.tcp, _ = json.loads(said)["listening"]

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
