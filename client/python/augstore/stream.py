"""Streams of batches as numpy arrays. ``augstore.StreamDataset`` puts PyTorch on top of them."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import asdict, dataclass, replace
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _limits, errors
from ._channel import Allocate, Backoff, Channel, Frame, Retry, aligned
from ._codec import Values, decode, encode
from ._connection import TRANSIENT, Connection
from ._dtypes import DTYPES, F32, PRECISIONS, decode_rows, name_of, number_of, row_bytes
from ._endpoint import Endpoint, endpoint_of
from ._frames import error_of_frame, expect
from ._records import hex_of
from ._tables import MESSAGE_TYPES


class ArrayBatch(NamedTuple):
    """One batch of n rows as it came. The arrays are views of the memory that was received, but for embeddings that were
    sent in f16 or u8; rows stand by chain."""

    embeddings: npt.NDArray[np.float32]  # n x dim; sent in f32, at a multiple of 64 bytes
    labels: npt.NDArray[np.int32]  # n; -1: unlabelled
    samples: npt.NDArray[np.uint64]  # n: ids within the collection
    chains: npt.NDArray[np.uint16]  # n: indices into StreamInfo.chains
    epoch: int
    step: int


@dataclass(frozen=True)
class Spec:
    """Everything that decides which batches a stream gives. Field by field the StreamSpec of docs/protocol.md."""

    collection: str
    split: str = ""
    policy: str = "identity"
    label_column: str = ""
    seed: int = 0
    batch_size: int = 256
    rank: int = 0
    world_size: int = 1
    shuffle: bool = True
    drop_last: bool = False
    shuffle_window: int = 0
    dtype: str = "f32"  # in which batches are sent: "f32", "f16" or "u8"
    precision: str = "f32"  # of the transforms: "f32" or "int8"

    def check(self) -> None:
        """Raises InvalidArgument for numbers that do not fit their field on the wire."""
        for name, limit in (("seed", 2**64), ("batch_size", 2**32), ("rank", 2**32), ("world_size", 2**32), ("shuffle_window", 2**64)):
            value = getattr(self, name)
            if not isinstance(value, int) or not 0 <= value < limit:
                raise errors.InvalidArgument(f"{name} is {value!r}: give an integer from 0 to {limit - 1}")
        self.to_wire()

    def to_wire(self) -> Values:
        """The fields of a StreamSpec. Raises InvalidArgument for an unknown dtype or precision."""
        return {
            **asdict(self),
            "dtype": number_of("dtype", DTYPES, self.dtype),
            "precision": number_of("precision", PRECISIONS, self.precision),
        }

    @staticmethod
    def of_wire(values: Values) -> "Spec":
        """Raises InvalidArgument for a dtype or a precision that this client does not know."""
        fields: Values = dict(values)
        fields["dtype"] = name_of("dtype", DTYPES, values["dtype"])
        fields["precision"] = name_of("precision", PRECISIONS, values["precision"])
        return Spec(**fields)


@dataclass(frozen=True)
class StreamInfo:
    """What a spec resolved to. Plain data: keep it to resume."""

    spec: Spec  # every version pinned: "photos@2", "identity:1,hflip@3:1"
    fingerprint: str  # hexadecimal; over everything that the stream resolves to, except rank
    collection_digest: str
    chains: List[str]
    transforms: List[str]  # weights digests, hexadecimal
    classes: List[str]
    samples: int  # in one epoch, over all ranks
    steps: int  # batches of one epoch for this rank
    dim: int

    def to_dict(self) -> Dict[str, Any]:
        """Plain types, fit for JSON and torch.save."""
        return asdict(self)

    @staticmethod
    def from_dict(value: Dict[str, Any]) -> "StreamInfo":
        """Raises InvalidArgument when the dict is not what ``to_dict`` gave."""
        try:
            fields: Dict[str, Any] = {**value, "spec": Spec(**value["spec"])}
            return StreamInfo(**fields)
        except (TypeError, KeyError) as error:
            raise errors.InvalidArgument(f"this is no state of a stream ({error}): give what state_dict() gave") from error

    def difference(self, before: "StreamInfo") -> str:
        """Why the two are not the same stream: "seed: 1 here, 2 before". Empty when they differ in rank at most."""
        found: List[str] = []
        for name in ("collection", "split", "policy", "label_column", "seed", "batch_size", "world_size", "shuffle", "drop_last", "shuffle_window",
                     "dtype", "precision"):  # fmt: skip
            _differ(found, name, getattr(self.spec, name), getattr(before.spec, name))
        _differ(found, "collection digest", self.collection_digest[:12], before.collection_digest[:12])
        _differ(found, "transforms", [d[:12] for d in self.transforms], [d[:12] for d in before.transforms])
        _differ(found, "dim", self.dim, before.dim)
        _differ(found, "samples", self.samples, before.samples)
        if not found and self.fingerprint != before.fingerprint:
            found.append(f"fingerprint: {self.fingerprint[:12]} here, {before.fingerprint[:12]} before")
        return "; ".join(found)


def _differ(found: List[str], name: str, here: Any, before: Any) -> None:
    if here != before:
        found.append(f"{name}: {here} here, {before} before")


def open_stream(connection: Connection, spec: Spec) -> StreamInfo:
    """Asks the server what ``spec`` resolves to."""
    spec.check()
    reply = connection.call("OpenStreamRequest", {"spec": spec.to_wire()}, "StreamReply")
    if reply["spec"] is None or len(reply["fingerprint"]) != 32 or len(reply["collection_digest"]) != 32:
        raise errors.InvalidArgument("StreamReply lacks its spec or a digest: use the same release of augstore")
    digests = reply["transforms"].tobytes()
    return StreamInfo(
        spec=Spec.of_wire(reply["spec"]),
        fingerprint=hex_of(reply["fingerprint"]),
        collection_digest=hex_of(reply["collection_digest"]),
        chains=reply["chains"],
        transforms=[digests[i : i + 32].hex() for i in range(0, len(digests), 32)],
        classes=reply["classes"],
        samples=reply["samples"],
        steps=reply["steps"],
        dim=reply["dim"],
    )


class Place(NamedTuple):
    """Where a batch's parts stand in the memory of its frame, in bytes; what a process needs beside that memory."""

    epoch: int
    step: int
    rows: int
    dim: int
    embeddings: int
    labels: int
    samples: int
    chains: int
    dtype: int = F32  # of the embeddings


def parts_of(frame: Frame) -> Tuple[Values, Place]:
    """A BatchReply in place, nothing copied or decoded. Raises InvalidArgument for whatever is wrong with it."""
    expect(frame, "BatchReply")
    table = decode("BatchReply", frame.body, in_place=True)
    rows, dim = len(table["samples"]), table["dim"]
    too_large = rows > _limits.MAX_BATCH_ROWS or dim > _limits.MAX_DIM or 4 * rows * dim > _limits.MAX_REPLY_BYTES
    if too_large or (rows > 0 and dim == 0):
        raise errors.InvalidArgument(f"BatchReply of {rows} x {dim} is outside the limits")
    dtype = table["dtype"]
    name_of("dtype", DTYPES, dtype)
    part = "embeddings" if dtype == F32 else "rows"
    sizes = {"labels": rows, "chains": rows, "embeddings": 0, "rows": 0}
    sizes[part] = rows * dim if dtype == F32 else rows * row_bytes(dtype, dim)
    for name, size in sizes.items():
        if len(table[name]) != size:
            raise errors.InvalidArgument(f"BatchReply.{name} has {len(table[name])} elements, {rows} x {dim} ask for {size}")
    start = frame.body.ctypes.data
    offsets = [table[name].ctypes.data - start if rows else 0 for name in (part, "labels", "samples", "chains")]
    alignment = 64 if dtype == F32 else 4
    if offsets[0] % alignment != 0:
        raise errors.InvalidArgument(f"BatchReply.{part} does not stand at a multiple of {alignment} bytes")
    return table, Place(table["epoch"], table["step"], rows, dim, offsets[0], offsets[1], offsets[2], offsets[3], dtype)


def batch_of(table: Values, place: Place) -> ArrayBatch:
    """What ``parts_of`` has found, as arrays: views, but of embeddings in f16 or u8."""
    if place.dtype == F32:
        embeddings = table["embeddings"].reshape(place.rows, place.dim)
    else:
        embeddings = decode_rows(place.dtype, table["rows"], place.rows, place.dim)
    return ArrayBatch(embeddings, table["labels"], table["samples"], table["chains"], place.epoch, place.step)


class RawBatch(NamedTuple):
    """A batch and the memory that it is a view of."""

    frame: Frame
    table: Values
    place: Place

    def arrays(self) -> ArrayBatch:
        """The batch as numpy arrays."""
        return batch_of(self.table, self.place)


class Stream:
    """A stream that was opened: ``info`` says what it resolved to. Pickles; connects when it is read."""

    def __init__(self, address: Union[str, Endpoint], info: StreamInfo, retry: Retry = Retry()) -> None:
        self.endpoint = endpoint_of(address)
        self.info = info
        self.retry = retry

    @property
    def address(self) -> str:
        """Of the server."""
        return self.endpoint.address

    def __len__(self) -> int:
        """Batches of one epoch for this rank."""
        return self.info.steps

    def epoch(self, epoch: int = 0, step: int = 0, prefetch: int = 4) -> Iterator[ArrayBatch]:
        """The batches of one epoch from ``step`` on. A lost connection is opened again; no batch is lost or repeated."""
        for raw in self.raw(epoch, step, prefetch):
            yield raw.arrays()

    def get(self, epoch: int, step: int) -> ArrayBatch:
        """One batch again, exactly. Raises InvalidArgument when the epoch has no such step."""
        for raw in _Run(self, epoch, step, aligned, count=1).batches():
            return raw.arrays()
        raise errors.InvalidArgument(f"step {step} does not exist: an epoch has {self.info.steps} steps for this rank")

    def raw(self, epoch: int, step: int, prefetch: int, allocate: Allocate = aligned) -> Iterator[RawBatch]:
        """Batches with their memory, which ``allocate`` gives. ``prefetch`` 0: received when they are asked for."""
        if not 0 <= epoch < 2**64 or step < 0:
            raise errors.InvalidArgument(f"epoch {epoch}, step {step}: give integers from 0 on")
        run = _Run(self, epoch, step, allocate, _limits.MAX_BATCHES_PER_REQUEST)
        return run.batches() if prefetch < 1 else _prefetched(run, prefetch)


class _Run:
    """The batches of one epoch, over as many connections as it takes."""

    def __init__(self, stream: Stream, epoch: int, step: int, allocate: Allocate, count: int) -> None:
        self.stream = stream
        self.epoch = epoch
        self.step = step  # the next that has not arrived
        self.end = min(stream.info.steps, step + count) if count == 1 else stream.info.steps
        self.count = count
        self.allocate = allocate
        self.channel: Optional[Channel] = None
        self.traceparent = stream.endpoint.traceparent()  # here: the thread that receives has no span of its own
        self.stopped = threading.Event()

    def batches(self) -> Iterator[RawBatch]:
        backoff = Backoff(self.stream.retry, time.monotonic)
        try:
            while self.step < self.end and not self.stopped.is_set():
                before = self.step
                try:
                    yield from self._receive()
                    if self.step == before:
                        raise errors.Internal(
                            f"the server ended the epoch at step {self.step} of {self.end}: please report this"
                        )
                except _Again as again:
                    self.close()
                    if self.step > before:
                        backoff.reset()
                    pause = backoff.next()
                    if pause is None:
                        raise again.error from again.error.__cause__
                    self.stopped.wait(pause)
        finally:
            self.close()

    def interrupt(self) -> None:
        """Ends the run from another thread."""
        self.stopped.set()
        channel = self.channel
        if channel is not None:
            channel.interrupt()

    def close(self) -> None:
        if self.channel is not None:
            self.channel.close()
            self.channel = None

    def _receive(self) -> Iterator[RawBatch]:
        info = self.stream.info
        try:
            if self.channel is None:
                self.channel = self.stream.endpoint.connect()
                self.stream.endpoint.greet(self.channel)
                self.stream.endpoint.set_trace(self.channel, self.traceparent)
            values: Values = {
                "spec": info.spec.to_wire(),
                "fingerprint": bytes.fromhex(info.fingerprint),
                "epoch": self.epoch,
                "step": self.step,
                "count": self.count,
            }
            self.channel.send(MESSAGE_TYPES["BatchesRequest"], 1, encode("BatchesRequest", values))
        except (*TRANSIENT, errors.ResourceExhausted) as error:  # the last: there is no room for a connection
            raise _Again(error) from error
        while True:
            frame = self._frame(self.channel)
            if frame.type == MESSAGE_TYPES["EndReply"]:
                return
            raw = RawBatch(frame, *parts_of(frame))
            self._check(raw.place)
            self.step += 1
            yield raw

    def _frame(self, channel: Channel) -> Frame:
        try:
            frame = channel.receive(self.allocate)
        except TRANSIENT as error:
            raise _Again(error) from error
        failure = error_of_frame(frame)
        crowded = frame.request_id == 0 and isinstance(failure, errors.ResourceExhausted)
        if crowded or isinstance(failure, errors.Unavailable):
            raise _Again(failure or errors.Internal("unreachable"))
        if failure is not None:
            raise failure
        if frame.request_id != 1:
            raise _Again(errors.DataLoss(f"a reply to request {frame.request_id} came in a stream: connect again"))
        return frame

    def _check(self, got: Place) -> None:
        if (got.epoch, got.step) != (self.epoch, self.step) or got.dim != self.stream.info.dim:
            raise errors.Internal(
                f"the server sent step {got.step} of epoch {got.epoch}, dimension {got.dim}, where "
                f"step {self.step} of epoch {self.epoch}, dimension {self.stream.info.dim} was due: please report this"
            )


class _Again(Exception):
    """A failure that another connection may not have."""

    def __init__(self, error: errors.Error) -> None:
        super().__init__(str(error))
        self.error = error


class _End(NamedTuple):
    error: Optional[BaseException]


def _prefetched(run: _Run, prefetch: int) -> Iterator[RawBatch]:
    """The batches of ``run``, received by a thread that stays at most ``prefetch`` batches ahead."""
    ready: "queue.Queue[Union[RawBatch, _End]]" = queue.Queue(prefetch)

    def put(item: Union[RawBatch, _End]) -> None:
        while not run.stopped.is_set():
            try:
                return ready.put(item, timeout=0.5)
            except queue.Full:
                continue

    def read() -> None:
        end = _End(None)
        try:
            for raw in run.batches():
                put(raw)
        except BaseException as error:  # the consumer's thread raises it
            end = _End(error)
        put(end)

    thread = threading.Thread(target=read, name="augstore-prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        run.interrupt()
        thread.join()


def worker_spec(spec: Spec, worker: int, workers: int, step: int) -> Tuple[Spec, int]:
    """The stream that gives worker ``worker`` of ``workers`` its part of a rank's steps from ``step`` on, and its first step.

    Of the rank's steps, the worker has step + worker, step + worker + workers, ... Batches are numbered over all ranks as
    step * world_size + rank, whatever the world size is, so those are the steps of one rank of a world that is
    ``workers`` times as large. ``drop_last`` is off in it: the caller stops at the last step of the rank.
    """
    first = step + worker
    rank = first % workers * spec.world_size + spec.rank
    return replace(spec, rank=rank, world_size=spec.world_size * workers, drop_last=False), first // workers
