// What changes while one looks: streams that are read, counters, the last hour; and what is computed for a request.
import { generator, hex, normal } from "./random.mjs";
import { CLASSES, SPEC, STORE_ID } from "./fixture_store.mjs";

const BEGAN = Date.now() / 1000 - 7 * 86400;
const FINGERPRINT = hex(generator(99), 64);

// Streams by rows a second and the shares of waiting for the server and for the client.
const READERS = [
  ["photos@3", SPEC.policy, "key k3jd72na", "tcp 10.0.0.5:40122", 148000, 0.62, 0.05],
  ["photos@3", "identity:1", "key k3jd72na", "tcp 10.0.0.5:40126", 96000, 0.08, 0.8],
  ["cifar10@1", "identity:1,views:2", "key w9pq40xz", "tcp 10.0.0.9:51110", 61000, 0.12, 0.35],
  ["satellite-00002@3", "identity:1", "uid 1000", "unix", 0, 0, 0],
];

export function streams() {
  const seconds = Date.now() / 1000 - BEGAN;
  return READERS.map(([collection, policy, who, peer, rate, server, client], index) => {
    const rows = Math.floor(rate * seconds);
    const step = Math.floor(rows / 256) % 184;
    const waits = { wait_for_server_s: server * seconds, wait_for_client_s: client * seconds };
    const of = { id: String(index + 1), who, peer, collection, policy, fingerprint: index === 0 ? FINGERPRINT : hex(generator(index), 64) };
    return { ...of, rank: index === 2 ? 1 : 0, world_size: index === 2 ? 4 : 1, batch_size: 256, epoch: Math.floor(rows / 256 / 184) % 30, step, steps: 184, batches: Math.floor(rows / 256), rows, seconds, ...waits, idle_s: rate === 0 ? 41 : 0 };
  });
}

function history() {
  const random = generator(5);
  const rows = Array.from({ length: 60 }, (_, minute) => Math.floor(60 * (190000 + 90000 * Math.sin(minute / 9) + 30000 * random()) * (minute > 22 && minute < 27 ? 0.15 : 1)));
  rows[59] = Math.floor((rows[58] * (Date.now() / 1000 % 60)) / 60);
  const flat = (value) => rows.map(() => value);
  return { step_s: 60, rows, batches: rows.map((value) => Math.floor(value / 256)), requests: flat(1200), wait_for_server_s: flat(31), wait_for_client_s: flat(70) };
}

export function stats(empty, collections) {
  const seconds = Date.now() / 1000 - BEGAN;
  const base = { version: "0.1.0", store_id: STORE_ID, address: "unix:///srv/db/augstore.sock tcp://127.0.0.1:7411", uptime_s: empty ? 30 : seconds };
  const counters = empty ? { batches: 0, batches_built: 0, rows: 0, bytes: 0 } : { batches: Math.floor(1190 * seconds), batches_built: Math.floor(900 * seconds), rows: Math.floor(305000 * seconds), bytes: Math.floor(6.2e8 * seconds) };
  const spaces = empty ? [] : [{ backbone: "resnet18@1", backbone_digest: STORE_ID, dim: 512, dtype: "f32", rows: 10_400_000, segments: 40_625 }];
  const sizes = empty ? { disk_bytes: 41_000, resident_bytes: 0 } : { disk_bytes: 21_700_000_000, resident_bytes: 14_900_000_000 };
  const work = empty ? 0 : seconds;
  const stages_s = { store: 1.6 * work, transform: 3.1 * work, encode: 0.4 * work, wait_for_server: 0.8 * work, wait_for_client: 1.2 * work };
  const limits = { memory_budget_bytes: 16e9, message_bytes: 0, audit_lines_lost: 0, takes_writes: true, write_error: "" };
  const now = empty ? { streams: [], history: { step_s: 60, rows: [0], batches: [0], requests: [3], wait_for_server_s: [0], wait_for_client_s: [0] } } : { streams: streams(), history: history() };
  return { ...base, connections: empty ? 1 : 9, spaces, ...sizes, ...limits, collections, requests: {}, ...counters, batch_cache_bytes: 0, stages_s, ...now };
}

export function describe(record, other) {
  const splits = record.record.splits.map((split) => {
    const classes = CLASSES.map((_, label) => Math.floor((split.samples / 10.2) * (1 - 0.04 * label)));
    return { ...split, unlabelled: split.samples - classes.reduce((sum, one) => sum + one, 0), classes };
  });
  const reply = { collection: `${record.name}@${record.version}`, samples: record.record.samples, columns: record.record.labels, splits };
  if (!other) return reply;
  const example = (what, index) => ({ what, split: "train", key: `${CLASSES[index % 10]}/${String(index * 37).padStart(5, "0")}.png` });
  const examples = Array.from({ length: 12 }, (_, index) => example(["added", "relabelled", "removed"][index % 3], index));
  return { ...reply, diff: { other, added: 2000, removed: 12, relabelled: 31, replaced: 4, left: 54953, examples } };
}

export function samples(begin, count, splits) {
  const ids = Array.from({ length: count }, (_, index) => begin + index);
  const labels = [ids.map((id) => (id % 97 === 5 ? -1 : labelOf(id)))];
  const train = splits[0]?.samples ?? 0;
  return { samples: { split_names: splits.map((split) => split.name), splits: ids.map((id) => (id < train ? 0 : 1)), labels, keys: ids.map((id) => `${CLASSES[labelOf(id)]}/${String(id).padStart(5, "0")}.png`), images: "", rows: ids } };
}

export function labelOf(sample) {
  return (sample * 7 + Math.floor(sample / 11)) % 10;
}

export function open(spec) {
  const chains = (spec.policy || "identity").split(",").map((part) => part.replace(/:[0-9.]+$/, ""));
  const fingerprint = spec.split === "train" && String(spec.seed) === "7" ? FINGERPRINT : hex(generator(String(spec.policy).length + 3), 64);
  return { spec: { ...SPEC, ...spec }, fingerprint, collection_digest: STORE_ID, chains, classes: CLASSES, samples: 47000, steps: 184, dim: 512, transforms: [] };
}

export function batch(spec, epoch, step) {
  const random = generator(1 + epoch * 1000 + step);
  const rows = Math.min(spec.batch_size || 256, 1024);
  const chains = (spec.policy || "identity").split(",").length;
  const sample_ids = Array.from({ length: rows }, () => Math.floor(random() * 47000));
  return { dim: 4, sample_ids, labels: sample_ids.map(labelOf), chains: sample_ids.map(() => Math.floor(random() * chains)), rows: sample_ids.map(() => [0, 0, 0, 0]) };
}

export function project(request, record) {
  const random = generator(11 + Number(request.seed ?? 0));
  const number = Math.min(request.samples || 1000, 5000);
  const ids = Array.from({ length: number }, () => Math.floor(random() * record.record.samples));
  const labels = ids.map(labelOf);
  const centre = (label) => [6 * Math.cos(label * 0.63) + (label % 3), 4 * Math.sin(label * 0.63) - (label % 2)];
  const round = (value) => Math.round(1000 * value) / 1000;
  const near = ([x, y], spread) => [round(x + spread * normal(random)), round(y + spread * normal(random))];
  const points = labels.map((label) => near(centre(label), 0.9));
  const shifted = (by) => points.map(([x, y]) => near([x + by[0], y + by[1]], 0.12));
  const moved = (request.chains ?? []).map((chain) => ({ chain: chain.includes("@") ? chain : `${chain}@2`, points: shifted([0.7, 0.4]) }));
  const views = request.views ? record.record.views.map((view) => ({ law: view.law, points: shifted([0.9, 0.2]).map((point) => (random() < 0.9 ? point : null)) })) : [];
  return { collection: `${record.name}@${record.version}`, dim: 512, explained: [0.214, 0.131], ids, labels, classes: CLASSES, points, moved, views };
}
