import { describe, expect, it } from "vitest";
import { fit, inside, lassoed, nearest, toPlane, toScreen, towards, zoom } from "./plane";
import type { Point } from "./types";

const SIZE = { width: 200, height: 100 };
const POINTS: Point[] = [[0, 0], [1, 0], [0, 1], [1, 1]];

describe("plane", () => {
  it("fits all points and goes to the screen and back", () => {
    const camera = fit(POINTS, SIZE);
    for (const point of POINTS) {
      const [x, y] = toScreen(point, camera, SIZE);
      expect(x >= 0 && x <= 200 && y >= 0 && y <= 100).toBe(true);
      const back = toPlane([x, y], camera, SIZE);
      expect(back[0]).toBeCloseTo(point[0]);
      expect(back[1]).toBeCloseTo(point[1]);
    }
    expect(fit([], SIZE).scale).toBe(1);
  });
  it("zooms about the pointer", () => {
    const camera = fit(POINTS, SIZE);
    const at: Point = [30, 20];
    const before = toPlane(at, camera, SIZE);
    const after = toPlane(at, zoom(camera, 3, at, SIZE), SIZE);
    expect(after[0]).toBeCloseTo(before[0]);
    expect(after[1]).toBeCloseTo(before[1]);
  });
  it("finds what is near, and nothing where nothing is", () => {
    const camera = fit(POINTS, SIZE);
    expect(nearest(POINTS, toScreen([1, 1], camera, SIZE), camera, SIZE, 8)).toBe(3);
    expect(nearest(POINTS, toScreen([0.5, 0.5], camera, SIZE), camera, SIZE, 8)).toBe(-1);
  });
  it("goes from point to point by the keyboard", () => {
    expect(towards(POINTS, 0, 1, 0)).toBe(1);
    expect(towards(POINTS, 0, 0, 1)).toBe(2);
    expect(towards(POINTS, 0, -1, 0)).toBe(0);
    expect(towards(POINTS, -1, 1, 0)).toBe(0);
  });
  it("holds what a lasso goes round", () => {
    const lasso: Point[] = [[-0.5, -0.5], [1.5, -0.5], [1.5, 0.5], [-0.5, 0.5]];
    expect(lassoed(POINTS, lasso)).toEqual([0, 1]);
    expect(lassoed(POINTS, lasso.slice(0, 2))).toEqual([]);
    expect(inside([5, 5], lasso)).toBe(false);
  });
});
