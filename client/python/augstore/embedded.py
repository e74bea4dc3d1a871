"""A private server for one process: ``augstore.open``."""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
import weakref
from typing import IO, Optional, Union

from . import errors
from ._channel import Retry
from .client import Client

_START_SECONDS = 60.0
_STOP_SECONDS = 30.0


class Server:
    """``augstore serve`` as a child of this process, on a Unix socket in a temporary folder.

    It ends with ``close``, when the object is collected, when the process exits, and (it watches its parent) when the process
    is killed. A forked child never ends it.
    """

    def __init__(
        self, path: Union[str, "os.PathLike[str]"], binary: Optional[str], memory_mib: Optional[int], create: bool = False
    ) -> None:
        program = find_binary(binary)
        folder = tempfile.mkdtemp(prefix="augstore-")
        self.address = f"unix://{folder}/s"
        command = [program, "serve", "--store", os.fspath(path), "--listen", self.address, "--json", "--quiet"]
        command += ["--parent", str(os.getpid())]
        command += ["--create"] if create else []
        command += [] if memory_mib is None else ["--memory", str(memory_mib)]
        log = open(os.path.join(folder, "log"), "w+b")
        try:
            # Ctrl-C in the terminal is for the trainer; the server ends after it.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )
        except OSError as error:
            log.close()
            shutil.rmtree(folder, ignore_errors=True)
            raise errors.Unavailable(f"'{program}' cannot be started: {error}") from error
        self._end = weakref.finalize(self, _end, process, log, folder, os.getpid())
        try:
            _wait(process, log, program)
        except errors.Error:
            self._end()
            raise

    def close(self) -> None:
        """Ends the server. Again: nothing happens."""
        self._end()


def find_binary(binary: Optional[str] = None) -> str:
    """The program augstore: ``binary``, else the environment's AUGSTORE_BINARY, else the one on PATH. Raises NotFound."""
    named = binary or os.environ.get("AUGSTORE_BINARY")
    found = shutil.which(named or "augstore")
    if found is None:
        raise errors.NotFound(
            f"the program '{named or 'augstore'}' is not there: build it (tools/test), then put it on PATH, set AUGSTORE_BINARY, "
            "or give binary=PATH"
        )
    return found


def _wait(process: "subprocess.Popen[bytes]", log: IO[bytes], program: str) -> None:
    """Returns when the server listens. Raises with what it said when it does not."""
    deadline = time.monotonic() + _START_SECONDS
    assert process.stdout is not None
    said = b""
    while time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.1)[0]:
            part = os.read(process.stdout.fileno(), 65536)
            said += part
            if not part:
                break
            try:
                json.loads(said)
                return
            except ValueError:
                continue
    log.seek(0)
    reason = log.read(4096).decode(errors="replace").strip() or f"it said nothing for {_START_SECONDS:g} s"
    raise errors.FailedPrecondition(f"'{program} serve' did not start: {reason}")


def _end(process: "subprocess.Popen[bytes]", log: IO[bytes], folder: str, owner: int) -> None:
    if os.getpid() != owner:
        return
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    log.close()
    shutil.rmtree(folder, ignore_errors=True)


def open_store(
    path: Union[str, "os.PathLike[str]"],
    *,
    create: bool = False,
    binary: Optional[str] = None,
    memory_mib: Optional[int] = None,
) -> Client:
    """A client of a private server for the store at ``path``.

    ``create``: make an empty store where there is none; ``binary``: the program augstore (default: AUGSTORE_BINARY, then
    PATH); ``memory_mib``: memory for embeddings. Raises NotFound (no program; no store at ``path``, and ``create`` is not
    given) and FailedPrecondition (the store is held by another server, or something else is there).
    """
    if not create and not os.path.exists(path):
        raise errors.NotFound(f"there is no store at '{os.fspath(path)}': correct the path, or give create=True to make one")
    server = Server(path, binary, memory_mib, create)
    client = Client(server.address, Retry(), server)
    client.info()
    return client
