"""Transforms from pairs of embeddings: for vectors without images, and for augmentations that augstore does not draw."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from . import errors
from ._inputs import matrix_of
from .embedded import find_binary

if TYPE_CHECKING:
    from ._records import Transform
    from .client import Client

Matrix = npt.NDArray[np.float32]


def embed_pairs(
    phi: Callable[[List[Any]], npt.ArrayLike], images: Sequence[Any], augment: Callable[[Any], Any], *, batch_size: int = 64
) -> Tuple[Matrix, Matrix]:
    """Embeds every image as it is and augmented: two matrices of n x d, row i of both of image i.

    ``phi``: takes a list of images, returns their embeddings, n x d (numpy, or torch on the CPU without gradients). ``augment``:
    any function of one image. Both get ``images[i]`` as they are.
    """
    if batch_size < 1 or len(images) == 0:
        raise errors.InvalidArgument(f"{len(images)} images in batches of {batch_size}: give at least one, in batches of at least 1")
    plain: List[Matrix] = []
    augmented: List[Matrix] = []
    for begin in range(0, len(images), batch_size):
        batch = [images[i] for i in range(begin, min(begin + batch_size, len(images)))]
        for made, part in ((plain, batch), (augmented, [augment(image) for image in batch])):
            z = matrix_of(phi(part))
            if len(z) != len(batch):
                raise errors.InvalidArgument(f"phi returned {len(z)} embeddings of {len(batch)} images")
            made.append(z)
    return np.concatenate(plain), np.concatenate(augmented)


def train_transform(
    client: "Client",
    name: str,
    z: npt.ArrayLike,
    augmented: npt.ArrayLike,
    *,
    backbone: str,
    family: str = "auto",
    alias: str = "",
    seed: int = 0,
    binary: Optional[str] = None,
) -> "Transform":
    """Fits Ω to pairs of embeddings, measures it on a tenth of them, and registers it as the next version of ``name``.

    ``z``, ``augmented``: n x d, row i of both of the same image, such as ``embed_pairs`` returns. ``backbone``: the registered name
    of what made them. ``alias``: moved to the version, if its card proves it. Runs the program augstore (``binary``, else
    AUGSTORE_BINARY, else that on PATH) as `augstore transform train-pairs`. Raises InvalidArgument, NotFound (no such backbone, no
    program), FailedPrecondition (the card does not allow the alias: nothing is registered).
    """
    matrices = [("z.npy", matrix_of(z)), ("z2.npy", matrix_of(augmented))]
    words = [find_binary(binary), "transform", "train-pairs"]
    with tempfile.TemporaryDirectory(prefix="augstore-pairs-") as folder:
        for file, matrix in matrices:
            path = str(pathlib.Path(folder) / file)
            np.save(path, matrix)
            words.append(path)
        words += ["--name", name, "--backbone", backbone, "--family", family, "--seed", str(seed), "--json", "--quiet"]
        words += ["--alias", alias] if alias else []
        words += client.endpoint.words()
        environment = {**os.environ, **client.endpoint.environment()}
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise _error_of(done.stderr, done.returncode)
    return client.transform(json.loads(done.stdout)["ref"])


def _error_of(said: str, code: int) -> errors.Error:
    """What the program said last, "augstore: NotFound: ...", as the error that it names."""
    last = (said.strip().splitlines() or [f"augstore ended with exit code {code}"])[-1]
    _, _, rest = last.partition(": ")
    kind, _, message = rest.partition(": ")
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, errors.Error):
        return found(message)
    return errors.Internal(last)
