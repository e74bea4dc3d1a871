// What the fixture's store holds: 10,000 collections, transforms with cards, heads with lineages, keys, backups, an audit log.
import { generator, hex } from "./random.mjs";

const random = generator(7);
export const NOW = Math.floor(Date.now() / 1000);
const DAY = 86400;
export const CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];
const BACKBONE = hex(random, 64);
export const STORE_ID = hex(random, 32);

function collection(name, version, train, test, more = {}) {
  const splits = [{ name: "train", samples: train }, { name: "test", samples: test }];
  return {
    kind: "collection",
    name,
    version,
    record: {
      backbone: BACKBONE,
      dim: 512,
      samples: train + test,
      labels: [{ name: "class", classes: CLASSES }],
      splits,
      digest: hex(random, 64),
      source: `ingest images/${name}`,
      created_unix_s: NOW - 30 * DAY + version * DAY,
      dtype: "f32",
      views: [],
      viewed: 0,
      ...more,
    },
  };
}

const VIEWS = { views: [{ law: "rotate(-30..30)>brightness(0.7..1.4)", count: 2, seed: 0 }, { law: "vflip", count: 1, seed: "18446744073709551615" }], viewed: 45000 };

function manyCollections() {
  const kinds = ["retail", "sorting", "satellite", "leaves", "parts", "tissue"];
  return Array.from({ length: 9997 }, (_, index) => {
    const name = `${kinds[index % 6]}-${String(index).padStart(5, "0")}`;
    const train = 200 + Math.floor(random() * 40000);
    return collection(name, 1 + (index % 3), train, Math.floor(train / 5), { dtype: ["f32", "f16", "u8"][index % 3] });
  });
}

// A name with every character that URLs and HTML read in another way.
const ODD = "50% off <b>&?#";
export const COLLECTIONS = [
  ...manyCollections(),
  collection("cifar10", 1, 50000, 10000),
  ...[1, 2, 3].map((version) => collection("photos", version, 41000 + 2000 * version, 10000, version === 3 ? VIEWS : {})),
  collection(ODD, 1, 40, 10),
].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version - b.version));

function entry(data, r2, half, pairs = 5000) {
  const errors = { mse: 0.02 * (1 - r2), identity_mse: 0.02 };
  const cosines = { cosine_before: 0.81, cosine_after: 0.81 + 0.15 * Math.max(0, r2) };
  return { data, pairs, ...errors, r2, r2_low: r2 - half, r2_high: r2 + half, ...cosines, dispersion: 0.4, retrieval_pool: 512, mrr: 0.7, hit1: 0.2 + 0.7 * Math.max(0, r2), hit5: 0.9 };
}

const FAMILIES = [["refined", 1.0, 1_050_000, 41], ["affine", 0.93, 262_144, 1.2], ["paper_mlp", 0.88, 1_050_000, 180], ["lowrank", 0.8, 65_536, 1.4], ["procrustes", 0.55, 262_144, 0.8], ["diagonal", 0.2, 512, 0.1], ["shift", 0.08, 0, 0.1], ["identity", 0, 0, 0]];

function transform(name, version, op, r2, half, view) {
  const measures = [{ name: "us_per_row", value: 6.1 }, { name: "int8_loss", value: 0.0007 }, { name: "f16_loss", value: 0.00001 }, { name: "u8_loss", value: 0.0009 }];
  if (view !== undefined) measures.push({ name: `view_r2(${op})`, value: view });
  const candidates = FAMILIES.map(([family, share, multiply_adds, train_seconds]) => {
    const value = family === "identity" ? 0 : r2 * share - (1 - share) * 0.01;
    return { family, r2: value, r2_low: value - half, r2_high: value + half, mse: 0.02 * (1 - value), multiply_adds, train_seconds, notes: "" };
  });
  const entries = [entry("held-out pairs of images/train", r2, half), entry("images/test", r2 * 0.95, half * 1.6, 2000)];
  const card = { entries, train_pairs: 45000, seed: 0, train_seconds: 225, multiply_adds: 1_050_000, notes: "", candidates, measures };
  const layers = [{ in: 512, out: 1024, activation: "relu", residual: false }, { in: 1024, out: 512, activation: "none", residual: true }];
  return { kind: "transform", name, version, record: { backbone: BACKBONE, dim: 512, op, family: "refined", layers, card, created_unix_s: NOW - 20 * DAY + version * DAY } };
}

export const TRANSFORMS = [
  transform("blur", 1, "blur(1.5)", -0.012, 0.018),
  transform("brightness", 1, "brightness(1.4)", 0.412, 0.011, 0.61),
  transform("grayscale", 1, "grayscale", 0.287, 0.014),
  transform("rotate15", 1, "rotate(15)", 0.31, 0.012),
  transform("rotate15", 2, "rotate(15)", 0.468, 0.012, 0.72),
  transform("vflip", 1, "vflip", 0.655, 0.008),
  transform("vflip", 2, "vflip", 0.691, 0.008, 0.84),
  transform("zoom", 1, "zoom(1.3)", 0.221, 0.02),
  { kind: "transform", name: "cutout", version: 1, record: { backbone: BACKBONE, dim: 512, op: "cutout", family: "", layers: [{ in: 512, out: 512, activation: "none", residual: false }], created_unix_s: NOW - DAY } },
];

export const ALIASES = {
  "transform/vflip": [
    { alias: "champion", version: 1, note: "first", unix_s: NOW - 18 * DAY, forced: false },
    { alias: "champion", version: 2, note: "better on cifar10", unix_s: NOW - 12 * DAY, forced: false },
    { alias: "old", version: 1, note: "for the comparison", unix_s: NOW - 11 * DAY, forced: true },
  ],
  "transform/rotate15": [{ alias: "champion", version: 2, note: "", unix_s: NOW - 9 * DAY, forced: false }],
};

export const SPEC = { collection: "photos@3", split: "train", policy: "identity:2,vflip@2:1,rotate15@2>vflip@2:1", label_column: "class", seed: 7, batch_size: 256, rank: 0, world_size: 1, shuffle: true, drop_last: false, shuffle_window: 0, dtype: "f32", precision: "f32" };

function head(name, version, accuracy, policy, optimizer, init = "") {
  const spec = { ...SPEC, policy };
  const training = optimizer === "adamw" ? { epochs: 30, learning_rate: 0.001, weight_decay: 0.0001 } : { epochs: 4, learning_rate: 0, weight_decay: 0 };
  const lineage = { stream: spec, collection_digest: hex(random, 64), transforms: [], seed: version, optimizer, init, ...training };
  const arch = optimizer === "adamw" ? "mlp(1024,128)" : "linear";
  const quality = { train_loss: 0.31, test_accuracy: accuracy, test_loss: 1.1 - accuracy * 0.7, test_split: "test", test_samples: 10000 };
  return { kind: "head", name, version, record: { backbone: BACKBONE, dim: 512, arch, classes: CLASSES, layers: [], lineage, ...quality, created_unix_s: NOW - 6 * DAY + version * 3600 } };
}

export const HEADS = [
  head("closed", 1, 0.842, "identity:1", "ridge"),
  head("mine", 1, 0.861, "identity:1", "adamw"),
  head("mine", 2, 0.883, SPEC.policy, "adamw", "closed@1"),
  head("shifted", 1, 0.874, "identity:1,geo[hflip>rotate(-15..15)]@1~:2", "adamw"),
];

export const KEYS = [
  { id: "k3jd72na", role: "read", scope: "", note: "team vision", created_unix_s: NOW - 40 * DAY, expires_unix_s: NOW + 50 * DAY, revoked_unix_s: 0, previous_until_unix_s: 0 },
  { id: "w9pq40xz", role: "write", scope: "retail*", note: "shop cameras", created_unix_s: NOW - 30 * DAY, expires_unix_s: 0, revoked_unix_s: 0, previous_until_unix_s: NOW + 3000 },
  { id: "a1aa11aa", role: "admin", scope: "", note: "on call", created_unix_s: NOW - 90 * DAY, expires_unix_s: NOW - DAY, revoked_unix_s: 0, previous_until_unix_s: 0 },
  { id: "r0vv0ked", role: "read", scope: "photos", note: "left in a notebook", created_unix_s: NOW - 60 * DAY, expires_unix_s: 0, revoked_unix_s: NOW - 3 * DAY, previous_until_unix_s: 0 },
];

export const BACKUPS = [1, 2, 3].map((id) => ({ id, problem: id === 1 ? "file 000012.sst is missing" : "", created_unix_s: NOW - (4 - id) * DAY, bytes: 21.4e9 + id * 1e8, copied_bytes: 4e8, collections: 10000, transforms: 8, heads: 4 }));

export const SETTINGS = [["store", "/srv/db", "command line or default"], ["listen", "tcp://127.0.0.1:7411", "/etc/augstore/augstore.toml"], ["http", "127.0.0.1:8017", "/etc/augstore/augstore.toml"], ["memory", "16GiB", "AUGSTORE_MEMORY"], ["workers", 16, "command line or default"], ["idle-timeout", 300, "command line or default"], ["backup-dir", "/backups", "command line or default"]].map(([name, value, source]) => ({ name, value, source }));

const WHATS = [["CommitDraft", "draft 17", "photos@3"], ["SetAlias", "vflip", "vflip@champion"], ["AddRecord", "mine", "mine@2"], ["DeleteRecord", "photos@1", ""], ["CreateKey", "w9pq40xz", ""]];
export const AUDIT = Array.from({ length: 120 }, (_, index) => {
  const [what, target, result] = WHATS[index % 5];
  const time = new Date(1000 * (NOW - (120 - index) * 937)).toISOString();
  const line = { time, who: index % 7 === 0 ? "uid 1000" : "key w9pq40xz", role: "write", from: "tcp 10.0.0.5:40122", what, target, outcome: "Ok", result };
  return index % 9 === 3 ? { ...line, outcome: "PermissionDenied", result: "", reason: "the key's role is read: it takes write" } : line;
});
