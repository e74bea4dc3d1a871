"""One value of every message and record: those of tests/schemas/wire/message_samples.h and record_samples.h."""

from __future__ import annotations

import numpy as np


def digest(first: int) -> bytes:
    return bytes((first + i) % 256 for i in range(32))


def hashes(*values: int) -> bytes:
    return b"".join(bytes([value]) * 16 for value in values)


LABELS = {"names": ["label", "empty", "colour"], "class_counts": [3, 0, 1], "classes": ["cat", "", "dog", "red"]}
SPEC = {
    "collection": "cifar10@2", "split": "train", "policy": "identity:1,hflip@3:1", "label_column": "label", "seed": 5,
    "batch_size": 128, "rank": 3, "world_size": 4, "shuffle": False, "drop_last": True, "shuffle_window": 4096,
    "dtype": 2, "precision": 1,
}  # fmt: skip
CHUNK = {
    "format": 1,
    "rows": [7, 9, 2**64 - 2],
    "split_names": ["train", "test"],
    "splits": [1, 0, 1],
    "labels": [{"values": [-1, 0, 2]}, {"values": [5, 6, 7]}],
    "keys": ["a/b.png", "", "c d.jpg"],
    "images": bytes(range(1, 17)) + bytes(range(2, 18)) + bytes(range(3, 19)),
    "views": [5, 2**64 - 1, 6, 7, 8, 9],
}
VIEWS = {"laws": ["rotate(-30..30)>brightness(0.7..1.4)", "vflip"], "counts": [2, 1], "seeds": [2**63, 0]}
TABLE = {
    "lists": [3, 12], "numbers": [7, 2**40], "samples": [4096, 1], "digests": digest(11) + digest(12),
    "row_sums": [5, 2**64 - 1], "viewed": [4095, 1],
}  # fmt: skip
SUMMARY = {"samples": [2**64 - 1, 5], "images": [6, 2**63]}
BACKBONE = {
    "digest": digest(1), "dim": 512, "input_height": 224, "input_width": 192, "mean": [0.25, 0.5, 0.75],
    "stddev": [0.125, 1.5, 2.5], "source": "resnet18.pt", "multiply_adds": 1814073344, "created_unix_s": 1700000001,
    "feature_map_height": 8, "feature_map_width": 7, "feature_map_channels": 128,
    "way": {"form": 1, "channels_last": True, "batch": 32, "images_per_second": 152.5, "slot_difference": 1.25e-6},
    "normalised": True,
}  # fmt: skip
COLLECTION = {
    "backbone": digest(2), "dim": 64, "samples": 70000, "sample_list": 12, "labels": LABELS,
    "splits": [{"name": "train", "samples": 60000}, {"name": "", "samples": 1}, {"name": "test", "samples": 10000}],
    "digest": digest(3), "source": "/data/cifar", "created_unix_s": -5, "dtype": 1, "lists": [3, 12], "views": VIEWS, "viewed": 69999,
}  # fmt: skip
ENTRIES = [
    {
        "data": "held-out", "pairs": 100, "mse": 0.5, "identity_mse": 1.5, "r2": 0.625, "cosine_before": 0.75,
        "cosine_after": 0.875, "dispersion": 0.9375, "r2_low": 0.5, "r2_high": 0.75, "retrieval_pool": 50,
        "mrr": 0.25, "hit1": 0.125, "hit5": 0.375,
    },
    {
        "data": "/data/x", "pairs": 2, "mse": -1.0, "identity_mse": 3.0, "r2": -4.0, "cosine_before": 5.0,
        "cosine_after": 6.0, "dispersion": 7.0, "r2_low": -5.0, "r2_high": -3.0, "retrieval_pool": 1, "mrr": 8.0,
        "hit1": 9.0, "hit5": 10.0,
    },
]  # fmt: skip
CANDIDATES = [
    {
        "family": "affine", "r2": 0.25, "r2_low": 0.125, "r2_high": 0.375, "mse": 1.5,
        "multiply_adds": 262144, "train_seconds": 0.75, "notes": "lambda=0.1",
    },
    {
        "family": "mlp", "r2": -1.0, "r2_low": -2.0, "r2_high": -0.5, "mse": 3.0,
        "multiply_adds": 1048576, "train_seconds": 12.0, "notes": "",
    },
]  # fmt: skip
CARD = {
    "entries": ENTRIES, "train_pairs": 900, "seed": 11, "train_seconds": 2.5, "multiply_adds": 1048576,
    "notes": "lambda=3.2", "candidates": CANDIDATES,
    "measures": [{"name": "us_per_row", "value": 12.5}, {"name": "inverse_r2", "value": -0.25}],
}  # fmt: skip
TRANSFORM = {
    "backbone": digest(4), "dim": 512, "op": "rotate(15)", "family": "residual",
    "layers": [
        {"in": 512, "out": 1024, "activation": 1, "residual": False, "kind": 0},
        {"in": 1024, "out": 512, "activation": 0, "residual": True, "kind": 0},
        {"in": 512, "out": 512, "activation": 1, "residual": True, "kind": 1},
    ],
    "weights": digest(5), "card": CARD, "created_unix_s": 1700000002,
    "feature_map_height": 6, "feature_map_width": 5, "feature_map_channels": 64,
}  # fmt: skip
HEAD = {
    "backbone": digest(6), "dim": 512, "arch": "mlp(1024,128)", "classes": ["cat", "dog"],
    "layers": [{"in": 512, "out": 2, "activation": 1, "residual": True, "kind": 0}], "weights": digest(7),
    "lineage": {
        "stream": SPEC, "collection_digest": digest(8), "transforms": digest(9) + digest(10), "seed": 21, "epochs": 22,
        "optimizer": "adamw", "learning_rate": 0.001, "weight_decay": 0.01, "init": "cifar10@1",
    },
    "train_loss": 0.5, "test_accuracy": 0.75, "test_loss": 0.625, "test_split": "test", "test_samples": 10000,
    "created_unix_s": 1700000003,
}  # fmt: skip
# { {champion 1 "first" 100} {old 2 "" 200} {champion 3 "better" -1 forced} }
ALIASES = {
    "aliases": ["champion", "old", "champion"], "versions": [1, 2, 3], "notes": ["first", "", "better"],
    "unix_s": [100, 200, -1], "forced": [0, 0, 1],
}  # fmt: skip
KEY = {
    "secret": digest(11), "role": 2, "scope": "cifar10 imagenet*", "note": "of the lab", "created_unix_s": 1700000004,
    "expires_unix_s": 1800000000, "revoked_unix_s": 1750000000, "previous": digest(12),
    "previous_until_unix_s": 1740000000,
}  # fmt: skip
KEY_INFO = {"id": "k3jd82na"} | {name: value for name, value in KEY.items() if name not in ("secret", "previous")}

RECORDS = {
    "Backbone": BACKBONE, "Collection": COLLECTION, "SampleChunk": CHUNK, "ChunkTable": TABLE,
    "ChunkSummary": SUMMARY, "Transform": TRANSFORM, "Head": HEAD, "Aliases": ALIASES, "Key": KEY,
    "Erasure": {"replaced_by": 3, "unix_s": 1700000005},
}  # fmt: skip

FLOATS = np.arange(10, dtype=np.float32) - 4.5
BATCH = {
    "epoch": 8, "step": 9, "dim": 5, "samples": [2**40, 2**40 + 1, 2**40 + 2], "labels": [-1, 0, 1],
    "chains": [0, 0, 1], "embeddings": np.arange(15, dtype=np.float32) * 0.5 - 2,
}  # fmt: skip

BACKUP_MESSAGES = {
    "StartBackupRequest": {"run": 2**63, "folder": "nightly", "bytes_per_second": 50_000_000},
    "GetBackupRequest": {"run": 11},
    "StopBackupRequest": {"run": 12},
    "BackupReply": {"total_bytes": 2**40, "copied_bytes": 4096, "json": '{"id": 3}', "code": 8, "message": "stopped"},
    "ListBackupsRequest": {"folder": "nightly", "id": 3},
    "BackupListReply": {"json": '{"backups": []}'},
}  # fmt: skip

LOOKING_MESSAGES = {
    "BrowseRequest": {"kind": 4, "find": "dig", "after": "digits", "limit": 20},
    "DescribeCollectionRequest": {"collection": "cifar10@2", "other": "cifar10@1"},
    "ProjectRequest": {
        "collection": "cifar10@2", "split": "test", "samples": 500, "seed": 2**60, "chains": ["hflip", "hflip>rotate15@2"],
        "views": True,
    },
    "StopStreamRequest": {"id": 7},
    "ReadAuditRequest": {"lines": 50},
    "ConfigRequest": {},
    "JsonReply": {"json": '{"lines": []}'},
}  # fmt: skip

KEY_MESSAGES = {
    "AuthenticateRequest": {"key": "augs_k3jd82na_secret"},
    "AuthenticateReply": {"store_id": "f00d", "key": "k3jd82na", "role": 3, "scope": "cifar10"},
    "CreateKeyRequest": {"role": 2, "scope": "imagenet*", "expires_unix_s": 1800000000, "note": "note"},
    "KeyReply": {"key": KEY_INFO, "text": "augs_k3jd82na_secret"},
    "ListKeysRequest": {},
    "KeyListReply": {
        "keys": [
            KEY_INFO,
            {
                "id": "a", "role": 1, "scope": "", "note": "", "created_unix_s": 1, "expires_unix_s": 0, "revoked_unix_s": 0,
                "previous_until_unix_s": 0,
            },
        ]
    },
    "RevokeKeyRequest": {"id": "k3jd82na"},
    "RotateKeyRequest": {"id": "k3jd82na", "grace_s": 3600},
}  # fmt: skip


DELETIONS = {
    "DeletionReply": {
        "records": [
            {"kind": 4, "name": "h", "version": 2, "alias": "best", "reason": "points to h@2"},
            {"kind": 2, "name": "c", "version": 1, "alias": "", "reason": ""},
        ],
        "applied": True,
    },
    "GarbageRequest": {"run": 3, "apply": True, "pairs": True},
    "GarbageReply": {
        "run": 3, "phase": "pairs", "done": 4, "total": 5, "segments": 6, "rows": 1536, "bytes": 7, "kept_rows": 8,
    },
    "EraseSampleRequest": {
        "run": 3, "collection": "digits@2", "split": "train", "key": "3/7.png", "image": "ab", "preview": True,
    },
    "EraseSampleReply": {
        "run": 3, "phase": "views", "done": 4, "total": 5, "image": "ab",
        "records": [{"kind": 2, "name": "digits", "version": 2, "alias": "", "reason": ""}],
        "rows": 6, "views": 7, "applied": True,
    },
}  # fmt: skip


ROWS = {
    "backbone": digest(1), "images": hashes(2, 3), "dim": 5, "embeddings": FLOATS, "feature_map_values": 3,
    "feature_maps": bytes(range(22)), "dtype": 1,
}  # fmt: skip


def messages(backbone):
    """Name -> fields. ``backbone``: the encoded record BACKBONE."""
    return {
        "ServerInfoRequest": {},
        "ServerInfoReply": {"version": "0.1.0", "store_id": "f00d"},
        "StatsRequest": {},
        "StatsReply": {"json": '{"rows": 1}'},
        "VerifyRequest": {"cursor": "binary\0cursor"},
        "SetTraceRequest": {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
        "ShareMemoryRequest": {},
        "ShareMemoryReply": {"bytes": 2**33, "slots": 16},
        "SharedBodyReply": {"type": 107, "slot": 3, "offset": 2**33, "size": 4096},
        "VerifyReply": {"cursor": "next", "checked": 10, "total": 20, "problems": ["segment 3 is damaged", ""]},
        "EndReply": {},
        **KEY_MESSAGES,
        "GetRecordRequest": {"kind": 5, "ref": "transform/hflip", "with_blob": True},
        "RecordReply": {"kind": 3, "name": "hflip", "version": 3, "record": b"record", "blob": b"blob"},
        "ListRecordsRequest": {"kind": 4, "name": "digits"},
        "RecordListReply": {
            "records": [
                {"kind": 4, "name": "a", "version": 1, "record": b"x", "blob": b""},
                {"kind": 1, "name": "b", "version": 2, "record": b"", "blob": b""},
            ],
            "names": 300,
        },
        "AddRecordRequest": {"kind": 1, "name": "resnet18", "record": backbone, "blob": b"\0\xff"},
        "DeleteRecordRequest": {"kind": 3, "ref": "hflip@3", "cascade": True, "preview": True},
        **DELETIONS,
        "SetAliasRequest": {
            "kind": 4, "name": "digits", "alias": "champion", "version": 7, "note": "because", "force": True,
            "min_r2": 0.125,
        },
        "FindImagesRequest": {"backbone": digest(1), "images": hashes(2, 3), "dtype": 2},
        "RowIdsReply": {"rows": [1, 2**64 - 1, 3]},
        "AppendRowsRequest": ROWS,
        "ReadRowsRequest": {"backbone": digest(9), "rows": [256, 1], "feature_maps": True, "dtype": 2},
        "BeginDraftRequest": {
            "collection": "cifar10", "backbone": digest(2), "labels": LABELS, "start_empty": True, "source": "/data/cifar", "dtype": 1,
            "replace_samples": True, "views_only": True, "views": VIEWS, "views_of": 7,
        },
        "DraftReply": {"draft": 6, "labels": LABELS},
        "AppendSamplesRequest": {"draft": 6, "samples": CHUNK},
        "AppendViewsRequest": {"draft": 6, "begin": 2**33, "images": hashes(1, 4)},
        "CompareDraftRequest": {"draft": 6},
        "DraftChangesReply": {
            "added": 5, "replaced": 4, "left": 3, "examples": ["sample 'a' of split 'train'"],
            "shared": [{"split": "test", "other": "train", "rows": 2, "conflicting": 1}], "refilled": 2,
        },
        "DraftProgressReply": {"phase": "write", "done": 3, "total": 2442},
        "RepairRowsRequest": {"cursor": "segments 1 7", "apply": True},
        "RepairRowsReply": {
            "cursor": "images 00", "checked": 7, "total": 8, "problems": ["segment 3 is damaged"], "images": 256,
        },
        "CommitDraftRequest": {"draft": 6, "appended": 70000},
        "AbortDraftRequest": {"draft": 6},
        "GetSamplesRequest": {"collection": "cifar10@2", "begin": 2**40, "count": 4096},
        "SamplesReply": {"samples": CHUNK},
        "QueryRequest": {
            "collection": "cifar10", "samples": [5, 5, 0], "chain": "hflip>rotate15@2", "label_column": "label",
        },
        "OpenStreamRequest": {"spec": SPEC},
        "StreamReply": {
            "spec": SPEC, "fingerprint": digest(3), "collection_digest": digest(4), "chains": ["identity", "hflip@3"],
            "transforms": digest(5) + digest(6), "classes": ["cat", ""], "samples": 60000, "steps": 118, "dim": 512,
        },
        "BatchesRequest": {"spec": SPEC, "fingerprint": digest(3), "epoch": 8, "step": 9, "count": 10},
        "BatchReply": BATCH,
        **BACKUP_MESSAGES,
        **LOOKING_MESSAGES,
    }  # fmt: skip


def plain(value):
    """A decoded value as the samples write it: for comparisons."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
