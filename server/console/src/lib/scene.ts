// What a scatter plot draws, as arrays that both renderers read.
import { classColour, rgb } from "./colours";
import type { Point, Projection } from "./types";

export interface Scene {
  points: Float32Array; // x, y of each
  colours: Float32Array; // r, g, b of each
  lines: Float32Array; // x, y of the beginning and of the end of each
  lineColours: Float32Array; // r, g, b of each end
}

export interface Arrow {
  from: number; // index of the point
  to: Point;
  name: string;
  stored: boolean; // to a stored view, not to Ω(z)
}

export function arrowsOf(projection: Projection): Arrow[] {
  const arrows: Arrow[] = [];
  for (const { chain, points } of projection.moved) {
    points.forEach((to, from) => arrows.push({ from, to, name: chain, stored: false }));
  }
  for (const { law, points } of projection.views) {
    points.forEach((to, from) => to && arrows.push({ from, to, name: law, stored: true }));
  }
  return arrows;
}

export function visiblePoints(projection: Projection, hidden: ReadonlySet<number>): number[] {
  return projection.labels.flatMap((label, index) => (hidden.has(label) ? [] : [index]));
}

export interface Ink {
  dark: boolean;
  transform: string; // "#rrggbb" of arrows to Ω(z)
  view: string; // of arrows to stored views
}

export function buildScene(projection: Projection, shown: number[], arrows: Arrow[], ink: Ink): Scene {
  const seen = new Set(shown);
  const drawn = arrows.filter((arrow) => seen.has(arrow.from));
  const scene: Scene = {
    points: new Float32Array(2 * shown.length),
    colours: new Float32Array(3 * shown.length),
    lines: new Float32Array(4 * drawn.length),
    lineColours: new Float32Array(6 * drawn.length),
  };
  const classes = projection.classes.length;
  const palette = new Map<number, [number, number, number]>();
  shown.forEach((index, at) => {
    const label = projection.labels[index] ?? -1;
    const colour = palette.get(label) ?? rgb(classColour(label, classes, ink.dark));
    palette.set(label, colour);
    scene.points.set(projection.points[index] ?? [0, 0], 2 * at);
    scene.colours.set(colour, 3 * at);
  });
  const [transform, view] = [rgb(ink.transform), rgb(ink.view)];
  drawn.forEach((arrow, at) => {
    const colour = arrow.stored ? view : transform;
    scene.lines.set([...(projection.points[arrow.from] ?? [0, 0]), ...arrow.to], 4 * at);
    scene.lineColours.set([...colour, ...colour], 6 * at);
  });
  return scene;
}
