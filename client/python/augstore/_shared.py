"""Bodies of replies in memory that a server on this machine shares (schemas/wire/shared_bodies.h)."""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from typing import List

import numpy as np

from . import errors
from ._codec import Bytes, Values

_FLAG_BYTES = 64
_MOST_SLOTS = 16
_MOST_BYTES = 16 << 20
_FREE, _READY = struct.pack("=I", 0), struct.pack("=I", 1)
# Of Linux; the module has names for them from Python 3.8 on.
_GET_SEALS, _SEAL_SHRINK = 1034, 0x0002


class SharedBodies:
    """The client's side: reads bodies and gives their slots back. For one thread at a time."""

    def __init__(self, reply: Values, descriptors: List[int]) -> None:
        """Takes over the descriptors. Raises InvalidArgument when they are not what ``reply`` says."""
        try:
            self._slots, size = int(reply["slots"]), int(reply["bytes"])
            if not 0 < self._slots <= _MOST_SLOTS or not 0 < size <= _MOST_BYTES:
                raise errors.InvalidArgument(
                    f"shared memory of {size} bytes in {self._slots} slots: the limits are {_MOST_BYTES} and {_MOST_SLOTS}"
                )
            if len(descriptors) != 2:
                raise errors.InvalidArgument(f"shared memory came with {len(descriptors)} descriptors where 2 were due")
            flags, bodies = descriptors
            self._flags = _map(flags, (self._slots + 1) * _FLAG_BYTES, mmap.PROT_READ | mmap.PROT_WRITE)
            self._bodies = np.frombuffer(_map(bodies, size, mmap.PROT_READ), np.uint8)
            end = self._slots * _FLAG_BYTES
            self._flags[end : end + len(_READY)] = _READY
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def body(self, place: Values) -> Bytes:
        """The body that a SharedBodyReply points to: valid until its slot is given back."""
        offset, size = int(place["offset"]), int(place["size"])
        if place["slot"] >= self._slots or offset % _FLAG_BYTES or offset + size > self._bodies.size:
            raise errors.InvalidArgument(
                f"a body of {size} bytes at {offset} of slot {place['slot']} is not in the shared memory"
            )
        return self._bodies[offset : offset + size]

    def give_back(self, place: Values) -> None:
        begin = int(place["slot"]) * _FLAG_BYTES
        self._flags[begin : begin + len(_FREE)] = _FREE


def _map(descriptor: int, size: int, protection: int) -> mmap.mmap:
    try:
        stays = fcntl.fcntl(descriptor, _GET_SEALS) & _SEAL_SHRINK
        if not stays or os.fstat(descriptor).st_size != size:
            raise errors.InvalidArgument(f"the shared memory is not {size} bytes that stay")
        return mmap.mmap(descriptor, size, mmap.MAP_SHARED, protection)
    except OSError as error:
        raise errors.InvalidArgument(f"the shared memory cannot be used: {error}") from error
