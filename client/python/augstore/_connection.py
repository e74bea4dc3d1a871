"""One request and its reply, sent again where that is harmless (docs/protocol.md, "Errors and retries")."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import Optional, Tuple, Union

from . import errors
from ._channel import Backoff, Channel, Frame, Retry, aligned
from ._codec import Values, decode, encode
from ._endpoint import Endpoint, endpoint_of
from ._frames import error_of_frame, expect
from ._tables import MESSAGE_TYPES

_NOT_REPEATABLE = frozenset(
    ["AddRecordRequest", "DeleteRecordRequest", "SetAliasRequest", "BeginDraftRequest", "AppendSamplesRequest"]
)  # fmt: skip
TRANSIENT = (errors.Unavailable, errors.DeadlineExceeded, errors.DataLoss)


# Of this process, for _after_fork.
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def _after_fork() -> None:
    # Another thread of the parent may have been in a call: in the child its lock would be held for ever.
    for connection in list(_connections):
        connection._lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)


class Connection:
    """A channel that is opened when it is needed, also after a fork, and opened again when it broke."""

    def __init__(self, address: Union[str, Endpoint], retry: Retry) -> None:
        self.endpoint = endpoint_of(address)
        self.retry = retry
        self._lock = threading.Lock()
        self._channel: Optional[Channel] = None
        self._owner = 0
        self._request_id = 0
        _connections.add(self)

    def call(self, request: str, values: Values, reply: str) -> Values:
        """Sends ``request`` and gives the decoded ``reply``."""
        return decode(reply, self.exchange(request, values, reply).body)

    def call_in_steps(self, request: str, values: Values, reply: str) -> Values:
        """The same for what takes several steps: sends ``request`` until its ``reply`` comes."""
        while True:
            frame = self.exchange(request, values, reply, "DraftProgressReply")
            if frame.type == MESSAGE_TYPES[reply]:
                return decode(reply, frame.body)

    def exchange(self, request: str, values: Values, *replies: str) -> Frame:
        """Sends ``request`` and gives the frame of its one reply, of one of the messages ``replies``."""
        body = encode(request, values)
        backoff = Backoff(self.retry, time.monotonic)
        with self._lock:
            while True:
                try:
                    return self._attempt(request, body, replies)
                except _Lost as lost:
                    if lost.may_have_arrived and request in _NOT_REPEATABLE:
                        raise type(lost.error)(f"{lost.error}; the request may have taken effect") from lost.error
                    pause = backoff.next() if isinstance(lost.error, TRANSIENT[:2]) else None
                    if pause is None:
                        raise lost.error from lost.error.__cause__
                    time.sleep(pause)

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _attempt(self, request: str, body: bytearray, replies: Tuple[str, ...]) -> Frame:
        sent = False
        try:
            channel = self._open()
            self.endpoint.set_trace(channel, self.endpoint.traceparent())
            self._request_id = self._request_id % 0xFFFFFFFF + 1
            channel.send(MESSAGE_TYPES[request], self._request_id, body)
            sent = True
            frame = channel.receive(aligned)
        except errors.Error as error:
            self.close()
            raise _Lost(error, sent) from error
        return self._checked(frame, request, replies)

    def _checked(self, frame: Frame, request: str, replies: Tuple[str, ...]) -> Frame:
        failure = error_of_frame(frame)
        if frame.request_id != self._request_id:
            self.close()
            raise failure or errors.DataLoss(
                f"a reply to request {frame.request_id} came where one to request {self._request_id} was due: try again"
            )
        if isinstance(failure, errors.Unavailable) and request not in _NOT_REPEATABLE:
            raise _Lost(failure, True)
        expect(frame, *replies)
        return frame

    def _open(self) -> Channel:
        # A connection that a fork inherited belongs to the other process.
        if self._channel is not None and self._owner != os.getpid():
            self.close()
        if self._channel is None:
            channel = self.endpoint.connect()
            try:
                self.endpoint.greet(channel)
            except BaseException:
                channel.close()
                raise
            self._channel = channel
            self._owner = os.getpid()
        return self._channel

    def __getstate__(self) -> Tuple[Endpoint, Retry]:
        return self.endpoint, self.retry

    def __setstate__(self, state: Tuple[Endpoint, Retry]) -> None:
        self.__init__(*state)  # type: ignore[misc]


class _Lost(Exception):
    """An attempt that failed in a way that another connection may not."""

    def __init__(self, error: errors.Error, may_have_arrived: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.may_have_arrived = may_have_arrived
