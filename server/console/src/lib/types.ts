// The API's objects, with the names of schemas/wire.fbs and schemas/records.fbs.

// Integers beyond 2^53 come as decimal texts.
export type U64 = number | string;
export type Kind = "backbone" | "collection" | "transform" | "head" | "aliases";
export type Role = "none" | "read" | "write" | "admin";

export interface Session {
  version: string;
  store_id: string;
  role: Role;
  scope: string;
  who: string;
  images: boolean;
}

export interface StreamRow {
  id: string;
  who: string;
  peer: string;
  collection: string;
  policy: string;
  fingerprint: string;
  rank: number;
  world_size: number;
  batch_size: number;
  epoch: number;
  step: number;
  steps: number;
  batches: number;
  rows: number;
  seconds: number;
  wait_for_server_s: number;
  wait_for_client_s: number;
  idle_s: number;
}

export interface History {
  step_s: number;
  rows: number[];
  batches: number[];
  requests: number[];
  wait_for_server_s: number[];
  wait_for_client_s: number[];
}

export interface Space {
  backbone: string;
  backbone_digest: string;
  dim: number;
  dtype: string;
  rows: number;
  segments: number;
}

export interface Stages {
  store: number;
  transform: number;
  encode: number;
  wait_for_server: number;
  wait_for_client: number;
}

// A key with a scope receives the first four fields alone.
export interface Stats {
  version: string;
  store_id: string;
  takes_writes: boolean;
  collections: number;
  write_error?: string;
  address?: string;
  uptime_s?: number;
  connections?: number;
  spaces?: Space[];
  disk_bytes?: number;
  resident_bytes?: number;
  memory_budget_bytes?: number;
  audit_lines_lost?: number;
  batches?: number;
  batches_built?: number;
  rows?: number;
  bytes?: number;
  stages_s?: Stages;
  streams?: StreamRow[];
  history?: History;
}

export interface RecordReply<R> {
  kind: Kind;
  name: string;
  version: number;
  record: R;
}

export interface LabelColumn {
  name: string;
  classes: string[];
}

export interface ViewSet {
  law: string;
  count: number;
  seed: U64;
}

export interface CollectionRecord {
  backbone: string;
  dim: number;
  samples: number;
  labels?: LabelColumn[];
  splits: { name: string; samples: number }[];
  digest: string;
  source: string;
  created_unix_s: number;
  dtype: string;
  views?: ViewSet[];
  viewed?: number;
}

export interface CardEntry {
  data: string;
  pairs: number;
  mse: number;
  identity_mse: number;
  r2: number;
  r2_low: number;
  r2_high: number;
  cosine_before: number;
  cosine_after: number;
  dispersion: number;
  retrieval_pool: number;
  mrr: number;
  hit1: number;
  hit5: number;
}

export interface CardCandidate {
  family: string;
  r2: number;
  r2_low: number;
  r2_high: number;
  mse: number;
  multiply_adds: number;
  train_seconds: number;
  notes: string;
}

export interface Card {
  entries?: CardEntry[];
  train_pairs: number;
  seed: U64;
  train_seconds: number;
  multiply_adds: number;
  notes: string;
  candidates?: CardCandidate[];
  measures?: { name: string; value: number }[];
}

export interface LayerShape {
  in: number;
  out: number;
  activation: string;
  residual: boolean;
}

export interface TransformRecord {
  backbone: string;
  dim: number;
  op: string;
  family: string;
  layers?: LayerShape[];
  card?: Card;
  created_unix_s: number;
}

export interface StreamSpec {
  collection: string;
  split: string;
  policy: string;
  label_column: string;
  seed: U64;
  batch_size: number;
  rank: number;
  world_size: number;
  shuffle: boolean;
  drop_last: boolean;
  shuffle_window: U64;
  dtype: string;
  precision: string;
}

export interface HeadRecord {
  backbone: string;
  dim: number;
  arch: string;
  classes?: string[];
  layers?: LayerShape[];
  lineage?: {
    stream?: StreamSpec;
    collection_digest: string;
    seed: U64;
    epochs: number;
    optimizer: string;
    learning_rate: number;
    weight_decay: number;
    init: string;
  };
  train_loss: number;
  test_accuracy: number;
  test_loss: number;
  test_split: string;
  test_samples: number;
  created_unix_s: number;
}

export interface AliasMove {
  alias: string;
  version: number;
  note: string;
  unix_s: number;
  forced: boolean;
}

export interface Browsed<R> {
  records: RecordReply<R>[];
  names: number;
}

export interface Description {
  collection: string;
  samples: number;
  columns: LabelColumn[];
  splits: { name: string; samples: number; unlabelled: number; classes: number[] }[];
  diff?: {
    other: string;
    added: number;
    removed: number;
    relabelled: number;
    replaced: number;
    left: number;
    examples: { what: string; split: string; key: string }[];
  };
}

export interface SampleChunk {
  split_names: string[];
  splits: number[];
  labels: number[][];
  keys: string[];
}

export interface OpenedStream {
  spec: StreamSpec;
  fingerprint: string;
  collection_digest: string;
  chains: string[];
  classes: string[];
  samples: number;
  steps: number;
  dim: number;
}

export interface BatchReply {
  dim: number;
  sample_ids: number[];
  labels: number[];
  chains: number[];
  rows: number[][];
}

export type Point = [number, number];

export interface Projection {
  collection: string;
  dim: number;
  explained: [number, number];
  ids: number[];
  labels: number[];
  classes: string[];
  points: Point[];
  moved: { chain: string; points: Point[] }[];
  views: { law: string; points: (Point | null)[] }[];
}

export interface KeyInfo {
  id: string;
  role: Role;
  scope: string;
  note: string;
  created_unix_s: number;
  expires_unix_s: number;
  revoked_unix_s: number;
  previous_until_unix_s: number;
}
