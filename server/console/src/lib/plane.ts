// The plane of a scatter plot: which part of it is seen, what is near the pointer, what a lasso holds.
import type { Point } from "./types";

// Pixels = (value - centre) * scale + half of the size; y points up in the plane and down on the screen.
export interface Camera {
  x: number;
  y: number;
  scale: number;
}

export interface Size {
  width: number;
  height: number;
}

export function fit(points: Point[], size: Size): Camera {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    low = Math.min(low, y);
    high = Math.max(high, y);
  }
  if (!Number.isFinite(left)) return { x: 0, y: 0, scale: 1 };
  const scale = 0.9 * Math.min(size.width / Math.max(right - left, 1e-9), size.height / Math.max(high - low, 1e-9));
  return { x: (left + right) / 2, y: (low + high) / 2, scale };
}

export function toScreen(point: Point, camera: Camera, size: Size): Point {
  return [(point[0] - camera.x) * camera.scale + size.width / 2, size.height / 2 - (point[1] - camera.y) * camera.scale];
}

export function toPlane(point: Point, camera: Camera, size: Size): Point {
  return [(point[0] - size.width / 2) / camera.scale + camera.x, (size.height / 2 - point[1]) / camera.scale + camera.y];
}

// Zooms so that what is under `at` stays there.
export function zoom(camera: Camera, factor: number, at: Point, size: Size): Camera {
  const [x, y] = toPlane(at, camera, size);
  const scale = camera.scale * factor;
  return { scale, x: x - (at[0] - size.width / 2) / scale, y: y - (size.height / 2 - at[1]) / scale };
}

// The index of the point nearest to `at` within `reach` pixels, or -1.
export function nearest(points: Point[], at: Point, camera: Camera, size: Size, reach: number): number {
  const [x, y] = toPlane(at, camera, size);
  let best = (reach / camera.scale) ** 2;
  let index = -1;
  points.forEach((point, i) => {
    const distance = (point[0] - x) ** 2 + (point[1] - y) ** 2;
    if (distance < best) {
      best = distance;
      index = i;
    }
  });
  return index;
}

// The next point from `from` in the direction (dx, dy), for the keyboard; the current one if there is none.
export function towards(points: Point[], from: number, dx: number, dy: number): number {
  const start = points[from];
  if (!start) return points.length > 0 ? 0 : -1;
  let best = Infinity;
  let index = from;
  points.forEach((point, i) => {
    const along = (point[0] - start[0]) * dx + (point[1] - start[1]) * dy;
    const across = Math.abs((point[0] - start[0]) * dy) + Math.abs((point[1] - start[1]) * dx);
    if (i === from || along <= 0 || across > 2 * along) return;
    if (along + across < best) {
      best = along + across;
      index = i;
    }
  });
  return index;
}

// By the number of edges that a ray to the right crosses.
export function inside(point: Point, polygon: Point[]): boolean {
  let odd = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [ax, ay] = polygon[i] as Point;
    const [bx, by] = polygon[j] as Point;
    if (ay > point[1] !== by > point[1] && point[0] < ((bx - ax) * (point[1] - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

export function lassoed(points: Point[], polygon: Point[]): number[] {
  if (polygon.length < 3) return [];
  return points.flatMap((point, i) => (inside(point, polygon) ? [i] : []));
}
