"""CRC-32 of frames: by libdeflate where the system has it (several times as fast), else by zlib. The numbers are the same."""

from __future__ import annotations

import ctypes
import zlib
from typing import Callable, Union

import numpy as np
import numpy.typing as npt

Buffer = Union[bytes, bytearray, npt.NDArray[np.uint8]]

_LIBRARY = "libdeflate.so.0"  # Debian: libdeflate0, which the server needs as well
_SMALL = 4096  # below, the call costs more than it saves


def _zlib(data: Buffer) -> int:
    return zlib.crc32(data.data if isinstance(data, np.ndarray) else data)


def _choose() -> Callable[[Buffer], int]:
    try:
        function = ctypes.CDLL(_LIBRARY).libdeflate_crc32
    except (OSError, AttributeError):
        return _zlib
    function.argtypes = [ctypes.c_uint32, ctypes.c_void_p, ctypes.c_size_t]
    function.restype = ctypes.c_uint32

    def fast(data: Buffer) -> int:
        if len(data) < _SMALL or not isinstance(data, np.ndarray):
            return _zlib(data)
        return int(function(0, data.ctypes.data, data.size))

    return fast if fast(np.arange(2 * _SMALL, dtype=np.uint8)) == zlib.crc32(bytes(range(256)) * 32) else _zlib


crc32: Callable[[Buffer], int] = _choose()
