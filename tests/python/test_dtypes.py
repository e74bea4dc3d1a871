"""Embeddings in f16 and u8: what is stored and sent is the row rounded, and tensors are float32 all the same."""

from __future__ import annotations

import numpy as np
import pytest

import augstore
from augstore._dtypes import decode_rows, row_bytes
from augstore.stream import Place, Spec, Stream, batch_of, open_stream, parts_of
from augstore._connection import Connection
from augstore._channel import Retry
from test_golden import GOLDEN, split_frame

DTYPES = ["f32", "f16", "u8"]


def rounded(dtype, rows):
    """What a row of this dtype gives back (schemas/weights/dtype.h)."""
    if dtype == "f16":
        return rows.astype(np.float16).astype(np.float32)
    if dtype == "f32":
        return rows
    low = rows.min(axis=1, keepdims=True)
    scale = ((rows.max(axis=1, keepdims=True) / np.float32(2) - low / np.float32(2)) / np.float32(255) * np.float32(2)).astype(np.float32)
    codes = np.floor(np.clip((rows - low) * (np.float32(1) / scale), 0, 255) + np.float32(0.5))
    return low + scale * codes.astype(np.float32)


def stream_of(client, **fields):
    return Stream(client.address, open_stream(Connection(client.address, Retry()), Spec("toy", split="train", **fields)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_stream_has_the_same_rows_in_every_dtype_rounded(client, dtype):
    plain = list(stream_of(client, policy="identity,shift@1", seed=3).epoch(1))
    sent = list(stream_of(client, policy="identity,shift@1", seed=3, dtype=dtype).epoch(1))
    assert len(plain) == len(sent) == 4
    for exact, batch in zip(plain, sent):
        assert np.array_equal(batch.samples, exact.samples) and np.array_equal(batch.chains, exact.chains)
        assert batch.embeddings.dtype == np.float32
        np.testing.assert_array_equal(batch.embeddings, rounded(dtype, exact.embeddings))


@pytest.mark.parametrize("dtype", ["f16", "u8"])
@pytest.mark.parametrize("workers", [0, 2])
def test_tensors_are_what_the_arrays_are(client, dtype, workers):
    torch = pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    expected = {batch.step: batch.embeddings for batch in stream_of(client, policy="shift@1", dtype=dtype).epoch(0)}
    data = augstore.StreamDataset(client, "toy", split="train", policy="shift@1", dtype=dtype)
    seen = 0
    for batch in augstore.StreamLoader(data, num_workers=workers):
        assert batch.embeddings.dtype == torch.float32
        assert np.array_equal(batch.embeddings.numpy(), expected[batch.step])
        assert torch.equal(batch.to("cpu").embeddings, batch.embeddings)
        seen += 1
    assert seen == len(expected)


def test_a_state_of_another_dtype_is_refused(client):
    pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    state = augstore.StreamDataset(client, "toy").state_dict()
    with pytest.raises(augstore.FailedPrecondition, match="dtype: u8 here, f32 before"):
        augstore.StreamDataset(client, "toy", dtype="u8").load_state_dict(state)


@pytest.mark.parametrize("fields, reason", [({"dtype": "bf16"}, "f32, f16, u8"), ({"precision": "int4"}, "f32, int8")])
def test_unknown_names_are_refused_with_those_there_are(client, fields, reason):
    with pytest.raises(augstore.InvalidArgument, match=reason):
        stream_of(client, **fields)


def test_int8_is_refused_for_a_transform_without_a_price(client):
    with pytest.raises(augstore.FailedPrecondition, match="does not say what int8 costs"):
        stream_of(client, policy="shift@1", precision="int8")
    assert stream_of(client, policy="identity", precision="int8").info.spec.precision == "int8"


@pytest.mark.parametrize("dtype", ["f16", "u8"])
def test_a_collection_is_stored_in_its_dtype_and_keeps_it(own_client, rows, dtype):
    embeddings, labels = rows
    first = own_client.import_embeddings("small", embeddings, labels, backbone_name="phi", source="a", dtype=dtype)
    assert first.dtype == dtype and own_client.collection("toy").dtype == "f32"
    np.testing.assert_array_equal(own_client.get("small", range(1000)), rounded(dtype, embeddings))
    grown = own_client.import_embeddings("small", embeddings[:10] + 1, labels[:10], backbone_name="phi", source="b")
    assert (grown.dtype, grown.samples) == (dtype, 1010)
    with pytest.raises(augstore.FailedPrecondition, match=f"is stored in {dtype}, not in f32"):
        own_client.import_embeddings("small", embeddings, labels, backbone_name="phi", source="c", dtype="f32")
    assert len(own_client.stats()["spaces"]) == 2, "nothing was stored before it was refused"
    other = own_client.import_embeddings("small", embeddings, labels, backbone_name="phi", source="c", dtype="f32", start_empty=True)
    assert other.dtype == "f32" and np.array_equal(own_client.get("small", range(1000)), embeddings)


def test_values_that_f16_cannot_hold_are_refused(own_client, rows):
    embeddings = rows[0].copy()
    embeddings[7, 3] = 1e5
    with pytest.raises(augstore.InvalidArgument, match="row 7 has values that f16 cannot hold: store f32 or u8"):
        own_client.import_embeddings("large", embeddings, backbone_name="phi", dtype="f16")


@pytest.mark.parametrize("dtype", ["f16", "u8"])
def test_batches_that_c_plus_plus_wrote_are_read(dtype):
    table, place = parts_of(split_frame((GOLDEN / "cpp" / f"BatchReply-{dtype}.bin").read_bytes()))
    batch = batch_of(table, place)
    exact = (np.arange(15, dtype=np.float32) * 0.5 - 2).reshape(3, 5)
    np.testing.assert_array_equal(batch.embeddings, rounded(dtype, exact))
    assert (place.rows, place.dim) == (3, 5)


def test_rows_take_the_bytes_that_they_should():
    assert [row_bytes(number, 512) for number in (0, 1, 2)] == [2048, 520, 1024]
    halves = np.array([[1, -2.5, 65504]], np.float16)
    assert decode_rows(2, halves.reshape(-1).view(np.uint8), 1, 3).tolist() == [[1, -2.5, 65504]]


@pytest.mark.parametrize("dtype", [1, 2])
def test_a_batch_without_rows_has_none_as_a_tensor(dtype):
    torch = pytest.importorskip("torch", reason="PyTorch for Python is not installed (Debian: python3-torch)")
    batch = augstore.Batch(torch.zeros(64, dtype=torch.uint8), Place(0, 0, 0, 5, 0, 0, 0, 0, dtype))
    assert batch.embeddings.shape == (0, 5)
