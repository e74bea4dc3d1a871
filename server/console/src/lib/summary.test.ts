import { describe, expect, it } from "vitest";
import { rateStreams, slowest, summarise } from "./summary";
import type { Stats, StreamRow } from "./types";

function stream(changes: Partial<StreamRow>): StreamRow {
  const waits = { wait_for_server_s: 1, wait_for_client_s: 8 };
  return { id: "1", who: "key a", peer: "tcp 10.0.0.1:1", collection: "photos@3", rows: 1000, seconds: 10, idle_s: 0, ...waits, ...changes } as StreamRow;
}

function sentence(stats: Partial<Stats>): string {
  const all = { version: "1", store_id: "s", takes_writes: true, collections: 2, ...stats };
  return summarise(all, rateStreams(all, null, 2)).text;
}

describe("summary", () => {
  it("says that nothing is there, or nothing is read", () => {
    expect(sentence({ collections: 0 })).toBe("The server is well, and the store has no collection yet.");
    expect(sentence({ streams: [] })).toBe("The server is well: no client reads a stream now; nothing is slow.");
  });
  it("counts clients, streams and rows", () => {
    const streams = [stream({}), stream({ id: "2" }), stream({ id: "3", peer: "tcp 10.0.0.2:1" }), stream({ id: "4", idle_s: 30 })];
    expect(sentence({ streams })).toBe("The server is well: 2 clients read 3 streams at 300 rows/s; nothing is slow.");
  });
  it("names what is slow", () => {
    const streams = [stream({ wait_for_server_s: 6, wait_for_client_s: 1 }), stream({ id: "2" })];
    expect(sentence({ streams })).toContain("Slow is photos@3 for key a: it waits for the server 60 % of its time.");
    expect(slowest(rateStreams({ streams } as Stats, null, 2))?.stream.id).toBe("1");
  });
  it("says first that the store takes no writes", () => {
    expect(sentence({ takes_writes: false, write_error: "disk full" })).toBe(
      "The store takes no writes: disk full; no client reads a stream now.",
    );
  });
});
