"""Element types of embeddings where they are kept or sent, and precisions of transforms, as schemas/weights/dtype.h has them."""

from __future__ import annotations

from typing import Dict

import numpy as np
import numpy.typing as npt

from . import errors

F32, U8, F16 = 0, 1, 2
DTYPES: Dict[str, int] = {"f32": F32, "f16": F16, "u8": U8}
PRECISIONS: Dict[str, int] = {"f32": 0, "int8": 1}
_SCALING_BYTES = 8  # of a u8 row: offset and scale, f32 each


def number_of(what: str, known: Dict[str, int], name: str) -> int:
    if name not in known:
        raise errors.InvalidArgument(f"{what} {name!r} is not one of {', '.join(known)}")
    return known[name]


def name_of(what: str, known: Dict[str, int], number: int) -> str:
    for name, value in known.items():
        if value == number:
            return name
    raise errors.InvalidArgument(f"{what} number {number} is unknown: use the same release of augstore")


def row_bytes(dtype: int, dim: int) -> int:
    return {F32: 4 * dim, F16: 2 * dim, U8: _SCALING_BYTES + dim}[dtype]


def decode_rows(dtype: int, data: npt.NDArray[np.uint8], rows: int, dim: int) -> npt.NDArray[np.float32]:
    """Rows of f16 or u8 as float32. REQUIRES: rows * row_bytes(dtype, dim) bytes."""
    if dtype == F16:
        return data.view(np.float16).reshape(rows, dim).astype(np.float32)
    table = data.reshape(rows, row_bytes(dtype, dim))
    scaling = np.ascontiguousarray(table[:, :_SCALING_BYTES]).view(np.float32)
    return scaling[:, :1] + scaling[:, 1:] * table[:, _SCALING_BYTES:].astype(np.float32)


def check_fits(dtype: int, rows: npt.NDArray[np.float32]) -> None:
    """Raises InvalidArgument, naming the first row with values that the dtype cannot hold."""
    largest = {F32: np.inf, F16: 65504.0, U8: 2.0**126}[dtype]
    bad = np.flatnonzero(np.abs(rows).max(axis=1, initial=0) > largest)
    if bad.size > 0:
        name, others = name_of("dtype", DTYPES, dtype), "f32 or u8" if dtype == F16 else "f32"
        raise errors.InvalidArgument(f"row {bad[0]} has values that {name} cannot hold: store {others}")
