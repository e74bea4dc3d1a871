"""Where a server is, the key for it and whom to trust: what every new connection begins with."""

from __future__ import annotations

import os
import re
from typing import Dict, List, Optional, Union

from . import errors
from ._channel import Address, Channel, aligned
from ._codec import decode, encode
from ._frames import check_reply, error_of_frame
from ._tables import MESSAGE_TYPES
from ._tls import Tls
from ._trace import check_traceparent, current_traceparent

_GREETING_ID = 1
_KEY = re.compile(r"augs_[a-z2-7]{8}_[a-z2-7]{52}")
_MAX_KEY_FILE_BYTES = 4096


class Endpoint:
    """An address, a key, files for TLS and a trace. Pickles with its key, for the processes of a loader; prints without it."""

    def __init__(self, address: str, key: str = "", tls: Tls = Tls(), traceparent: str = "") -> None:
        Address.parse(address)
        self._traceparent = check_traceparent(traceparent)
        self.address = address
        self._key = key
        self._tls = tls
        self._store_id = ""  # of the first connection

    def __repr__(self) -> str:
        return f"<augstore endpoint {self.address}>"

    def words(self) -> List[str]:
        """The flags with which the program augstore connects to the same place; key and trace come by ``environment``."""
        files = (("--tls-ca", self._tls.ca), ("--tls-cert", self._tls.cert), ("--tls-key", self._tls.key))
        return ["--connect", self.address] + [word for flag, file in files if file for word in (flag, os.fspath(file))]

    def environment(self) -> Dict[str, str]:
        traceparent = self.traceparent()
        return {
            **({"AUGSTORE_KEY": self._key} if self._key else {}),
            **({"TRACEPARENT": traceparent} if traceparent else {}),
        }

    def connect(self) -> Channel:
        """A new connection, which must ``greet`` first. Raises Unavailable, and Unauthenticated (TLS)."""
        return Channel(self.address, tls=self._tls)

    def greet(self, channel: Channel) -> None:
        """Presents the key, if there is one. Raises Unauthenticated, and FailedPrecondition when another store answers than
        at first: rows and versions of one store mean nothing in another."""
        name, reply = ("AuthenticateRequest", "AuthenticateReply") if self._key else ("ServerInfoRequest", "ServerInfoReply")
        body = encode(name, {"key": self._key} if self._key else {})
        channel.send(MESSAGE_TYPES[name], _GREETING_ID, body)
        frame = channel.receive(aligned)
        check_reply(frame, _GREETING_ID, reply)
        store_id = decode(reply, frame.body)["store_id"]
        self._store_id = self._store_id or store_id
        if store_id != self._store_id:
            raise errors.FailedPrecondition(
                f"the server at {self.address} has store {store_id} now, this client began with store {self._store_id}: "
                "serve that one again, or make a new client"
            )

    def traceparent(self) -> str:
        """Of what is requested now: as was given, else of the current span; "": it is in no trace."""
        return self._traceparent or current_traceparent()

    def set_trace(self, channel: Channel, traceparent: str) -> None:
        """Has the requests that follow on ``channel`` belong to a trace. A server from before knows none, and they go on
        without."""
        if traceparent == channel.traceparent or not channel.takes_traces:
            return
        body = encode("SetTraceRequest", {"traceparent": traceparent})
        channel.send(MESSAGE_TYPES["SetTraceRequest"], _GREETING_ID, body)
        frame = channel.receive(aligned)
        channel.traceparent = traceparent
        channel.takes_traces = frame.request_id != _GREETING_ID or error_of_frame(frame) is None
        if channel.takes_traces:
            check_reply(frame, _GREETING_ID, "EndReply")


def endpoint_of(
    address: Union[str, Endpoint],
    key: Optional[str] = None,
    key_file: Union[str, "os.PathLike[str]", None] = None,
    tls: Tls = Tls(),
    traceparent: str = "",
) -> Endpoint:
    """The endpoint at ``address`` with ``key``, or the key in ``key_file``; else, for TCP, with the key in the file that
    AUGSTORE_KEY_FILE names, or that of AUGSTORE_KEY; else without one. Raises InvalidArgument (what is there is no key) and
    NotFound (there is no such file); no message holds any of the key."""
    if isinstance(address, Endpoint):
        return address
    parsed = Address.parse(address)
    is_tcp = not parsed.path
    if is_tcp and not parsed.tls and not (parsed.host in ("localhost", "::1") or parsed.host.startswith("127.")):
        if key is not None or key_file is not None:
            raise errors.InvalidArgument(f"a key is not sent to {address}, which is not encrypted: write tls://")
        return Endpoint(address, "", tls, traceparent)
    file = key_file or (os.environ.get("AUGSTORE_KEY_FILE") if is_tcp and key is None else None)
    if key is not None and key_file is not None:
        raise errors.InvalidArgument("key and key_file are both given: give one")
    if key is not None:
        return Endpoint(address, _checked(key, "key"), tls, traceparent)
    if file:
        return Endpoint(address, _checked(_read(file), f"key file '{os.fspath(file)}'"), tls, traceparent)
    text = os.environ.get("AUGSTORE_KEY") if is_tcp else None
    return Endpoint(address, _checked(text, "AUGSTORE_KEY") if text else "", tls, traceparent)


def _read(file: Union[str, "os.PathLike[str]"]) -> str:
    try:
        with open(file, "rb") as stream:
            return stream.read(_MAX_KEY_FILE_BYTES).decode(errors="replace")
    except FileNotFoundError as error:
        raise errors.NotFound(f"key file '{os.fspath(file)}' does not exist") from error
    except OSError as error:
        raise errors.Unavailable(f"key file '{os.fspath(file)}' cannot be read: {error.strerror}") from error


def _checked(text: str, where: str) -> str:
    key = text.strip(" \t\r\n")
    if _KEY.fullmatch(key) is None:
        raise errors.InvalidArgument(f"{where} is no key: a key is augs_<id>_<secret>, as `augstore key create` prints it")
    return key
