"""The tables of schemas/wire.fbs and schemas/records.fbs, field by field, in their order.

A test compares this file with the two schemas. Types: FlatBuffers' scalars; ``string``; ``[scalar]``, which is a numpy
array; ``[string]``; the name of a table; ``[Name]``, a list of tables.
"""

from __future__ import annotations

from typing import Dict, List, Tuple

Fields = List[Tuple[str, str]]


def _fields(text: str) -> Fields:
    pairs = []
    for field in text.split():
        name, _, kind = field.partition(":")
        pairs.append((name, kind))
    return pairs


_RECORDS = {
    "Backbone": """format:uint digest:[ubyte] dim:uint input_height:uint input_width:uint mean:[float] stddev:[float]
        source:string multiply_adds:ulong created_unix_s:long feature_map_height:uint feature_map_width:uint feature_map_channels:uint""",
    "LabelColumns": "names:[string] class_counts:[uint] classes:[string]",
    "SplitCount": "name:string samples:ulong",
    "Collection": """format:uint backbone:[ubyte] dim:uint samples:ulong sample_list:uint labels:LabelColumns
        splits:[SplitCount] digest:[ubyte] source:string created_unix_s:long dtype:ubyte""",
    "LabelValues": "values:[int]",
    "SampleChunk": """format:uint rows:[ulong] split_names:[string] splits:[ushort] labels:[LabelValues]
        keys:[string]""",
    "LayerShape": "in:uint out:uint activation:ubyte residual:bool kind:ubyte",
    "CardEntry": """data:string pairs:ulong mse:double identity_mse:double r2:double cosine_before:double
        cosine_after:double dispersion:double r2_low:double r2_high:double retrieval_pool:uint mrr:double
        hit1:double hit5:double""",
    "CardCandidate": """family:string r2:double r2_low:double r2_high:double mse:double
        multiply_adds:ulong train_seconds:double notes:string""",
    "CardMeasure": "name:string value:double",
    "Card": """entries:[CardEntry] train_pairs:ulong seed:ulong train_seconds:double multiply_adds:ulong notes:string
        candidates:[CardCandidate] measures:[CardMeasure]""",
    "Transform": """format:uint backbone:[ubyte] dim:uint op:string family:string layers:[LayerShape] weights:[ubyte]
        card:Card created_unix_s:long feature_map_height:uint feature_map_width:uint feature_map_channels:uint""",
    "HeadLineage": """collection:string collection_digest:[ubyte] split:string policy:string transforms:[ubyte]
        label_column:string seed:ulong epochs:uint batch_size:uint optimizer:string learning_rate:double
        weight_decay:double stream_seed:ulong init:string shuffle_window:ulong dtype:ubyte precision:ubyte""",
    "Head": """format:uint backbone:[ubyte] dim:uint arch:string classes:[string] layers:[LayerShape] weights:[ubyte]
        lineage:HeadLineage train_loss:double test_accuracy:double test_loss:double test_split:string
        test_samples:ulong created_unix_s:long""",
    "Aliases": "format:uint aliases:[string] versions:[uint] notes:[string] unix_s:[long] forced:[ubyte]",
}

_WIRE = {
    "ErrorReply": "code:ubyte message:string",
    "ServerInfoRequest": "",
    "ServerInfoReply": "version:string store_id:string",
    "StatsRequest": "",
    "StatsReply": "json:string",
    "VerifyRequest": "cursor:string",
    "VerifyReply": "cursor:string checked:ulong total:ulong problems:[string]",
    "EndReply": "",
    "GetRecordRequest": "kind:ubyte ref:string with_blob:bool",
    "RecordReply": "kind:ubyte name:string version:uint record:[ubyte] blob:[ubyte]",
    "ListRecordsRequest": "kind:ubyte name:string",
    "RecordListReply": "records:[RecordReply]",
    "AddRecordRequest": "kind:ubyte name:string record:[ubyte] blob:[ubyte]",
    "DeleteRecordRequest": "kind:ubyte ref:string",
    "SetAliasRequest": """kind:ubyte name:string alias:string version:uint note:string force:bool
        min_r2:double""",
    "FindImagesRequest": "backbone:[ubyte] images:[ubyte] dtype:ubyte",
    "RowIdsReply": "rows:[ulong]",
    "AppendRowsRequest": """backbone:[ubyte] images:[ubyte] dim:uint embeddings:[float] feature_map_values:uint feature_maps:[ubyte]
        dtype:ubyte""",
    "ReadRowsRequest": "backbone:[ubyte] rows:[ulong] feature_maps:bool dtype:ubyte",
    "BeginDraftRequest": """collection:string backbone:[ubyte] labels:LabelColumns replace:bool source:string
        dtype:ubyte""",
    "DraftReply": "draft:uint labels:LabelColumns",
    "AppendSamplesRequest": "draft:uint samples:SampleChunk",
    "CommitDraftRequest": "draft:uint appended:ulong",
    "AbortDraftRequest": "draft:uint",
    "GetSamplesRequest": "collection:string begin:ulong count:uint",
    "SamplesReply": "samples:SampleChunk",
    "QueryRequest": "collection:string samples:[ulong] chain:string label_column:string",
    "StreamSpec": """collection:string split:string policy:string label_column:string seed:ulong batch_size:uint
        rank:uint world_size:uint shuffle:bool drop_last:bool shuffle_window:ulong dtype:ubyte precision:ubyte""",
    "OpenStreamRequest": "spec:StreamSpec",
    "StreamReply": """spec:StreamSpec fingerprint:[ubyte] collection_digest:[ubyte] chains:[string]
        transforms:[ubyte] classes:[string] samples:ulong steps:ulong dim:uint""",
    "BatchesRequest": "spec:StreamSpec fingerprint:[ubyte] epoch:ulong step:ulong count:uint",
    "ShareMemoryRequest": "",
    "ShareMemoryReply": "bytes:ulong slots:uint",
    "SharedBodyReply": "type:ushort slot:uint offset:ulong size:uint",
    "BatchReply": """epoch:ulong step:ulong dim:uint samples:[ulong] labels:[int] chains:[ushort]
        embeddings:[float] dtype:ubyte rows:[ubyte]""",
}

TABLES: Dict[str, Fields] = {name: _fields(text) for name, text in {**_RECORDS, **_WIRE}.items()}

# Vectors whose first element stands at a multiple of this many bytes from the buffer's start.
FORCED_ALIGNMENT = {("AppendRowsRequest", "embeddings"): 64, ("BatchReply", "embeddings"): 64}

# Numbers of message types, as in schemas/wire/frame.h. Never change one.
MESSAGE_TYPES: Dict[str, int] = {
    "ServerInfoRequest": 1,
    "GetRecordRequest": 2,
    "ListRecordsRequest": 3,
    "AddRecordRequest": 4,
    "DeleteRecordRequest": 5,
    "SetAliasRequest": 6,
    "FindImagesRequest": 7,
    "AppendRowsRequest": 8,
    "ReadRowsRequest": 9,
    "BeginDraftRequest": 10,
    "AppendSamplesRequest": 11,
    "CommitDraftRequest": 12,
    "AbortDraftRequest": 13,
    "GetSamplesRequest": 14,
    "QueryRequest": 15,
    "OpenStreamRequest": 16,
    "BatchesRequest": 17,
    "StatsRequest": 18,
    "VerifyRequest": 19,
    "ShareMemoryRequest": 20,
    "ErrorReply": 100,
    "ServerInfoReply": 101,
    "RecordReply": 102,
    "RecordListReply": 103,
    "RowIdsReply": 104,
    "DraftReply": 105,
    "SamplesReply": 106,
    "BatchReply": 107,
    "EndReply": 108,
    "StreamReply": 109,
    "StatsReply": 110,
    "VerifyReply": 111,
    "ShareMemoryReply": 112,
    "SharedBodyReply": 113,
}

# File identifiers of stored records (docs/formats.md).
IDENTIFIERS: Dict[str, bytes] = {
    "Backbone": b"AGRB",
    "Collection": b"AGRC",
    "SampleChunk": b"AGRS",
    "Transform": b"AGRT",
    "Head": b"AGRH",
    "Aliases": b"AGRA",
}

# Numbers of record kinds.
BACKBONE, COLLECTION, TRANSFORM, HEAD, ALIASES = 1, 2, 3, 4, 5
