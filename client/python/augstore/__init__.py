"""augstore: embeddings stored once, augmented when they are read. The Python client.

>>> import augstore
>>> client = augstore.connect("tcp://127.0.0.1:7411")
>>> client.collections()
>>> z = client.get("photos", [0, 1, 2], apply="hflip>rotate(15)")  # 3 x d, float32

With PyTorch: ``StreamDataset``, ``StreamLoader``, ``EmbeddingDataset`` and ``export_backbone``. Without it the rest works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._connect import connect
from .client import Client, Samples
from .embedded import open_store as open
from .errors import (
    AlreadyExists,
    DataLoss,
    DeadlineExceeded,
    Error,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)

from .pairs import embed_pairs, train_transform

if TYPE_CHECKING:
    from .backbone import export_backbone
    from .dataset import Batch, EmbeddingDataset, StreamDataset, StreamLoader

__version__ = "0.1.0"

__all__ = [
    "AlreadyExists", "Batch", "Client", "DataLoss", "DeadlineExceeded", "EmbeddingDataset", "Error", "FailedPrecondition",
    "Internal", "InvalidArgument", "NotFound", "PermissionDenied", "ResourceExhausted", "Samples", "StreamDataset",
    "StreamLoader", "Unauthenticated", "Unavailable", "connect", "embed_pairs", "export_backbone", "open", "train_transform",
]  # fmt: skip

_NEEDS_TORCH = {
    "Batch": "dataset",
    "EmbeddingDataset": "dataset",
    "StreamDataset": "dataset",
    "StreamLoader": "dataset",
    "export_backbone": "backbone",
}


def __getattr__(name: str) -> Any:
    """Loads what needs PyTorch when it is asked for, so that the rest works without."""
    module = _NEEDS_TORCH.get(name)
    if module is None:
        raise AttributeError(f"module 'augstore' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(f"augstore.{module}"), name)
