import { describe, expect, it } from "vitest";
import { axisOf, refusal, storedView } from "./cards";
import { classColour, rgb } from "./colours";
import { lineageGraph, parsePolicy, shares } from "./lineage";
import type { Card, HeadRecord, TransformRecord } from "./types";

function transform(low: number, high: number): TransformRecord {
  return { card: { entries: [{ r2: (low + high) / 2, r2_low: low, r2_high: high }] } } as unknown as TransformRecord;
}

describe("cards", () => {
  it("refuses what does not measurably help", () => {
    expect(refusal(transform(0.2, 0.3))).toBe("");
    expect(refusal(transform(-0.01, 0.03))).toBe("the 95 % interval of G, −0.010 to 0.030, is not above 0");
    expect(refusal({} as TransformRecord)).toContain("no card");
  });
  it("finds the best stored view", () => {
    const measures = [{ name: "us_per_row", value: 9 }, { name: "view_r2(vflip)", value: 0.4 }, { name: "view_r2(zoom(1.2))", value: 0.6 }];
    expect(storedView({ measures } as Card)).toEqual({ law: "zoom(1.2)", r2: 0.6 });
    expect(storedView(undefined)).toBeNull();
  });
  it("has 0 on the axis, and ends at -1", () => {
    expect(axisOf([{ label: "", value: 0.5, low: 0.4, high: 0.6 }])[0]).toBeLessThanOrEqual(0);
    expect(axisOf([{ label: "", value: -40, low: -50, high: -30 }])[0]).toBe(-1);
  });
});

describe("lineage", () => {
  it("reads policies with commas in ops", () => {
    const chains = parsePolicy("identity:2,geo[translate(1,2)]@1>hflip:1,vflip");
    expect(chains.map((one) => one.chain)).toEqual(["identity", "geo[translate(1,2)]@1>hflip", "vflip"]);
    expect(shares(chains)).toEqual([0.5, 0.25, 0.25]);
  });
  it("goes from the collection over chains to the head, and from its initial head", () => {
    const head = { arch: "linear", lineage: { stream: { collection: "p@1", split: "train", policy: "identity:1,v@1:1" }, init: "h@1" } };
    const graph = lineageGraph("h@2", head as unknown as HeadRecord);
    expect(graph.rows).toBe(3);
    expect(graph.edges).toContainEqual(["init", "head"]);
    expect(graph.nodes.find((node) => node.id === "head")).toMatchObject({ column: 2, row: 1 });
  });
});

describe("colours", () => {
  it("gives ten classes ten colours, and more of them hues", () => {
    const ten = Array.from({ length: 10 }, (_, label) => classColour(label, 10, false));
    expect(new Set(ten).size).toBe(10);
    expect(classColour(3, 100, true)).toMatch(/^hsl/);
  });
  it("reads colours for WebGL", () => {
    expect(rgb("#ff0000")).toEqual([1, 0, 0]);
    expect(rgb("hsl(120 100% 50%)").map((value) => Math.round(value))).toEqual([0, 1, 0]);
  });
});
