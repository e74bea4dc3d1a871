"""Embeddings of length 1: of any dimension and sign, in every dtype, and through transforms, which scale their outputs again."""

from __future__ import annotations

import numpy as np
import pytest

import augstore

STEP = {"f32": 0, "f16": 2**-11, "u8": 1 / 255}  # the largest error of a value whose row spans at most 2


def unit_rows(count, dim, seed=1):
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def lengths(rows):
    return np.linalg.norm(rows.astype(np.float64), axis=1)


@pytest.mark.parametrize("dtype", ["f32", "f16", "u8"])
@pytest.mark.parametrize("dim", [7, 100, 480])
def test_transforms_give_length_one_again_in_queries_and_streams(own_client, dim, dtype):
    name = f"unit-{dim}"
    z = unit_rows(150, dim)
    own_client.import_embeddings(name, z, np.arange(150) % 3, backbone_name=name, dtype=dtype)
    backbone = [known for known in own_client.backbones() if known.name == name][0]
    assert backbone.normalised and (z < 0).any()
    shift = {"0.weight": 0.5 * np.roll(np.eye(dim, dtype=np.float32), 1, axis=0), "0.bias": np.full(dim, 0.1, np.float32)}
    own_client.register_transform(f"mix-{dim}", shift, backbone=name, residual=True)
    expected = z + 0.5 * np.roll(z, 1, axis=1) + 0.1
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    got = own_client.get(name, range(150), f"mix-{dim}@1")
    np.testing.assert_allclose(lengths(got), 1, atol=1e-6)
    np.testing.assert_allclose(got, expected, atol=3 * STEP[dtype] + 1e-5)
    for batch in own_client.stream(name, policy=f"identity:1,mix-{dim}@1:1,mix-{dim}@1>mix-{dim}@1:1", batch_size=64, dtype=dtype).epoch(0):
        np.testing.assert_allclose(lengths(batch.embeddings), 1, atol=STEP[dtype] * dim**0.5 + 1e-5)


def test_a_backbone_is_normalised_when_all_its_first_rows_are(own_client):
    own_client.import_embeddings("long", 2 * unit_rows(9, 7), backbone_name="long")
    own_client.import_embeddings("mixed", np.vstack([unit_rows(9, 7), [[0.5] * 7]]), backbone_name="mixed")
    assert not any(backbone.normalised for backbone in own_client.backbones() if backbone.name in ("long", "mixed"))


def test_rows_of_other_lengths_are_refused_for_a_normalised_backbone(own_client):
    own_client.import_embeddings("unit", unit_rows(9, 7), backbone_name="unit")
    rows = unit_rows(5, 7, seed=2)
    rows[3] *= 1.01
    with pytest.raises(augstore.FailedPrecondition, match="row 3 has another length than 1.*unit@1"):
        own_client.import_embeddings("unit", rows, backbone_name="unit")
    assert own_client.collection("unit").samples == 9
