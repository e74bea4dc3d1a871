"""The client: what a store has, embeddings by id, imports and transforms."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _limits, errors
from ._channel import Retry
from ._codec import Values, encode_record
from ._connection import Connection
from ._dtypes import DTYPES, F32, check_fits, number_of
from ._endpoint import Endpoint
from ._inputs import (
    backbone_of_rows, check_chunk, check_fits_backbone, class_names, hashes_of, keys_of, labels_of, matrix_of, sample_ids,
    warn_of_shared_rows, weights_of,
)  # fmt: skip
from ._records import (
    Backbone,
    Collection,
    Listing,
    Transform,
    backbone_of,
    collection_of,
    default_split,
    hex_of,
    label_columns,
    transform_of,
)
from ._samples import Samples
from ._tables import BACKBONE, COLLECTION, TRANSFORM
from ._weights import check_layers
from .stream import Spec, Stream, batch_of, open_stream, parts_of

if TYPE_CHECKING:
    from torch import nn

    from .embedded import Server

_NO_ROW = 2**64 - 1
_MAX_BLOCK_BYTES = 16 << 20  # of one append or one query


class Client:
    """A connection to a server; ``augstore.connect`` and ``augstore.open`` make one.

    Safe to use from several threads (calls take turns), after a fork (the child connects by itself) and to pickle. A client
    of ``augstore.open`` owns a server: its pickles and forks use that server while the original lives.
    """

    def __init__(
        self, address: Union[str, Endpoint], retry: Retry = Retry(), server: Optional["Server"] = None
    ) -> None:
        self._connection = Connection(address, retry)
        self._server = server

    @property
    def address(self) -> str:
        """``tcp://host:port``, ``tls://host:port`` or ``unix:///path``."""
        return self._connection.endpoint.address

    @property
    def endpoint(self) -> Endpoint:
        """The address with the key and the files for TLS. It prints without the key."""
        return self._connection.endpoint

    def __repr__(self) -> str:
        return f"<augstore.Client at {self.address}>"

    def close(self) -> None:
        """Closes the connection, and ends the server of ``augstore.open``."""
        self._connection.close()
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> Connection:
        return self._connection

    def __setstate__(self, connection: Connection) -> None:
        self._connection = connection
        self._server = None

    def info(self) -> Dict[str, str]:
        """``version`` of the server and ``store_id``."""
        return self._connection.call("ServerInfoRequest", {}, "ServerInfoReply")

    def stats(self) -> Dict[str, Any]:
        """What the server counts; the keys stand in docs/cli.md under ``stats``."""
        stats: Dict[str, Any] = json.loads(self._connection.call("StatsRequest", {}, "StatsReply")["json"])
        return stats

    # --- What there is ---

    def backbones(self) -> List[Backbone]:
        """Every version of every backbone."""
        return [backbone_of(record) for record in self._list(BACKBONE)]

    def collections(self) -> Listing[Collection]:
        """Every version of every collection, by name. Prints as a table."""
        return Listing([collection_of(record) for record in self._list(COLLECTION)])

    def collection(self, ref: str) -> Collection:
        """One collection: ``photos`` (the newest version), ``photos@2`` or ``photos@alias``."""
        return collection_of(self._record(COLLECTION, ref))

    def transforms(self) -> Listing[Transform]:
        """Every version of every transform with its card, by name. Prints as a table."""
        return Listing([transform_of(record) for record in self._list(TRANSFORM)])

    def transform(self, ref: str) -> Transform:
        """One transform with its card."""
        return transform_of(self._record(TRANSFORM, ref))

    def samples(self, collection: str, label_column: str = "") -> Samples:
        """The samples of a collection: ids, keys, splits and the labels of one column (default: the first)."""
        record = self.collection(collection)
        column = self._column(record, label_column)
        keys: List[str] = []
        splits: List[str] = []
        labels: List[npt.NDArray[np.int64]] = []
        while len(keys) < record.samples:
            request = {"collection": record.ref, "begin": len(keys), "count": _limits.SAMPLE_CHUNK_ROWS}
            chunk = self._connection.call("GetSamplesRequest", request, "SamplesReply")["samples"]
            count = check_chunk(chunk, column)
            if count == 0 or len(keys) + count > record.samples:
                raise errors.DataLoss(f"{record.ref} has {record.samples} samples, but other samples come: run `augstore verify`")
            keys += chunk["keys"]
            splits += [chunk["split_names"][i] for i in chunk["splits"].tolist()]
            labels.append(np.full(count, -1) if column < 0 else chunk["labels"][column]["values"].astype(np.int64))
        every = np.concatenate(labels) if labels else np.empty(0, np.int64)
        return Samples(np.arange(len(keys)), keys, splits, every)

    # --- Embeddings ---

    def get(
        self, collection: str, ids: Union[Sequence[int], npt.NDArray[np.integer[Any]]], apply: str = "identity"
    ) -> npt.NDArray[np.float32]:
        """The embeddings of these samples, through a chain such as ``"hflip>rotate(15)"``: len(ids) x dim, float32."""
        return self.query(collection, ids, apply)[0]

    def query(
        self,
        collection: str,
        ids: Union[Sequence[int], npt.NDArray[np.integer[Any]]],
        apply: str = "identity",
        label_column: str = "",
    ) -> Tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        """``get`` with the labels: (n x dim float32, n int32; -1: unlabelled). In the order of ``ids``."""
        record = self.collection(collection)
        return self.query_pinned(record.ref, record.dim, ids, apply, label_column)

    def query_pinned(
        self, ref: str, dim: int, ids: Union[Sequence[int], npt.NDArray[np.integer[Any]]], apply: str, label_column: str
    ) -> Tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
        """``query`` of a version whose dimension is known: one request for each 16 MiB."""
        wanted = sample_ids(ids)
        block = max(1, min(_limits.MAX_BATCH_ROWS, _MAX_BLOCK_BYTES // (4 * max(dim, 1))))
        embeddings = np.empty((len(wanted), dim), np.float32)
        labels = np.empty(len(wanted), np.int32)
        for begin in range(0, len(wanted), block):
            part = wanted[begin : begin + block]
            request = {"collection": ref, "samples": part, "chain": apply, "label_column": label_column}
            batch = self._batch("QueryRequest", request, len(part), dim)
            embeddings[begin : begin + block] = batch[0]
            labels[begin : begin + block] = batch[1]
        return embeddings, labels

    def stream(self, collection: str, *, split: Optional[str] = None, **spec: Any) -> Stream:
        """Opens a stream of numpy batches; the keywords are the fields of ``augstore.stream.Spec``.

        ``split``: default "train", where the collection has that split, else all samples; "": all samples.

        >>> for batch in client.stream("photos", split="train", policy="identity:1,hflip:1").epoch(0):
        ...     batch.embeddings  # n x dim
        """
        split = default_split(self.collection(collection)) if split is None else split
        info = open_stream(self._connection, Spec(collection, split=split, **spec))
        return Stream(self._connection.endpoint, info, self._connection.retry)

    # --- Writing ---

    def import_embeddings(
        self,
        collection: str,
        embeddings: npt.ArrayLike,
        labels: Optional[npt.ArrayLike] = None,
        *,
        classes: Optional[Sequence[str]] = None,
        split: str = "train",
        backbone_name: Optional[str] = None,
        backbone_file: Union[str, "os.PathLike[str]", None] = None,
        keys: Optional[Sequence[str]] = None,
        source: str = "array",
        start_empty: bool = False,
        replace_samples: bool = False,
        dtype: Optional[str] = None,
    ) -> Collection:
        """Stores embeddings that were computed elsewhere; gives the collection's new version.

        ``embeddings``: n x d, any float type, finite; ``labels``: n integers from -1 (unlabelled) on; ``classes``: their names
        (default: the numbers). Say which backbone made them: by name, or by its file, whose digest then identifies it.
        ``keys`` (default: hashes of the rows) identify samples within their split. Those that the collection has stay, others
        are added to it, or to nothing with ``start_empty``. Raises FailedPrecondition, with counts, when samples would be
        replaced by others of their keys, unless ``replace_samples``; warns of rows that are in two splits. ``dtype``: "f32",
        "f16" (half the bytes) or "u8" (a quarter); default: what the collection has, else f32.
        """
        matrix = matrix_of(embeddings)
        values = np.full(len(matrix), -1, np.int64) if labels is None else labels_of(labels, len(matrix))
        names = class_names(values, classes)
        hashes = hashes_of(matrix)
        texts = keys_of(keys, hashes)
        if not split:
            raise errors.InvalidArgument("split is empty: give a name, such as train")
        backbone = self._register_backbone(backbone_name, backbone_file, matrix)
        stored = self._check_collection(collection, backbone, dtype, start_empty)
        check_fits(stored, matrix)
        self._append_rows(backbone, matrix, stored)
        begin: Values = {
            "collection": collection,
            "backbone": backbone,
            "labels": {"names": ["label"], "class_counts": [len(names)], "classes": names},
            "start_empty": start_empty,
            "source": source,
            "dtype": stored,
            "replace_samples": replace_samples,
        }
        return self._write(begin, hashes, values, names, split, texts)

    def register_transform(
        self,
        name: str,
        weights: Union["nn.Module", Mapping[str, Any], str, "os.PathLike[str]"],
        op: str = "",
        *,
        backbone: Optional[str] = None,
        residual: bool = False,
        family: str = "custom",
    ) -> Transform:
        """Registers Ω as data: layers and weights, never code; gives its new version, without a card.

        ``weights``: a Sequential of Linear and ReLU; a state_dict with keys ``<i>.weight`` [out, in] and ``<i>.bias`` [out] (ReLU
        between the layers); or the path of such a safetensors file. ``residual``: the last layer adds the transform's input.
        ``op``: the augmentation that it imitates, such as ``"rotate(15)"``. ``backbone``: a registered name, not needed when
        there is one backbone. Raises InvalidArgument, naming the part that cannot be data and why.
        """
        given = weights_of(weights, residual)
        check_layers(given.layers)
        ops = given.metadata.get("augstore.ops", "")
        owner = self._backbone(backbone)
        given.metadata.update({"augstore.normalised": "1"} if owner.normalised else {})
        record = {
            "backbone": bytes.fromhex(owner.digest),
            "dim": given.layers[0].dim_in,
            "op": ops or op,
            "family": "conditional" if ops else family,
            "layers": given.shapes(),
            "weights": bytes(32),  # the server computes it
            "card": {},
        }
        request = {
            "kind": TRANSFORM, "name": name, "record": encode_record("Transform", record), "blob": given.to_safetensors()
        }  # fmt: skip
        added = self._connection.call("AddRecordRequest", request, "RecordReply")
        return self.transform(f"{name}@{added['version']}")

    # --- Inside ---

    def _list(self, kind: int) -> List[Values]:
        records: List[Values] = self._connection.call("ListRecordsRequest", {"kind": kind}, "RecordListReply")["records"]
        return records

    def _record(self, kind: int, ref: str) -> Values:
        return self._connection.call("GetRecordRequest", {"kind": kind, "ref": ref}, "RecordReply")

    @staticmethod
    def _column(record: Collection, name: str) -> int:
        columns = list(record.labels)
        if not name:
            return 0 if columns else -1
        if name not in columns:
            raise errors.NotFound(f"{record.ref} has no label column '{name}': it has {columns}")
        return columns.index(name)

    def _batch(self, request: str, values: Values, rows: int, dim: int) -> Tuple[Any, Any]:
        batch = batch_of(*parts_of(self._connection.exchange(request, values, "BatchReply")))
        if batch.embeddings.shape != (rows, dim):
            raise errors.Internal(f"asked for {rows} x {dim}, got {batch.embeddings.shape}: please report this")
        return batch.embeddings, batch.labels

    def _backbone(self, name: Optional[str]) -> Backbone:
        known = self.backbones()
        found = [backbone for backbone in known if name is None or name in (backbone.name, backbone.ref)]
        digests = {backbone.digest for backbone in found}
        if found and (name is not None or len(digests) == 1):
            return found[-1]
        there = ", ".join(backbone.ref for backbone in known) or "none; ingest or import first"
        problem = "give backbone=NAME" if name is None else f"there is no backbone '{name}'"
        raise errors.NotFound(f"{problem}: the store has {there}")

    def _register_backbone(
        self, name: Optional[str], file: Union[str, "os.PathLike[str]", None], matrix: npt.NDArray[np.float32]
    ) -> bytes:
        if (name is None) == (file is None):
            raise errors.InvalidArgument("say which backbone made the embeddings: backbone_name or backbone_file, one of them")
        known = self.backbones()
        digest, source = b"", "imported"
        if file is not None:
            with open(file, "rb") as stream:
                digest = hashlib.sha256(stream.read()).digest()
            source = os.path.basename(os.fspath(file))
            name = os.path.splitext(source)[0]
        elif any(backbone.name == name for backbone in known):
            digest = bytes.fromhex([backbone.digest for backbone in known if backbone.name == name][-1])
        else:
            texts = [text.encode() for text in ("imported", str(name))]
            digest = hashlib.sha256(b"".join(len(text).to_bytes(8, "little") + text for text in texts)).digest()
        for backbone in known:
            if backbone.digest != digest.hex():
                continue
            check_fits_backbone(matrix, backbone)
            return digest
        request = {"kind": BACKBONE, "name": name, "record": encode_record("Backbone", backbone_of_rows(digest, matrix, source))}
        self._connection.call("AddRecordRequest", request, "RecordReply")
        return digest

    def _check_collection(self, collection: str, backbone: bytes, dtype: Optional[str], start_empty: bool) -> int:
        """Before anything is stored: a collection is of one backbone and dtype. Gives the dtype to store in."""
        asked = None if dtype is None else number_of("dtype", DTYPES, dtype)
        try:
            latest = self.collection(collection)
        except errors.NotFound:
            return F32 if asked is None else asked
        if latest.backbone != backbone.hex():
            why = f"is of backbone {latest.backbone[:12]}, these embeddings are of {hex_of(backbone)[:12]}"
            raise errors.FailedPrecondition(f"collection {latest.ref} {why}: name another collection")
        has = DTYPES[latest.dtype]
        if asked in (None, has) or start_empty:
            return has if asked is None else asked
        why = f"is stored in {latest.dtype}, not in {dtype}: ask for the same dtype, or start empty"
        raise errors.FailedPrecondition(f"collection '{latest.ref}' {why}")

    def _append_rows(self, backbone: bytes, matrix: npt.NDArray[np.float32], dtype: int) -> None:
        # Whole segments, several at a time.
        block = max(1, _MAX_BLOCK_BYTES // (matrix.shape[1] * 4 * _limits.SEGMENT_ROWS)) * _limits.SEGMENT_ROWS
        block = min(block, _limits.MAX_BATCH_ROWS)
        for begin in range(0, len(matrix), block):
            part = matrix[begin : begin + block]
            # Without hashes of images: the server hashes the rows, as `augstore import` does.
            request = {"backbone": backbone, "dim": matrix.shape[1], "embeddings": part.reshape(-1), "dtype": dtype}
            reply = self._connection.call("AppendRowsRequest", request, "RowIdsReply")["rows"]
            if len(reply) != len(part) or (reply == _NO_ROW).any():
                raise errors.Internal(f"the server stored {len(reply)} of {len(part)} rows: please report this")

    def _write(
        self, begin: Values, hashes: List[bytes], labels: npt.NDArray[np.int64], names: List[str], split: str,
        keys: List[str],
    ) -> Collection:  # fmt: skip
        draft = self._connection.call("BeginDraftRequest", begin, "DraftReply")
        try:
            theirs: List[str] = next(iter(label_columns(draft["labels"]).values()), [])
            # The draft may already have classes, in another order.
            index = {name: i for i, name in enumerate(theirs)}
            mapped = np.array([*(index[name] for name in names), -1], np.int32)[labels]
            for at in range(0, len(hashes), _limits.SAMPLE_CHUNK_ROWS):
                part = slice(at, at + _limits.SAMPLE_CHUNK_ROWS)
                chunk = {
                    "format": 1,
                    "split_names": [split],
                    "splits": np.zeros(len(hashes[part]), np.uint16),
                    "labels": [{"values": mapped[part]}],
                    "keys": keys[part],
                    "images": b"".join(hashes[part]),
                }
                self._connection.call("AppendSamplesRequest", {"draft": draft["draft"], "samples": chunk}, "EndReply")
            changes = self._connection.call_in_steps("CompareDraftRequest", {"draft": draft["draft"]}, "DraftChangesReply")
            warn_of_shared_rows(begin["collection"], changes)
            commit = {"draft": draft["draft"], "appended": len(hashes)}
            return collection_of(self._connection.call_in_steps("CommitDraftRequest", commit, "RecordReply"))
        except Exception:  # a warning may be one
            self._abort(draft["draft"])
            raise

    def _abort(self, draft: int) -> None:
        try:
            self._connection.call("AbortDraftRequest", {"draft": draft}, "EndReply")
        except errors.Error:
            pass  # the first error is the one to tell; the draft dies with the server
