// Requests to the server, the key that they carry, and whether the server answers at all.
import { signal } from "@preact/signals";
import type { Session } from "./types";

export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const KEY_NAME = "augstore-key";
const TIMEOUT_MS = 30_000;
const RETRY_MS = 2_000;

// Browsers may forbid storage; the key then lives as long as the page.
let memoryKey = "";
function readKey(): string {
  try {
    return sessionStorage.getItem(KEY_NAME) ?? memoryKey;
  } catch {
    return memoryKey;
  }
}

function writeKey(key: string): void {
  memoryKey = key;
  try {
    if (key === "") sessionStorage.removeItem(KEY_NAME);
    else sessionStorage.setItem(KEY_NAME, key);
  } catch {
    // memoryKey has it
  }
}

export const session = signal<Session | null>(null);
export const refused = signal(""); // why the last key was not taken
export const lost = signal(false); // whether the last request got no answer
export const lastSeen = signal(0); // when the server answered last, in milliseconds
export const returns = signal(0); // how often it came back: pages ask again

export function isAdmin(): boolean {
  return session.value?.role === "admin";
}

function headers(): Record<string, string> {
  const key = readKey();
  return key === "" ? {} : { Authorization: `Bearer ${key}` };
}

async function send(path: string, init: RequestInit, signalOf?: AbortSignal): Promise<Response> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
  signalOf?.addEventListener("abort", () => timeout.abort());
  try {
    const reply = await fetch(path, { ...init, signal: timeout.signal, cache: "no-store", credentials: "same-origin" });
    lastSeen.value = Date.now();
    return reply;
  } catch (error) {
    if (signalOf?.aborted) throw error;
    beginRetrying();
    throw new ApiError("Unavailable", "the server does not answer", 0);
  } finally {
    clearTimeout(timer);
  }
}

async function check(reply: Response): Promise<void> {
  if (reply.ok) return;
  let body: { code?: string; message?: string } = {};
  try {
    body = (await reply.json()) as typeof body;
  } catch {
    // a proxy answered in the server's place
    if (reply.status >= 502 && reply.status <= 504) beginRetrying();
  }
  const error = new ApiError(body.code ?? "Internal", body.message ?? `the server answered ${reply.status}`, reply.status);
  if (error.status === 401 && session.value && session.value.role !== "none") {
    refused.value = error.message;
    session.value = { ...session.value, role: "none" };
  }
  throw error;
}

export async function call<T>(name: string, body: object = {}, abort?: AbortSignal): Promise<T> {
  const init = { method: "POST", headers: { ...headers(), "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const reply = await send(`./api/v1/${name}`, init, abort);
  await check(reply);
  return (await reply.json()) as T;
}

// The bytes of a sample's image, or null where it is not there. An <img> cannot send the key.
export async function fetchImage(collection: string, sample: number): Promise<Blob | null> {
  const path = `./api/v1/image?collection=${encodeURIComponent(collection)}&sample=${sample}`;
  const reply = await send(path, { headers: headers() });
  return reply.ok ? reply.blob() : null;
}

async function loadSession(): Promise<void> {
  const reply = await send("./api/v1/Session", { headers: headers() });
  await check(reply);
  session.value = (await reply.json()) as Session;
}

export async function start(): Promise<void> {
  try {
    await loadSession();
  } catch (error) {
    await explainKey(error);
  }
}

// A server that refuses a wrong key also refuses Session: without the key it answers.
async function explainKey(error: unknown): Promise<void> {
  if (!(error instanceof ApiError) || error.status === 0) return;
  refused.value = error.message;
  if (readKey() === "") return;
  writeKey("");
  await start();
}

export async function signIn(key: string): Promise<void> {
  refused.value = "";
  writeKey(key);
  await start();
  if (session.value?.role === "none" && refused.value === "" && readKey() !== "") {
    refused.value = "the server does not know this key: it may be mistyped, expired or revoked";
    writeKey("");
  }
}

export function signOut(): void {
  writeKey("");
  refused.value = "";
  void start();
}

export function hasKey(): boolean {
  return readKey() !== "";
}

let retrying = false;
function beginRetrying(): void {
  lost.value = true;
  if (retrying) return;
  retrying = true;
  setTimeout(retry, RETRY_MS);
}

async function retry(): Promise<void> {
  try {
    await loadSession();
  } catch (error) {
    if (!(error instanceof ApiError) || error.status === 0 || error.status >= 502) {
      setTimeout(retry, RETRY_MS);
      return;
    }
    await explainKey(error);
  }
  retrying = false;
  lost.value = false;
  returns.value += 1;
}
