"""What goes wrong, by what the caller should do about it. The codes are those of schemas/base/status.h."""

from __future__ import annotations

from typing import Dict, Type


class Error(Exception):
    """Any failure of augstore. The message names the thing, the value and the remedy.

    ``code`` is the number that goes over the wire (docs/protocol.md).
    """

    code = 11

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidArgument(Error):
    """The request can never succeed: fix it."""

    code = 1


class NotFound(Error):
    """The named thing does not exist: fix the name, or create it first."""

    code = 2


class AlreadyExists(Error):
    """The named thing exists: choose another name, or use what is there."""

    code = 3


class FailedPrecondition(Error):
    """Do not retry until the named state has changed."""

    code = 4


class Unauthenticated(Error):
    """Present a valid key."""

    code = 5


class PermissionDenied(Error):
    """The key does not allow this: ask the operator."""

    code = 6


class ResourceExhausted(Error):
    """A limit is reached: ask for less, or back off and retry."""

    code = 7


class Unavailable(Error):
    """Retry the same request."""

    code = 8


class DeadlineExceeded(Error):
    """Retry with a longer deadline; the request may have taken effect."""

    code = 9


class DataLoss(Error):
    """Stored or received bytes are damaged: stop, run ``augstore verify``."""

    code = 10


class Internal(Error):
    """A bug of augstore: report it."""

    code = 11


_BY_CODE: Dict[int, Type[Error]] = {
    kind.code: kind
    for kind in (
        InvalidArgument,
        NotFound,
        AlreadyExists,
        FailedPrecondition,
        Unauthenticated,
        PermissionDenied,
        ResourceExhausted,
        Unavailable,
        DeadlineExceeded,
        DataLoss,
        Internal,
    )
}


def error_of(code: int, message: str) -> Error:
    """The exception for a code of the wire; an unknown code is Internal."""
    return _BY_CODE.get(code, Internal)(message)
