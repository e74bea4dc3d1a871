"""The bytes that C++ writes are read here, and the other way round (tests/schemas/wire/golden_test.cc).

To write tests/golden/python anew, when a change is meant: AUGSTORE_WRITE_GOLDEN=1 /usr/bin/python3 -m pytest tests/python
"""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest

import samples
from augstore import errors
from augstore._channel import Frame, aligned, check_header, seal
from augstore._codec import decode, decode_record, encode, encode_record
from augstore._frames import expect
from augstore._limits import MAX_REPLY_BYTES
from augstore._tables import MESSAGE_TYPES
from augstore._weights import Layer, Weights, layers_of_state, parse_safetensors
from augstore.stream import batch_of, parts_of
from conftest import ROOT

GOLDEN = ROOT / "tests" / "golden"
MESSAGES = samples.messages((GOLDEN / "cpp" / "records-Backbone.bin").read_bytes())
REQUEST_ID = 17


def split_frame(data):
    kind, request_id, size, _ = check_header(data[:24], MAX_REPLY_BYTES)
    body = aligned(size)
    body[:] = np.frombuffer(data[24:], np.uint8)
    return Frame(kind, request_id, body)


def expect_golden(name, data):
    path = GOLDEN / "python" / f"{name}.bin"
    if "AUGSTORE_WRITE_GOLDEN" in os.environ:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    assert path.read_bytes() == data, f"{name} is no longer what its golden file says"


def expect_fields(got, fields):
    got = samples.plain(got)
    wanted = samples.plain(fields)
    if "format" in got:
        assert got.pop("format") == 1
    wanted.pop("format", None)
    for name, value in wanted.items():
        assert got[name] == value, name
    for name in set(got) - set(wanted):
        assert got[name] in (0, "", [], None, False), name


@pytest.mark.parametrize("name", MESSAGES)
def test_a_frame_of_the_cpp_side_is_read(name):
    frame = split_frame((GOLDEN / "cpp" / f"{name}.bin").read_bytes())
    assert (frame.type, frame.request_id) == (MESSAGE_TYPES[name], REQUEST_ID)
    expect_fields(decode(name, frame.body), MESSAGES[name])


@pytest.mark.parametrize("name", MESSAGES)
def test_a_frame_is_written_as_its_file_says(name):
    body = bytes(encode(name, MESSAGES[name]))
    expect_golden(name, seal(MESSAGE_TYPES[name], REQUEST_ID, body) + body)
    expect_fields(decode(name, body), MESSAGES[name])


@pytest.mark.parametrize("name", samples.RECORDS)
def test_a_record_of_the_cpp_side_is_read(name):
    expect_fields(decode_record(name, (GOLDEN / "cpp" / f"records-{name}.bin").read_bytes()), samples.RECORDS[name])


@pytest.mark.parametrize("name", samples.RECORDS)
def test_a_record_is_written_as_its_file_says(name):
    data = encode_record(name, samples.RECORDS[name])
    expect_golden(f"records-{name}", data)
    expect_fields(decode_record(name, data), samples.RECORDS[name])


def test_a_batch_of_the_cpp_side_is_read_in_place():
    frame = split_frame((GOLDEN / "cpp" / "BatchReply.bin").read_bytes())
    table, place = parts_of(frame)
    batch = batch_of(table, place)
    assert batch.embeddings.shape == (3, 5) and batch.embeddings[2, 4] == 5.0
    assert batch.labels.tolist() == [-1, 0, 1] and batch.samples.tolist() == samples.BATCH["samples"]
    assert np.shares_memory(batch.embeddings, frame.body) and place.embeddings % 64 == 0
    assert batch.embeddings.ctypes.data % 64 == 0


def test_an_error_of_the_cpp_side_becomes_its_exception():
    frame = split_frame((GOLDEN / "cpp" / "ErrorReply.bin").read_bytes())
    with pytest.raises(errors.NotFound, match="collection 'x' does not exist"):
        expect(frame, "EndReply")


def test_weights_are_the_same_bytes_from_both_sides():
    layers = [
        Layer(np.array([[1, 2], [3, 4], [5, 6]], np.float32), np.array([0.5, -0.5, 0], np.float32), "relu", False),
        Layer(np.array([[6, 5, 4], [3, 2, 1]], np.float32), np.array([-1, 1], np.float32), "none", True),
    ]
    data = Weights(layers, {}, {}).to_safetensors()
    expect_golden("weights", data)
    golden = (GOLDEN / "cpp" / "weights.bin").read_bytes()
    assert data == golden
    metadata, tensors = parse_safetensors(golden)
    assert metadata == {"augstore.layers": "relu,none+residual"}
    assert layers_of_state(tensors)[1].weight.tolist() == [[6, 5, 4], [3, 2, 1]]


def with_new_field(body):
    """``body`` with a field of a number that no table has yet: its list of fields moves to the end, where it can be longer."""
    body = bytearray(body)
    (table,) = struct.unpack_from("<I", body)
    fields = table - struct.unpack_from("<i", body, table)[0]
    (size,) = struct.unpack_from("<H", body, fields)
    longer = body[fields : fields + size].ljust(2 * (2 + 201), b"\0")
    struct.pack_into("<H", longer, 0, len(longer))
    struct.pack_into("<H", longer, len(longer) - 2, 4)
    body += bytes(-len(body) % 8)
    struct.pack_into("<i", body, table, table - len(body))
    return bytes(body + longer)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_field_that_a_newer_server_appends_to_a_message_is_passed_over(name):
    expect_fields(decode(name, with_new_field(encode(name, MESSAGES[name]))), MESSAGES[name])


@pytest.mark.parametrize("name", samples.RECORDS)
def test_a_field_that_a_newer_release_appends_to_a_record_is_passed_over(name):
    expect_fields(decode_record(name, with_new_field(encode_record(name, samples.RECORDS[name]))), samples.RECORDS[name])
