"""What callers give, checked: raises InvalidArgument before anything is sent."""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from typing import Any, Dict, List, Mapping, Optional, Sequence

import numpy as np
import numpy.typing as npt

from . import _limits, errors
from ._codec import Values
from ._records import Backbone
from ._weights import Weights, layers_of_state, read_weights


def sample_ids(ids: Any) -> npt.NDArray[np.uint64]:
    array = np.asarray(ids)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise errors.InvalidArgument(f"ids are {array.dtype} of shape {array.shape}: give a list of integers")
    if array.size and int(array.min()) < 0:
        raise errors.InvalidArgument(f"id {int(array.min())} is negative: ids count from 0")
    return array.astype(np.uint64)


def check_chunk(chunk: Any, column: int) -> int:
    """The number of samples of a SampleChunk whose lists fit together. Raises DataLoss."""
    if chunk is None:
        return 0
    count = len(chunk["rows"])
    lengths = [len(chunk["splits"]), len(chunk["keys"]), *(len(values["values"]) for values in chunk["labels"])]
    names = len(chunk["split_names"])
    outside = (count and int(chunk["splits"].max()) >= names) or column >= len(chunk["labels"])
    if outside or any(length != count for length in lengths):
        raise errors.DataLoss("a chunk of samples has lists of different lengths: run `augstore verify`")
    return count


def matrix_of(embeddings: npt.ArrayLike) -> npt.NDArray[np.float32]:
    matrix = np.ascontiguousarray(embeddings, np.float32)
    if matrix.ndim != 2 or matrix.shape[0] == 0 or not 1 <= matrix.shape[1] <= _limits.MAX_DIM:
        raise errors.InvalidArgument(f"embeddings have the shape {matrix.shape}: give n x d, d at most {_limits.MAX_DIM}")
    finite = np.isfinite(matrix).all(axis=1)
    if not finite.all():
        raise errors.InvalidArgument(f"row {int(np.argmin(finite))} is not finite: embeddings must be finite in float32")
    return matrix


def have_unit_length(matrix: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Of each row whether its Euclidean length is 1: what L2-normalised embeddings have."""
    squares = np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
    unit: npt.NDArray[np.bool_] = np.abs(np.sqrt(squares) - 1) <= 1e-4
    return unit


def backbone_of_rows(digest: bytes, matrix: npt.NDArray[np.float32], source: str) -> Values:
    """The record of a backbone that is known by its embeddings alone."""
    normalised = bool(have_unit_length(matrix).all())
    return {"digest": digest, "dim": matrix.shape[1], "source": source, "created_unix_s": int(time.time()), "normalised": normalised}


def check_fits_backbone(matrix: npt.NDArray[np.float32], backbone: Backbone) -> None:
    """Embeddings of the backbone have its dimension, and length 1 where it is normalised."""
    if backbone.dim != matrix.shape[1]:
        raise errors.FailedPrecondition(f"backbone {backbone.ref} has dimension {backbone.dim}, these have {matrix.shape[1]}")
    unit = have_unit_length(matrix)
    if backbone.normalised and not unit.all():
        why = f"row {int(np.argmin(unit))} has another length than 1, which all embeddings of backbone {backbone.ref} have"
        raise errors.FailedPrecondition(f"{why}: divide each row by its length, or name another backbone")


def labels_of(labels: npt.ArrayLike, rows: int) -> npt.NDArray[np.int64]:
    values = np.asarray(labels)
    if values.shape != (rows,) or values.dtype.kind not in "iu":
        raise errors.InvalidArgument(f"labels are {values.dtype} of shape {values.shape}: give {rows} integers")
    return values.astype(np.int64)


def hashes_of(matrix: npt.NDArray[np.float32]) -> List[bytes]:
    """The hash of each row, under which the server stores it."""
    return [hashlib.sha256(row.tobytes()).digest()[:16] for row in matrix.astype("<f4", copy=False)]


def keys_of(keys: Optional[Sequence[str]], hashes: Sequence[bytes]) -> List[str]:
    """The keys that were given, else the hashes of the rows: with -2, -3, ... after those of equal ones, as in C++."""
    if keys is not None:
        if len(keys) != len(hashes):
            raise errors.InvalidArgument(f"{len(keys)} keys for {len(hashes)} embeddings: give one for each")
        return [str(key) for key in keys]
    texts: List[str] = []
    times: Dict[str, int] = {}
    for row in hashes:
        text = row.hex()
        times[text] = times.get(text, 0) + 1
        texts.append(text if times[text] == 1 else f"{text}-{times[text]}")
    return texts


def warn_of_shared_rows(collection: str, changes: Mapping[str, Any]) -> None:
    """Of rows that a collection would have in two splits or under several keys, before it has them."""
    for shared in changes["shared"]:
        labels = f" ({shared['conflicting']} of them with different labels)" if shared["conflicting"] else ""
        where, why = f"both in {shared['split']} and {shared['other']}", "accuracies on one after training on the other are too high"
        if shared["split"] == shared["other"]:
            where, why = f"in {shared['split']} under several keys", "they count several times in training"
        warnings.warn(f"{shared['rows']} rows of {collection} are {where}{labels}: {why}", stacklevel=4)


def class_names(labels: npt.NDArray[np.int64], classes: Optional[Sequence[str]]) -> List[str]:
    names = [str(i) for i in range(int(labels.max()) + 1)] if classes is None else [str(name) for name in classes]
    if int(labels.min()) < -1 or int(labels.max()) >= len(names):
        raise errors.InvalidArgument(f"labels run from {labels.min()} to {labels.max()}: give -1 to {len(names) - 1}")
    return names


def weights_of(weights: Any, residual: bool) -> Weights:
    if isinstance(weights, (str, os.PathLike)):
        if residual:
            raise errors.InvalidArgument("residual is for modules and state_dicts: a file says it in its metadata")
        return read_weights(weights)
    if isinstance(weights, Mapping):
        return Weights(layers_of_state(weights, residual), {}, {})
    from ._modules import layers_of_module

    return Weights(layers_of_module(weights, residual), {}, {})
