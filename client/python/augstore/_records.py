"""Backbones, collections and transforms as users see them, and how they look in a terminal and in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import Any, Dict, Generic, List, Sequence, Tuple, TypeVar

from ._codec import Values, decode_record
from ._dtypes import DTYPES, name_of

_ACTIVATIONS = {0: "none", 1: "relu"}


@dataclass(frozen=True)
class Backbone:
    """Φ as it was registered: ``digest`` is the SHA-256 of its file, as hexadecimal digits."""

    name: str
    version: int
    digest: str
    dim: int
    source: str
    normalised: bool = False  # every embedding has length 1, and so have the outputs of transforms

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class ViewSet:
    """Stored views of the samples of a collection: ``count`` of each, drawn by ``law`` with ``seed``."""

    law: str  # "rotate(-30..30)>brightness(0.7..1.4)"
    count: int
    seed: int


@dataclass(frozen=True)
class Collection:
    """One committed version of a collection."""

    name: str
    version: int
    samples: int
    dim: int
    splits: Dict[str, int]  # name -> samples
    labels: Dict[str, List[str]]  # label column -> names of its classes
    backbone: str  # digest, hexadecimal
    digest: str
    source: str
    dtype: str = "f32"  # in which its embeddings are stored
    views: List[ViewSet] = field(default_factory=list)  # `augstore view add` stores them; policies draw them: "views:1"
    viewed: int = 0  # samples that have all of them

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def classes(self) -> List[str]:
        """The classes of the first label column."""
        return next(iter(self.labels.values()), [])

    def _row(self) -> List[str]:
        splits = ", ".join(f"{name}: {count:,}" for name, count in self.splits.items())
        classes = ", ".join(f"{name}: {len(names)}" for name, names in self.labels.items())
        return [self.ref, f"{self.samples:,}", str(self.dim), splits, classes, self.backbone[:12]]

    def __repr__(self) -> str:
        return f"<Collection {self.ref}: {self.samples:,} samples of dimension {self.dim}; {self._row()[3]}>"

    def _repr_html_(self) -> str:
        return _html_table(_COLLECTION_HEADERS, [self._row()])


def default_split(collection: Collection) -> str:
    """The split that is read when none is named: "train", or "" (all samples) where there is no such split."""
    return "train" if "train" in collection.splits else ""


_COLLECTION_HEADERS = ["collection", "samples", "dim", "splits", "classes", "backbone"]


@dataclass(frozen=True)
class CardEntry:
    """The quality of a transform on one set of pairs; docs/formats.md explains every field."""

    data: str
    pairs: int
    r2: float  # G: 0 as good as doing nothing, 1 perfect
    r2_low: float
    r2_high: float
    mse: float
    identity_mse: float
    cosine_before: float
    cosine_after: float
    dispersion: float


@dataclass(frozen=True)
class Card:
    """What a transform is worth. ``entries[0]`` is the decisive set; no entries: it was never measured."""

    entries: List[CardEntry] = field(default_factory=list)
    multiply_adds: int = 0
    train_pairs: int = 0
    notes: str = ""
    measures: Dict[str, float] = field(default_factory=dict)

    def _rows(self) -> List[List[str]]:
        return [
            [
                entry.data,
                f"{entry.pairs:,}",
                f"{entry.r2:.4f} [{entry.r2_low:.4f}, {entry.r2_high:.4f}]",
                f"{entry.mse:.5g}",
                f"{entry.identity_mse:.5g}",
                f"{entry.cosine_before:.4f} -> {entry.cosine_after:.4f}",
                f"{entry.dispersion:.4f}",
            ]
            for entry in self.entries
        ]

    def __repr__(self) -> str:
        if not self.entries:
            return "<Card: not measured>"
        lines = [
            f"  {row[0]}: G {row[2]} on {row[1]} pairs, mse {row[3]} (identity {row[4]}), cosine {row[5]}"
            for row in self._rows()
        ]
        return "<Card\n" + "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        if not self.entries:
            return "<p>not measured</p>"
        return _html_table(_CARD_HEADERS, self._rows())


_CARD_HEADERS = ["data", "pairs", "G", "mse", "identity mse", "cosine", "dispersion"]


@dataclass(frozen=True)
class Transform:
    """Ω@version without its weights."""

    name: str
    version: int
    op: str
    family: str
    dim: int
    layers: List[Tuple[int, int, str]]  # in, out, activation ("+residual" behind it)
    card: Card
    backbone: str  # digest, hexadecimal
    weights: str  # digest, hexadecimal

    @property
    def ref(self) -> str:
        return f"{self.name}@{self.version}"

    def _row(self) -> List[str]:
        entry = self.card.entries[0] if self.card.entries else None
        g = f"{entry.r2:.4f} [{entry.r2_low:.4f}, {entry.r2_high:.4f}]" if entry else "not measured"
        dims = " -> ".join(str(d) for d in [self.dim, *(out for _, out, _ in self.layers)])
        return [self.ref, self.op or "-", self.family, dims, g, f"{self.card.multiply_adds:,}"]

    def __repr__(self) -> str:
        ref, op, family, dims, g, _ = self._row()
        return f"<Transform {ref}: {op}, {family} {dims}, G {g}>"

    def _repr_html_(self) -> str:
        table = _html_table(_TRANSFORM_HEADERS, [self._row()])
        return table + (self.card._repr_html_() if self.card.entries else "")


_TRANSFORM_HEADERS = ["transform", "op", "family", "layers", "G", "multiply-adds"]

_T = TypeVar("_T", Collection, Transform)


class Listing(Sequence[_T], Generic[_T]):
    """A list that prints as a table, in a terminal and in a notebook. ``listing["name"]`` is the newest version."""

    def __init__(self, items: Sequence[_T]) -> None:
        self._items: List[_T] = list(items)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return self._items[key]
        found = [item for item in self._items if key in (item.name, item.ref)]
        if not found:
            known = ", ".join(item.ref for item in self._items) or "none"
            raise KeyError(f"there is no '{key}' here; there is: {known}")
        return found[-1]

    def _headers(self) -> List[str]:
        return _TRANSFORM_HEADERS if self._items and isinstance(self._items[0], Transform) else _COLLECTION_HEADERS

    def __repr__(self) -> str:
        if not self._items:
            return "(none)"
        rows = [self._headers(), *(item._row() for item in self._items)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)

    def _repr_html_(self) -> str:
        return _html_table(self._headers(), [item._row() for item in self._items]) if self._items else "<p>none</p>"


def _html_table(headers: List[str], rows: List[List[str]]) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in headers)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def hex_of(digest: Any) -> str:
    """A digest's bytes as hexadecimal digits."""
    return bytes(digest).hex()


def label_columns(value: Any) -> Dict[str, List[str]]:
    """The table LabelColumns as column -> classes. Raises what the caller's decoder raises: lengths are checked."""
    if value is None:
        return {}
    columns: Dict[str, List[str]] = {}
    begin = 0
    for name, count in zip(value["names"], value["class_counts"].tolist()):
        columns[name] = value["classes"][begin : begin + count]
        begin += count
    return columns


def backbone_of(reply: Values) -> Backbone:
    record = decode_record("Backbone", reply["record"])
    return Backbone(reply["name"], reply["version"], hex_of(record["digest"]), record["dim"], record["source"], record["normalised"])


def collection_of(reply: Values) -> Collection:
    record = decode_record("Collection", reply["record"])
    return Collection(
        name=reply["name"],
        version=reply["version"],
        samples=record["samples"],
        dim=record["dim"],
        splits={split["name"]: split["samples"] for split in record["splits"]},
        labels=label_columns(record["labels"]),
        backbone=hex_of(record["backbone"]),
        digest=hex_of(record["digest"]),
        source=record["source"],
        dtype=name_of("dtype", DTYPES, record["dtype"]),
        views=_view_sets(record["views"]),
        viewed=record["viewed"],
    )


def _view_sets(value: Any) -> List[ViewSet]:
    if value is None:
        return []
    return [ViewSet(*fields) for fields in zip(value["laws"], value["counts"].tolist(), value["seeds"].tolist())]


def _card_of(value: Any) -> Card:
    if value is None:
        return Card()
    names = CardEntry.__dataclass_fields__
    return Card(
        entries=[CardEntry(**{name: entry[name] for name in names}) for entry in value["entries"]],
        multiply_adds=value["multiply_adds"],
        train_pairs=value["train_pairs"],
        notes=value["notes"],
        measures={measure["name"]: measure["value"] for measure in value["measures"]},
    )


def _layer_of(shape: Values) -> Tuple[int, int, str]:
    activation = _ACTIVATIONS.get(shape["activation"], f"activation {shape['activation']}")
    return shape["in"], shape["out"], activation + ("+residual" if shape["residual"] else "")


def transform_of(reply: Values) -> Transform:
    record = decode_record("Transform", reply["record"])
    return Transform(
        name=reply["name"],
        version=reply["version"],
        op=record["op"],
        family=record["family"],
        dim=record["dim"],
        layers=[_layer_of(shape) for shape in record["layers"]],
        card=_card_of(record["card"]),
        backbone=hex_of(record["backbone"]),
        weights=hex_of(record["weights"]),
    )
