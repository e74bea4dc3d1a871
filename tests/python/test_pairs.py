"""Transforms from pairs of embeddings, with any function of an image as the augmentation."""

from __future__ import annotations

import numpy as np
import pytest

import augstore
from conftest import DIM


def phi(images):
    """An embedding that an augmentation changes in a way that a matrix can follow."""
    return np.tanh(0.2 * np.stack(images)[:, :DIM])


def images(count, seed=0):
    return list(np.random.default_rng(seed).standard_normal((count, DIM + 3)).astype(np.float32))


def test_a_transform_is_trained_from_any_function_of_an_image(own_client):
    z, augmented = augstore.embed_pairs(phi, images(600), lambda image: np.roll(image, 1) * 0.9, batch_size=50)
    assert z.shape == augmented.shape == (600, DIM) and z.dtype == np.float32
    transform = augstore.train_transform(own_client, "roll", z, augmented, backbone="phi", family="affine", alias="champion")
    assert transform.ref == "roll@1" and transform.family == "affine"
    assert transform.card.entries[0].data == "held-out" and transform.card.entries[0].r2 > 0.5
    assert own_client.get("toy", [0, 1], apply="roll").shape == (2, DIM)


def test_pairs_are_embedded_in_order_and_the_last_batch_may_be_short():
    seen = []

    def record(batch):
        seen.append(len(batch))
        return phi(batch)

    z, augmented = augstore.embed_pairs(record, images(7), lambda image: -image, batch_size=3)
    assert seen == [3, 3, 3, 3, 1, 1]
    np.testing.assert_array_equal(z, phi(images(7)))
    np.testing.assert_array_equal(augmented, -phi(images(7)))


def test_what_does_not_fit_is_named(own_client, rows):
    z = rows[0][:100]
    with pytest.raises(augstore.InvalidArgument, match="has 100 rows and .* has 99"):
        augstore.train_transform(own_client, "t", z, z[:99], backbone="phi")
    with pytest.raises(augstore.InvalidArgument, match=f"has 5 columns, but embeddings of the backbone have {DIM}"):
        augstore.train_transform(own_client, "t", z[:, :5], z[:, :5], backbone="phi")
    with pytest.raises(augstore.NotFound, match="backbone 'psi' does not exist; there are: phi"):
        augstore.train_transform(own_client, "t", z, z, backbone="psi")
    noise = np.random.default_rng(1).standard_normal(z.shape)
    with pytest.raises(augstore.FailedPrecondition, match="nothing was registered"):
        augstore.train_transform(own_client, "t", z, noise, backbone="phi", family="identity", alias="champion")
    assert [transform.ref for transform in own_client.transforms()] == ["shift@1"]
    with pytest.raises(augstore.InvalidArgument, match="phi returned 2 embeddings of 3 images"):
        augstore.embed_pairs(lambda batch: phi(batch)[:2], images(3), lambda image: image)
    with pytest.raises(augstore.InvalidArgument, match="0 images"):
        augstore.embed_pairs(phi, [], lambda image: image)


def test_view_sets_are_listed_with_the_collection(client):
    assert client.collection("toy").views == [] and client.collection("toy").viewed == 0
