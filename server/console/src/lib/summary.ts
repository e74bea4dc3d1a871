// The overview's one sentence: is the server well, who uses it, what is slow.
import { percent, plural, short } from "./format";
import { streamRate, type StreamRate } from "./rates";
import type { Stats, StreamRow } from "./types";

export type Health = "well" | "warning" | "bad";

export interface Summary {
  health: Health;
  text: string;
}

export interface RatedStream {
  stream: StreamRow;
  rate: StreamRate;
}

// A stream that did not ask for a batch for this long is not in use.
const IDLE_S = 10;
// Above this share of waiting for the server, a stream would be faster on a faster server.
const SLOW = 0.3;
const FULL = 0.97;

export function rateStreams(now: Stats, before: Stats | null, seconds: number): RatedStream[] {
  const earlier = new Map((before?.streams ?? []).map((stream) => [stream.id, stream]));
  return (now.streams ?? []).map((stream) => ({ stream, rate: streamRate(stream, earlier.get(stream.id), seconds) }));
}

export function activeStreams(rated: RatedStream[]): RatedStream[] {
  return rated.filter(({ stream }) => stream.idle_s < IDLE_S);
}

// The stream that waits for the server the longest, if any does.
export function slowest(rated: RatedStream[]): RatedStream | null {
  const waiting = activeStreams(rated).filter(({ rate }) => rate.server >= SLOW);
  waiting.sort((a, b) => b.rate.server - a.rate.server);
  return waiting[0] ?? null;
}

function use(rated: RatedStream[]): string {
  const active = activeStreams(rated);
  if (active.length === 0) return "no client reads a stream now";
  const clients = new Set(active.map(({ stream }) => `${stream.who} ${stream.peer}`)).size;
  const rows = active.reduce((sum, { rate }) => sum + rate.rowsPerSecond, 0);
  return `${plural(clients, "client")} ${clients === 1 ? "reads" : "read"} ${plural(active.length, "stream")} at ${short(rows)} rows/s`;
}

export function summarise(stats: Stats, rated: RatedStream[]): Summary {
  if (!stats.takes_writes) {
    const why = stats.write_error ? `: ${stats.write_error}` : "";
    return { health: "bad", text: `The store takes no writes${why}; ${use(rated)}.` };
  }
  if (stats.collections === 0) return { health: "well", text: "The server is well, and the store has no collection yet." };
  if ((stats.audit_lines_lost ?? 0) > 0) {
    const lines = plural(stats.audit_lines_lost ?? 0, "line");
    return { health: "warning", text: `The audit log has lost ${lines}; ${use(rated)}.` };
  }
  const slow = slowest(rated);
  if (slow) {
    const { stream, rate } = slow;
    return {
      health: "warning",
      text: `The server is well: ${use(rated)}. Slow is ${stream.collection} for ${stream.who}: it waits for the server ${percent(rate.server)} of its time.`,
    };
  }
  const memory = stats.memory_budget_bytes ? (stats.resident_bytes ?? 0) / stats.memory_budget_bytes : 0;
  const note = memory > FULL ? "; its memory for rows is full, which is normal for a store that is larger" : "; nothing is slow";
  return { health: "well", text: `The server is well: ${use(rated)}${note}.` };
}
