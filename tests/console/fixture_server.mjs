// A server for the browser tests: the console's files with the policy of the real one, and the API answered from fixtures.
// By itself: node fixture_server.mjs [--port 8017] [--empty] [--base /some/path]
import { readFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as live from "./fixture_live.mjs";
import * as store from "./fixture_store.mjs";
import { imageOf } from "./png.mjs";

export const DIST = process.env.AUGSTORE_CONSOLE_DIST ?? fileURLToPath(new URL("../../server/console/dist", import.meta.url));
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' blob: data:; font-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";
export const ADMIN_KEY = "augs_a1aa11aa_admin";
export const READ_KEY = "augs_k3jd72na_read";
export const SCOPED_KEY = "augs_s5cope55_photos";

const PRINCIPALS = {
  [ADMIN_KEY]: { role: "admin", scope: "", who: "key a1aa11aa" },
  [READ_KEY]: { role: "read", scope: "", who: "key k3jd72na" },
  [SCOPED_KEY]: { role: "read", scope: "photos*", who: "key s5cope55" },
};
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const ADMIN = new Set(["ListKeys", "CreateKey", "RevokeKey", "DeleteRecord", "SetAlias", "Verify", "Garbage", "StartBackup", "GetBackup", "ListBackups", "StopStream", "ReadAudit", "Config"]);

class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    Object.assign(this, { status, code });
  }
}

function recordsOf(kind) {
  return { collection: store.COLLECTIONS, transform: store.TRANSFORMS, head: store.HEADS }[kind] ?? [];
}

function find(kind, ref) {
  const at = ref.lastIndexOf("@");
  const name = at < 0 ? ref : ref.slice(0, at);
  const version = at < 0 ? 0 : Number(ref.slice(at + 1));
  const all = recordsOf(kind).filter((one) => one.name === name);
  const record = version > 0 ? all.find((one) => one.version === version) : all[all.length - 1];
  if (!record) throw new Refusal(404, "NotFound", `there is no ${kind} '${ref}'`);
  return record;
}

function browse({ kind, find: text = "", after = "", limit = 50 }) {
  const latest = new Map();
  for (const one of recordsOf(kind)) if (one.name.toLowerCase().includes(text.toLowerCase())) latest.set(one.name, one);
  const rest = [...latest.values()].filter((one) => one.name > after);
  return { records: rest.slice(0, Math.min(limit, 200)), names: latest.size };
}

// What requests change is in here: each server has its own.
function readingAnswers(empty, stopped) {
  const aliases = structuredClone(store.ALIASES);
  const guard = (answer) => (body, who) => {
    if (!empty) return answer(body, who);
    throw new Refusal(404, "NotFound", "the store is empty");
  };
  return {
    Stats(_, who) {
      const all = live.stats(empty, empty ? 0 : 10_002);
      if (who.scope === "") return { ...all, streams: all.streams.filter((stream) => !stopped.has(stream.id)) };
      return { version: all.version, store_id: all.store_id, takes_writes: true, collections: 3 };
    },
    Browse: (body) => (empty ? { records: [], names: 0 } : browse(body)),
    ListRecords: guard(({ kind, name }) => ({ records: recordsOf(kind).filter((one) => one.name === name) })),
    GetRecord: guard(({ kind, ref }) => {
      if (kind !== "aliases") return find(kind, ref);
      if (!aliases[ref]) throw new Refusal(404, "NotFound", `no alias of ${ref} was ever set`);
      return { kind, name: ref, version: 1, record: { moves: aliases[ref] } };
    }),
    DescribeCollection: guard(({ collection, other }) => live.describe(find("collection", collection), other)),
    GetSamples: guard(({ collection, begin = 0, count = 1 }) => live.samples(begin, count, find("collection", collection).record.splits)),
    OpenStream: guard(({ spec }) => {
      const record = find("collection", spec.collection);
      return live.open({ ...spec, collection: `${record.name}@${record.version}` });
    }),
    Batches: guard(({ spec, epoch = 0, step = 0 }) => {
      if (step >= 184) throw new Refusal(400, "InvalidArgument", `step ${step} is beyond the epoch: it has 184 steps`);
      return live.batch(spec, epoch, step);
    }),
    Project: guard((body) => live.project(body, find("collection", body.collection))),
    DeleteRecord: guard(({ kind, ref, preview }) => ({ records: [{ kind, name: find(kind, ref).name, version: find(kind, ref).version, alias: "", reason: "" }], applied: !preview })),
    SetAlias: guard(({ name, alias, version, note }) => {
      (aliases[`transform/${name}`] ??= []).push({ alias, version, note, unix_s: store.NOW, forced: false });
      return {};
    }),
  };
}

function adminAnswers(empty, stopped) {
  const keys = store.KEYS.map((key) => ({ ...key }));
  const backups = new Map();
  return {
    ListKeys: () => ({ keys: empty ? [] : keys }),
    CreateKey({ role, scope = "", expires_unix_s = 0, note = "" }) {
      const key = { id: "n3wk3y00", role, scope, note, created_unix_s: store.NOW, expires_unix_s, revoked_unix_s: 0, previous_until_unix_s: 0 };
      keys.push(key);
      return { key, text: `augs_${key.id}_4f0c1e` };
    },
    RevokeKey({ id }) {
      const key = keys.find((one) => one.id === id);
      if (!key) throw new Refusal(404, "NotFound", `there is no key '${id}'`);
      key.revoked_unix_s = store.NOW;
      return { key, text: "" };
    },
    Verify({ cursor }) {
      const step = Number(cursor || "0") + 1;
      return { cursor: step < 4 ? String(step) : "", checked: step * 10_000, total: 40_000, problems: [] };
    },
    Garbage({ run }) {
      const phases = ["reading collections", "counting rows", ""];
      const step = run === 0 ? 0 : Number(run) % 10;
      return { run: String(9007199254740990n + BigInt(step + 1)), phase: phases[step] ?? "", done: step, total: 2, segments: 312, rows: 79_872, bytes: 163_577_856, kept_rows: 4100 };
    },
    StartBackup({ run }) {
      backups.set(run, 0);
      return { total_bytes: 0, copied_bytes: 0, json: "", code: "Ok", message: "" };
    },
    GetBackup({ run }) {
      const copied = Math.min(4e8, (backups.get(run) ?? 0) + 2e8);
      backups.set(run, copied);
      return { total_bytes: 4e8, copied_bytes: copied, json: copied === 4e8 ? { id: 4 } : "", code: "Ok", message: "" };
    },
    ListBackups: () => ({ backups: empty ? [] : store.BACKUPS }),
    StopStream({ id }) {
      stopped.add(id);
      return {};
    },
    ReadAudit: ({ lines }) => ({ lines: empty ? [] : store.AUDIT.slice(-lines) }),
    Config: () => ({ settings: store.SETTINGS }),
  };
}

async function readBody(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString());
}

function principal(request) {
  const header = request.headers.authorization ?? "";
  if (header === "") return null;
  const who = PRINCIPALS[header.replace(/^Bearer /, "")];
  if (!who) throw new Refusal(401, "Unauthenticated", "no key has this id and secret");
  return who;
}

async function answer(name, url, request, answers) {
  const who = principal(request);
  if (name === "Session") return { version: "0.1.0", store_id: who ? store.STORE_ID : "", role: "none", scope: "", who: "nobody", images: who !== null, ...who };
  if (who === null) throw new Refusal(401, "Unauthenticated", "this request needs a key");
  if (ADMIN.has(name) && who.role !== "admin") throw new Refusal(403, "PermissionDenied", `${name} needs a key of role admin`);
  if (name === "image") return imageOf(Number(url.searchParams.get("sample")), live.labelOf(Number(url.searchParams.get("sample"))));
  if (!answers[name]) throw new Refusal(404, "NotFound", `there is no request '${name}'`);
  return answers[name](await readBody(request), who);
}

function sendFile(path, response) {
  const file = join(DIST, path === "/" ? "index.html" : path.slice(1));
  if (path.includes("..") || !existsSync(file)) return void response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "text/plain", "Content-Security-Policy": POLICY });
  response.end(readFileSync(file));
}

// Resolves to {url, close}. `base` is the path at which the console is served.
export function startServer({ empty = false, base = "", port = 0 } = {}) {
  const stopped = new Set();
  const answers = { ...readingAnswers(empty, stopped), ...adminAnswers(empty, stopped) };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://localhost");
    if (!url.pathname.startsWith(`${base}/`)) return void response.writeHead(404).end();
    const path = url.pathname.slice(base.length);
    if (!path.startsWith("/api/v1/")) return sendFile(path, response);
    try {
      const reply = await answer(path.slice("/api/v1/".length), url, request, answers);
      if (Buffer.isBuffer(reply)) response.writeHead(200, { "Content-Type": "image/png" }).end(reply);
      else response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(reply));
    } catch (error) {
      response.writeHead(error.status ?? 500, { "Content-Type": "application/json" }).end(JSON.stringify({ code: error.code ?? "Internal", message: error.message }));
    }
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => {
      const close = () => new Promise((done) => (server.close(done), server.closeAllConnections()));
      resolve({ url: `http://127.0.0.1:${server.address().port}${base}/`, port: server.address().port, close });
    });
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
  const server = await startServer({ port: Number(option("--port") ?? 8017), empty: process.argv.includes("--empty"), base: option("--base") ?? "" });
  console.log(`console at ${server.url}, keys ${Object.keys(PRINCIPALS).join(" ")}`);
}
