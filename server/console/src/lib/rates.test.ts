import { describe, expect, it } from "vitest";
import { historyRates, stageShares, streamRate } from "./rates";
import type { StreamRow } from "./types";

const STREAM = { rows: 1000, seconds: 10, wait_for_server_s: 4, wait_for_client_s: 5 } as StreamRow;

describe("rates", () => {
  it("takes a stream since it began, then between two looks", () => {
    expect(streamRate(STREAM, undefined, 2)).toEqual({ rowsPerSecond: 100, server: 0.4, client: 0.5 });
    const later = { ...STREAM, rows: 3000, seconds: 12, wait_for_server_s: 5, wait_for_client_s: 5.5 };
    expect(streamRate(later, STREAM, 2)).toEqual({ rowsPerSecond: 1000, server: 0.5, client: 0.25 });
  });
  it("never shows more than the whole time", () => {
    const later = { ...STREAM, wait_for_server_s: 5.5, wait_for_client_s: 6.5 };
    expect(streamRate(later, STREAM, 2)).toMatchObject({ server: 0.75, client: 0.25 });
  });
  it("divides the workers' time by stage", () => {
    const stages = { store: 1, transform: 3, encode: 0, wait_for_server: 9, wait_for_client: 9 };
    expect(stageShares(stages, undefined).map((stage) => stage.share)).toEqual([0.25, 0.75, 0]);
    expect(stageShares(stages, stages).map((stage) => stage.share)).toEqual([0, 0, 0]);
  });
  it("takes the minute that goes on by the seconds that it has had", () => {
    const history = { step_s: 60, rows: [600, 300], batches: [], requests: [], wait_for_server_s: [], wait_for_client_s: [] };
    expect(historyRates(history, 600 + 30)).toEqual({ x: [540, 600], y: [10, 10] });
  });
});
