"""What a frame of a reply says."""

from __future__ import annotations

from typing import Optional

from . import errors
from ._channel import Frame
from ._codec import decode
from ._tables import MESSAGE_TYPES

_NAMES = {number: name for name, number in MESSAGE_TYPES.items()}


def error_of_frame(frame: Frame) -> Optional[errors.Error]:
    """What an ErrorReply says; None for any other frame."""
    if frame.type != MESSAGE_TYPES["ErrorReply"]:
        return None
    reply = decode("ErrorReply", frame.body)
    return errors.error_of(reply["code"], reply["message"])


def expect(frame: Frame, *names: str) -> None:
    """Raises unless the frame is of one of the messages ``names``."""
    failure = error_of_frame(frame)
    if failure is not None:
        raise failure
    if frame.type not in [MESSAGE_TYPES[name] for name in names]:
        got = _NAMES.get(frame.type, f"message type {frame.type}")
        raise errors.InvalidArgument(f"a {got} came where a {names[0]} was due: the peer is damaged or of another release")


def check_reply(frame: Frame, request_id: int, name: str) -> None:
    """Raises unless the frame is the reply ``name`` to request ``request_id``."""
    if frame.request_id != request_id:
        raise error_of_frame(frame) or errors.DataLoss(
            f"a reply to request {frame.request_id} came where one to request {request_id} was due: try again"
        )
    expect(frame, name)
