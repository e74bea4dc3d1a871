"""Streams and embeddings as PyTorch datasets."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from functools import cached_property
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from . import errors
from ._channel import Retry
from ._codec import Bytes
from ._connection import Connection
from ._dtypes import F16, F32, row_bytes
from ._endpoint import endpoint_of
from ._records import default_split
from .client import Client
from .stream import Place, Spec, Stream, StreamInfo, open_stream, worker_spec

_STATE_VERSION = 1
# What a dataset and its copies in worker processes share.
_EPOCH, _STEP, _READ_BY_WORKERS, _IDENTITY = range(4)


class Batch:
    """One batch of n rows as tensors: views of the memory that was received, so no copy was made, but of embeddings that were
    sent in f16 or u8: those are made float32 when they are asked for, on the device where the batch is.

    Unpacks as ``z, y = batch``. Rows stand by chain, ascending. ``samples`` and ``chains`` say what each row is.
    """

    epoch: int
    step: int  # of this rank's steps in the epoch

    def __init__(self, memory: torch.Tensor, place: Place) -> None:
        """``memory``: the bytes of the frame, uint8, on any device."""
        self.epoch = place.epoch
        self.step = place.step
        self._memory = memory
        self._place = place

    @cached_property
    def embeddings(self) -> torch.Tensor:
        """n x dim, float32."""
        place = self._place
        if place.dtype != F32:
            size = place.rows * row_bytes(place.dtype, place.dim)
            return _decoded(self._part(place.embeddings, size, torch.uint8), place)
        return self._part(place.embeddings, 4 * place.rows * place.dim, torch.float32).view(place.rows, place.dim)

    @cached_property
    def labels(self) -> torch.Tensor:
        """n, int64; -1: unlabelled."""
        return self._part(self._place.labels, 4 * self._place.rows, torch.int32).long()

    @cached_property
    def samples(self) -> torch.Tensor:
        """n, int64: ids within the collection."""
        return self._part(self._place.samples, 8 * self._place.rows, torch.int64)

    @cached_property
    def chains(self) -> torch.Tensor:
        """n, int64: indices into ``StreamDataset.info.chains``."""
        return self._part(self._place.chains, 2 * self._place.rows, torch.int16).long()

    def _part(self, begin: int, size: int, dtype: torch.dtype) -> torch.Tensor:
        return self._memory[begin : begin + size].view(dtype)

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield self.embeddings
        yield self.labels

    def __repr__(self) -> str:
        return f"<Batch {self._place.rows, self._place.dim} of epoch {self.epoch}, step {self.step}>"

    def pin_memory(self) -> "Batch":
        """A copy in page-locked memory; ``DataLoader(pin_memory=True)`` calls it."""
        return Batch(self._memory.pin_memory(), self._place)

    def to(self, device: Union[str, torch.device], non_blocking: bool = False) -> "Batch":
        """The batch on ``device``, in one transfer."""
        return Batch(self._memory.to(device, non_blocking=non_blocking), self._place)

    def __reduce__(self) -> Tuple[Any, ...]:
        return Batch, (self._memory, self._place)


def _decoded(data: torch.Tensor, place: Place) -> torch.Tensor:
    """_dtypes.decode_rows for tensors."""
    if place.dtype == F16:
        return data.view(torch.float16).view(place.rows, place.dim).float()
    if place.rows == 0:
        return torch.empty(0, place.dim, device=data.device)
    table = data.view(place.rows, -1)
    scaling = table[:, : -place.dim].contiguous().view(torch.float32)
    return scaling[:, :1] + scaling[:, 1:] * table[:, -place.dim :].float()


class StreamDataset(IterableDataset):  # type: ignore[type-arg]
    """The batches of a stream, for ``StreamLoader(ds)`` or ``DataLoader(ds, batch_size=None, num_workers=n)``.

    ``source``: a client, or an address with the key of the environment. ``collection``, ``policy``: best with versions
    (``photos@2``), so that every process and every later run means the same. ``split``: default "train", where the collection
    has that split, else all samples; "": all samples. ``rank`` and ``world_size``: of torch.distributed when it runs, else of
    the environment (RANK, WORLD_SIZE), else 0 of 1. ``shuffle_window``: samples that are shuffled among each other, for
    collections larger than the server's memory; 0: all. ``dtype``: in which embeddings are sent, "f32", "f16" (half the
    bytes) or "u8" (a quarter); tensors are float32 all the same. ``precision``: of the transforms, "f32" or "int8".
    ``prefetch``: batches that a thread receives ahead when there are no workers.

    It connects when it is first used, in each process by itself, so it survives fork, spawn and pickling. Ranks and workers
    get disjoint batches that together are the whole epoch; for any number of workers the loader gives the same batches in
    the same order. Every pass starts where ``set_epoch`` or ``load_state_dict`` has put it.
    """

    def __init__(
        self,
        source: Union[Client, str],
        collection: str,
        *,
        split: Optional[str] = None,
        policy: str = "identity",
        label_column: str = "",
        seed: int = 0,
        batch_size: int = 256,
        shuffle: bool = True,
        drop_last: bool = False,
        shuffle_window: int = 0,
        dtype: str = "f32",
        precision: str = "f32",
        rank: Optional[int] = None,
        world_size: Optional[int] = None,
        prefetch: int = 4,
    ) -> None:
        super().__init__()
        own_rank, own_world = _distributed()
        self._client = source if isinstance(source, Client) else None  # keeps the server of augstore.open
        self._endpoint = source._connection.endpoint if isinstance(source, Client) else endpoint_of(source)
        self._spec = Spec(
            collection=collection,
            split=split or "",
            policy=policy,
            label_column=label_column,
            seed=seed,
            batch_size=batch_size,
            rank=own_rank if rank is None else rank,
            world_size=own_world if world_size is None else world_size,
            shuffle=shuffle,
            drop_last=drop_last,
            shuffle_window=shuffle_window,
            dtype=dtype,
            precision=precision,
        )
        self._spec.check()
        self._split_given = split is not None
        self._prefetch = prefetch
        self._info: Optional[StreamInfo] = None
        self._shared = torch.zeros(4, dtype=torch.int64).share_memory_()
        self._position: Optional[Tuple[int, int]] = None  # the first batch that the trainer has not had
        self._marked = False

    @property
    def info(self) -> StreamInfo:
        """What the stream resolved to: pinned versions, chains, classes, samples, steps, dim. Connects the first time."""
        if self._info is None:
            spec = self._spec
            if not self._split_given:
                with Client(self._endpoint) as client:
                    spec = replace(spec, split=default_split(client.collection(spec.collection)))
            self._info = open_stream(Connection(self._endpoint, Retry()), spec)
            self._shared[_IDENTITY] = _identity(self._info)
        return self._info

    def __len__(self) -> int:
        """Batches of one whole epoch for this rank."""
        return self.info.steps

    def __repr__(self) -> str:
        spec = self._spec if self._info is None else self._info.spec
        rank = f", rank {spec.rank} of {spec.world_size}" if spec.world_size > 1 else ""
        return f"<StreamDataset {spec.collection} {spec.split} {spec.policy}, batches of {spec.batch_size}{rank}>"

    def set_epoch(self, epoch: int) -> None:
        """The next pass is of this epoch, from its start; of the epoch that a state was loaded for, from that step."""
        if not 0 <= epoch < 2**63:
            raise errors.InvalidArgument(f"epoch {epoch}: give an integer from 0 on")
        if epoch != int(self._shared[_EPOCH]):
            self._start(epoch, 0)

    def mark(self, batch: Batch) -> None:
        """The trainer has had ``batch``. ``StreamLoader`` does it; so does a pass without workers."""
        self._position = (batch.epoch, batch.step + 1)
        self._marked = True

    def state_dict(self, batch: Optional[Batch] = None) -> Dict[str, Any]:
        """Where to go on: behind ``batch``; without one, behind the last batch that the trainer has had. Plain types.

        Raises FailedPrecondition when that is not known: a plain DataLoader with workers does not tell what it has given to
        the trainer. Give the batch, or use StreamLoader.
        """
        if batch is not None:
            epoch, step = batch.epoch, batch.step + 1
        elif int(self._shared[_READ_BY_WORKERS]) and not self._marked:
            raise errors.FailedPrecondition(
                "which batch the trainer has had is not known here: a DataLoader's workers read ahead. Call "
                "state_dict(batch) with the last batch, or use augstore.StreamLoader instead of DataLoader"
            )
        else:
            epoch, step = self._position or (int(self._shared[_EPOCH]), int(self._shared[_STEP]))
        return {"version": _STATE_VERSION, "epoch": epoch, "step": step, "stream": self.info.to_dict()}

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """The next pass goes on where ``state`` was taken; any number of workers is right.

        Raises FailedPrecondition, with the difference named, when data, policy, transforms, seed or sizes are not the same.
        """
        if state.get("version") != _STATE_VERSION or not isinstance(state.get("stream"), dict):
            raise errors.InvalidArgument("this is no state of a StreamDataset: give what state_dict() gave")
        before = StreamInfo.from_dict(state["stream"])
        difference = self.info.difference(before)
        if difference:
            raise errors.FailedPrecondition(
                f"the state is of another stream: {difference}. To go on with that one, give collection='{before.spec.collection}', "
                f"policy='{before.spec.policy}' and its other values"
            )
        epoch, step = int(state["epoch"]), int(state["step"])
        if not 0 <= epoch < 2**63 or not 0 <= step <= self.info.steps:
            raise errors.InvalidArgument(f"epoch {epoch}, step {step} is outside an epoch of {self.info.steps} steps")
        self._start(epoch, step)

    def __iter__(self) -> Iterator[Batch]:
        epoch, step = int(self._shared[_EPOCH]), int(self._shared[_STEP])
        worker = get_worker_info()
        if worker is None:
            return self._pass(epoch, step)
        self._shared[_READ_BY_WORKERS] = 1
        return self._part(epoch, step, worker.id, worker.num_workers)

    def _start(self, epoch: int, step: int) -> None:
        self._shared[_EPOCH] = epoch
        self._shared[_STEP] = step
        self._position = None

    def _pass(self, epoch: int, step: int) -> Iterator[Batch]:
        for raw in Stream(self._endpoint, self.info).raw(epoch, step, self._prefetch):
            batch = Batch(torch.from_numpy(raw.frame.body), raw.place)
            self.mark(batch)
            yield batch

    def _part(self, epoch: int, step: int, worker: int, workers: int) -> Iterator[Batch]:
        """The steps of one worker: step + worker, step + worker + workers, ..."""
        info = self.info
        identity = _identity(info)
        spec, first = worker_spec(info.spec, worker, workers, step)
        mine = open_stream(Connection(self._endpoint, Retry()), spec)
        # The loader has asked for batches ahead already; receiving into shared memory leaves it nothing to copy.
        memory = _SharedMemory()
        batches = Stream(self._endpoint, mine).raw(epoch, first, 0, memory)
        for number in range(step + worker, info.steps, workers):
            raw = next(batches)
            if int(self._shared[_IDENTITY]) != identity or mine.collection_digest != info.collection_digest:
                raise errors.FailedPrecondition(
                    f"'{self._spec.collection}' or a transform of '{self._spec.policy}' got a new version while the workers "
                    "started: name the versions, as StreamDataset.info.spec does"
                )
            yield Batch(memory.last, raw.place._replace(step=number))

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_client": None}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self._shared.is_shared():
            self._shared.share_memory_()


class StreamLoader(DataLoader):  # type: ignore[type-arg]
    """A DataLoader of a StreamDataset that knows which batch the trainer has had: ``state_dict()`` is exact.

    Takes the keywords of DataLoader (``num_workers``, ``pin_memory``, ``prefetch_factor``, ``persistent_workers``, ...) but those
    about batches and order, which are the stream's.
    """

    dataset: StreamDataset

    def __init__(self, dataset: StreamDataset, **options: Any) -> None:
        taken = {"batch_size", "shuffle", "sampler", "batch_sampler", "drop_last", "collate_fn"} & set(options)
        if taken:
            raise errors.InvalidArgument(f"{sorted(taken)} belong to the StreamDataset, not to its loader: give them there")
        super().__init__(dataset, batch_size=None, **options)

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]
        _ = self.dataset.info  # resolved once, before workers copy the dataset
        for batch in super().__iter__():
            self.dataset.mark(batch)
            yield batch

    def set_epoch(self, epoch: int) -> None:
        """As StreamDataset.set_epoch."""
        self.dataset.set_epoch(epoch)

    def state_dict(self) -> Dict[str, Any]:
        """Where to go on, behind the last batch that this loader gave."""
        return self.dataset.state_dict()

    def load_state_dict(self, state: Dict[str, Any]) -> None:
        """As StreamDataset.load_state_dict."""
        self.dataset.load_state_dict(state)


class EmbeddingDataset(Dataset):  # type: ignore[type-arg]
    """Random access to the embeddings of a collection or of one split, raw or through a chain.

    ``split``: default "train", where the collection has that split, else all samples; "": all samples.

    ``ds[i]`` is (dim float32, int label); ``ds[[i, j]]`` is (2 x dim float32, 2 int64), in one request. A DataLoader that fetches
    batches by ``__getitems__`` (PyTorch 2) makes one request for each batch; with any PyTorch,
    ``DataLoader(ds, sampler=BatchSampler(RandomSampler(ds), 256, False), batch_size=None)`` does.
    """

    def __init__(
        self,
        source: Union[Client, str],
        collection: str,
        *,
        split: Optional[str] = None,
        apply: str = "identity",
        label_column: str = "",
    ) -> None:
        self._client = source if isinstance(source, Client) else Client(source)
        self._apply = apply
        self._label_column = label_column
        self.collection = self._client.collection(collection)
        split = default_split(self.collection) if split is None else split
        self._split = split
        if split and split not in self.collection.splits:
            raise errors.NotFound(f"{self.collection.ref} has no split '{split}': it has {list(self.collection.splits)}")
        self._ids: Optional[np.ndarray] = None  # of the split; None: all, and not asked for yet

    def __len__(self) -> int:
        return self.collection.splits[self._split] if self._split else self.collection.samples

    def __getitem__(self, index: Union[int, Sequence[int], torch.Tensor]) -> Tuple[torch.Tensor, Any]:
        one = isinstance(index, (int, np.integer))
        embeddings, labels = self._fetch(np.atleast_1d(np.asarray(index, np.int64)))
        return (embeddings[0], int(labels[0])) if one else (embeddings, labels)

    def __getitems__(self, indices: Sequence[int]) -> List[Tuple[torch.Tensor, int]]:
        """The samples at ``indices``, in one request."""
        embeddings, labels = self._fetch(np.asarray(indices, np.int64))
        return list(zip(embeddings, labels.tolist()))

    def _fetch(self, index: np.ndarray) -> Tuple[torch.Tensor, torch.Tensor]:
        count = len(self)
        index = np.where(index < 0, index + count, index)
        if index.size and (index.min() < 0 or index.max() >= count):
            raise IndexError(f"index {index.min()} .. {index.max()} is outside the {count} samples")
        if self._split and self._ids is None:
            every = self._client.samples(self.collection.ref, self._label_column)
            self._ids = np.flatnonzero(np.array(every.splits) == self._split)
        ids = index if self._ids is None else self._ids[index]
        found = self._client.query_pinned(self.collection.ref, self.collection.dim, ids, self._apply, self._label_column)
        return torch.from_numpy(found[0]), torch.from_numpy(found[1]).long()


def _distributed() -> Tuple[int, int]:
    """Rank and world size of this process."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    texts = os.environ.get("RANK", "0"), os.environ.get("WORLD_SIZE", "1")
    try:
        return int(texts[0]), int(texts[1])
    except ValueError:
        raise errors.InvalidArgument(f"RANK is '{texts[0]}', WORLD_SIZE is '{texts[1]}': give integers, or neither") from None


def _identity(info: StreamInfo) -> int:
    """A number above 0 for what the stream resolved to, the same in every worker."""
    return int.from_bytes(hashlib.sha256(info.fingerprint.encode()).digest()[:7], "little") + 1


class _SharedMemory:
    """Memory that another process can map: a worker's batch goes to the trainer without a copy."""

    def __init__(self) -> None:
        self.last = torch.empty(0, dtype=torch.uint8)  # where the frame that was received last stands

    def __call__(self, size: int) -> Bytes:
        new_shared = getattr(torch.UntypedStorage, "_new_shared", None)
        if new_shared is None:
            self.last = torch.empty(size, dtype=torch.uint8).share_memory_()
        else:
            self.last = torch.empty(0, dtype=torch.uint8).set_(new_shared(max(size, 1)))[:size]
        memory: Bytes = self.last.numpy()
        return memory
