"""FlatBuffers in and out, driven by the tables of ``_tables``.

The FlatBuffers runtime for Python has no verifier, so this module reads by itself: every offset and every length is
checked against the buffer before anything is taken from it, and nothing that is copied out can be larger in all than
the buffer is, whatever its offsets share. Whatever fails is an ``augstore.Error`` that names table and field.
"""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Optional, Tuple, Type, Union

import numpy as np
import numpy.typing as npt

from . import _limits, errors
from ._tables import FORCED_ALIGNMENT, IDENTIFIERS, TABLES

Bytes = npt.NDArray[np.uint8]
Values = Dict[str, Any]

_FORMATS = {
    "bool": "?", "ubyte": "B", "ushort": "H", "int": "i", "uint": "I", "ulong": "Q", "long": "q", "float": "f",
    "double": "d",
}  # fmt: skip
_SCALARS = {name: struct.Struct("<" + code) for name, code in _FORMATS.items()}
_DTYPES: Dict[str, Any] = {
    "ubyte": np.dtype("<u1"), "ushort": np.dtype("<u2"), "int": np.dtype("<i4"), "uint": np.dtype("<u4"),
    "ulong": np.dtype("<u8"), "long": np.dtype("<i8"), "float": np.dtype("<f4"),
}  # fmt: skip
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")
_U16 = struct.Struct("<H")
_HEADER_BYTES = 4  # of a vtable: its size and the table's


def _is_list(kind: str) -> bool:
    return kind.startswith("[")


class _Reader:
    """One buffer, and what may still be read from it."""

    def __init__(self, what: str, body: Bytes, error: Type[errors.Error], in_place: bool) -> None:
        self.what = what
        self.body = body
        self.view = body.data
        self.size = int(body.size)
        self.error = error
        self.in_place = in_place  # vectors of numbers are views, not copies
        self.budget = self.size
        self.tables = _limits.VERIFIER_MAX_TABLES

    def fail(self, field: str, problem: str) -> errors.Error:
        return self.error(f"{self.what}.{field} {problem}")

    def damaged(self) -> errors.Error:
        return self.error(
            f"{self.what}: these {self.size} bytes are not a valid encoding: the peer is damaged or does not speak "
            "augstore's protocol"
        )

    def spend(self, field: str, count: int) -> None:
        if count > self.budget:
            raise self.fail(field, "names bytes that another field names too")
        self.budget -= count

    def u32(self, at: int) -> int:
        if at < 0 or at + 4 > self.size or at % 4 != 0:
            raise self.damaged()
        return int(_U32.unpack_from(self.view, at)[0])

    def follow(self, at: int) -> int:
        """Where the offset that stands at ``at`` points."""
        offset = self.u32(at)
        if offset == 0 or at + offset + 4 > self.size:
            raise self.damaged()
        return at + offset

    def table(self, name: str, at: int) -> Values:
        self.tables -= 1
        if self.tables < 0:
            raise self.fail(name, f"has more than {_limits.VERIFIER_MAX_TABLES} tables")
        self.u32(at)
        vtable = at - int(_I32.unpack_from(self.view, at)[0])
        if vtable < 0 or vtable % 2 != 0 or vtable + _HEADER_BYTES > self.size:
            raise self.damaged()
        (vtable_bytes,) = _U16.unpack_from(self.view, vtable)
        (table_bytes,) = _U16.unpack_from(self.view, vtable + 2)
        if vtable_bytes < _HEADER_BYTES or vtable_bytes % 2 or vtable + vtable_bytes > self.size:
            raise self.damaged()
        if at + table_bytes > self.size:
            raise self.damaged()
        values: Values = {}
        for index, (field, kind) in enumerate(TABLES[name]):
            slot = _HEADER_BYTES + 2 * index
            place = _U16.unpack_from(self.view, vtable + slot)[0] if slot + 2 <= vtable_bytes else 0
            values[field] = self.field(field, kind, at, int(place), int(table_bytes))
        return values

    def field(self, field: str, kind: str, table: int, place: int, table_bytes: int) -> Any:
        scalar = _SCALARS.get(kind)
        if scalar is not None:
            if place == 0:
                return False if kind == "bool" else 0.0 if kind in ("float", "double") else 0
            if place < 4 or place + scalar.size > table_bytes:
                raise self.damaged()
            return scalar.unpack_from(self.view, table + place)[0]
        if place == 0:
            return self.absent(kind)
        if place < 4 or place + 4 > table_bytes:
            raise self.damaged()
        target = self.follow(table + place)
        if kind == "string":
            return self.text(field, target)
        if not _is_list(kind):
            return self.table(kind, target)
        return self.vector(field, kind[1:-1], target)

    @staticmethod
    def absent(kind: str) -> Any:
        if kind == "string":
            return ""
        if not _is_list(kind):
            return None
        dtype = _DTYPES.get(kind[1:-1])
        return [] if dtype is None else np.empty(0, dtype)

    def text(self, field: str, at: int) -> str:
        count = self.u32(at)
        if at + 4 + count > self.size:
            raise self.damaged()
        self.spend(field, 4 + count)
        # Keys may be file names of any bytes: they come back as they went.
        return self.body[at + 4 : at + 4 + count].tobytes().decode("utf-8", "surrogateescape")

    def vector(self, field: str, element: str, at: int) -> Any:
        count = self.u32(at)
        dtype = _DTYPES.get(element)
        width = 4 if dtype is None else dtype.itemsize
        if at + 4 + count * width > self.size:
            raise self.damaged()
        if dtype is not None:
            if self.in_place:
                if (at + 4) % width != 0:
                    raise self.fail(field, f"does not stand at a multiple of {width} bytes")
                return np.frombuffer(self.body, dtype, count, at + 4)
            self.spend(field, count * width)
            return np.frombuffer(self.body[at + 4 : at + 4 + count * width].tobytes(), dtype)
        if count > _limits.MAX_CLASSES:  # the longest list of texts that a message may have
            raise self.fail(field, f"has {count} elements, the limit is {_limits.MAX_CLASSES}")
        self.spend(field, count * 4)
        places = range(at + 4, at + 4 + 4 * count, 4)
        if element == "string":
            return [self.text(field, self.follow(place)) for place in places]
        return [self.table(element, self.follow(place)) for place in places]


def as_bytes(data: Union[bytes, bytearray, memoryview, Bytes]) -> Bytes:
    """The same memory as an array of bytes."""
    return data if isinstance(data, np.ndarray) else np.frombuffer(data, np.uint8)


def decode(
    table: str,
    data: Union[bytes, bytearray, memoryview, Bytes],
    in_place: bool = False,
    error: Type[errors.Error] = errors.InvalidArgument,
) -> Values:
    """Reads the root table ``table``: a dict with a value for each of its fields.

    With ``in_place``, vectors of numbers are views of ``data``. Raises ``error`` for whatever is wrong with the bytes.
    """
    body = as_bytes(data)
    reader = _Reader(table, body, error, in_place)
    if body.size < 8 or body.size > _limits.MAX_REPLY_BYTES:
        raise reader.damaged()
    return reader.table(table, reader.follow(0))


def decode_record(table: str, data: Union[bytes, bytearray, memoryview, Bytes]) -> Values:
    """Reads a stored record (docs/formats.md). Raises DataLoss, or FailedPrecondition for a newer format."""
    body = as_bytes(data)
    if body.size < 8 or body[4:8].tobytes() != IDENTIFIERS[table]:
        raise errors.DataLoss(f"these {body.size} bytes are no {table} record: run `augstore verify`")
    values = decode(table, body, error=errors.DataLoss)
    if values["format"] > 1:
        raise errors.FailedPrecondition(
            f"a {table} record has format {values['format']}, this client reads up to 1: use a newer one"
        )
    return values


class _Writer:
    """Writes forwards: a table, then what it points at. Every offset of FlatBuffers points forwards, so this is valid."""

    def __init__(self) -> None:
        self.out = bytearray()

    def pad(self, alignment: int, ahead: int = 0) -> None:
        """Zeros until the place ``ahead`` bytes further on is a multiple of ``alignment``."""
        self.out += bytes(-(len(self.out) + ahead) % alignment)

    def point(self, place: int) -> None:
        """The offset at ``place`` points to what is written next."""
        _U32.pack_into(self.out, place, len(self.out) - place)

    def table(self, name: str, values: Values, place: int) -> None:
        present = [
            (index, field, kind, values[field])
            for index, (field, kind) in enumerate(TABLES[name])
            if field in values and not _empty(kind, values[field])
        ]
        unknown = set(values) - {field for field, _ in TABLES[name]}
        if unknown:
            raise errors.Internal(f"{name} has no field {sorted(unknown)}: please report this")
        # Wide fields first: then no padding stands between them.
        inline: List[Tuple[int, int]] = sorted(
            ((_width(kind), index) for index, _, kind, _ in present), key=lambda item: (-item[0], item[1])
        )
        offsets = {}
        end = 4
        for width, index in inline:
            end += -end % width
            offsets[index] = end
            end += width
        slots = 1 + max((index for index, *_ in present), default=-1)
        self.pad(2)
        vtable = len(self.out)
        self.out += struct.pack(f"<{2 + slots}H", 4 + 2 * slots, end, *(offsets.get(i, 0) for i in range(slots)))
        self.pad(8)
        start = len(self.out)
        self.point(place)
        self.out += bytes(end)
        _I32.pack_into(self.out, start, start - vtable)
        for index, field, kind, value in present:
            scalar = _SCALARS.get(kind)
            if scalar is not None:
                scalar.pack_into(self.out, start + offsets[index], value)
            else:
                self.child(name, field, kind, value, start + offsets[index])

    def child(self, table: str, field: str, kind: str, value: Any, place: int) -> None:
        if kind == "string":
            self.text(value, place)
        elif not _is_list(kind):
            self.table(kind, value, place)
        elif kind[1:-1] in _DTYPES:
            self.numbers(value, kind[1:-1], FORCED_ALIGNMENT.get((table, field), 4), place)
        else:
            self.pad(4)
            self.point(place)
            start = len(self.out)
            self.out += _U32.pack(len(value)) + bytes(4 * len(value))
            for i, element in enumerate(value):
                at = start + 4 + 4 * i
                if kind == "[string]":
                    self.text(element, at)
                else:
                    self.table(kind[1:-1], element, at)

    def text(self, text: str, place: int) -> None:
        data = text.encode("utf-8", "surrogateescape")
        self.pad(4)
        self.point(place)
        self.out += _U32.pack(len(data)) + data + b"\0"

    def numbers(self, value: Any, element: str, alignment: int, place: int) -> None:
        dtype = _DTYPES[element]
        if isinstance(value, (bytes, bytearray)):
            data: Any = value
            count = len(value)
        else:
            array = np.ascontiguousarray(value, dtype)
            data, count = array.data.cast("B") if array.size else b"", array.size
        self.pad(max(alignment, dtype.itemsize, 4), 4)
        self.point(place)
        self.out += _U32.pack(count)
        self.out += data


def _width(kind: str) -> int:
    return _SCALARS[kind].size if kind in _SCALARS else 4


def _empty(kind: str, value: Any) -> bool:
    if value is None:
        return True
    if kind in _SCALARS:
        return bool(value == 0)
    return not _is_table(kind) and len(value) == 0


def _is_table(kind: str) -> bool:
    return kind != "string" and not _is_list(kind)


def encode(table: str, values: Values, identifier: Optional[bytes] = None) -> bytearray:
    """The bytes of ``table`` with these fields; absent ones are empty, 0 or false. Equal values give equal bytes."""
    writer = _Writer()
    writer.out += bytes(4) + (identifier or b"")
    writer.table(table, values, 0)
    writer.pad(8)
    return writer.out


def encode_record(table: str, values: Values) -> bytes:
    """A stored record: format 1 and its file identifier."""
    return bytes(encode(table, {"format": 1, **values}, IDENTIFIERS[table]))
