// What happened between two looks at Stats.
import type { History, Stages, StreamRow } from "./types";

export interface StreamRate {
  rowsPerSecond: number;
  // Shares of the time between the looks; what is in neither is neither wait (the client computes, the stream is idle).
  server: number;
  client: number;
}

function share(after: number, before: number, seconds: number): number {
  return seconds > 0 ? Math.min(1, Math.max(0, (after - before) / seconds)) : 0;
}

// Without an earlier look at the stream: since it began.
export function streamRate(now: StreamRow, before: StreamRow | undefined, seconds: number): StreamRate {
  const from = before ?? { rows: 0, wait_for_server_s: 0, wait_for_client_s: 0 };
  const time = before ? seconds : now.seconds;
  const server = share(now.wait_for_server_s, from.wait_for_server_s, time);
  return {
    rowsPerSecond: time > 0 ? Math.max(0, now.rows - from.rows) / time : 0,
    server,
    client: Math.min(1 - server, share(now.wait_for_client_s, from.wait_for_client_s, time)),
  };
}

export function rate(now: number | undefined, before: number | undefined, seconds: number): number {
  if (now === undefined || before === undefined || seconds <= 0) return 0;
  return Math.max(0, now - before) / seconds;
}

export interface StageShare {
  name: keyof Stages;
  seconds: number;
  share: number;
}

const STAGES: (keyof Stages)[] = ["store", "transform", "encode"];

// How the workers' time divides; the two waits are of connections and are not part of it.
export function stageShares(now: Stages, before: Stages | undefined): StageShare[] {
  const spent = STAGES.map((name) => ({ name, seconds: Math.max(0, now[name] - (before?.[name] ?? 0)) }));
  const total = spent.reduce((sum, stage) => sum + stage.seconds, 0);
  return spent.map((stage) => ({ ...stage, share: total > 0 ? stage.seconds / total : 0 }));
}

// Rows a second in each minute: x in seconds (unix), the last one being the minute that goes on.
export function historyRates(history: History, nowUnixS: number): { x: number[]; y: number[] } {
  const number = history.rows.length;
  const last = Math.floor(nowUnixS / history.step_s) * history.step_s;
  const x = history.rows.map((_, index) => last - (number - 1 - index) * history.step_s);
  const y = history.rows.map((rows, index) => {
    const going = index === number - 1;
    const seconds = going ? Math.max(1, nowUnixS - last) : history.step_s;
    return rows / Math.min(seconds, history.step_s);
  });
  return { x, y };
}
