// What moves with the pointer is on a canvas of its own: the lasso, the ring of the point, arrows with heads.
import { toScreen, type Camera, type Size } from "../lib/plane";
import type { Arrow } from "../lib/scene";
import type { Point } from "../lib/types";

export interface Overlay {
  points: Point[];
  hovered: number;
  chosen: number[];
  lasso: Point[]; // in pixels
  arrows: Arrow[]; // of the hovered point
  ink: string;
  transform: string;
  view: string;
}

function arrow(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(...to);
    context.lineTo(to[0] + 9 * Math.cos(angle + turn), to[1] + 9 * Math.sin(angle + turn));
  }
  context.stroke();
}

export function drawOverlay(canvas: HTMLCanvasElement, overlay: Overlay, camera: Camera, size: Size, ratio: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, size.width, size.height);
  const ring = (index: number, radius: number) => {
    const point = overlay.points[index];
    if (!point) return;
    context.beginPath();
    context.arc(...toScreen(point, camera, size), radius, 0, 2 * Math.PI);
    context.stroke();
  };
  context.strokeStyle = overlay.ink;
  context.lineWidth = 1.5;
  for (const index of overlay.chosen) ring(index, 5);
  const start = overlay.points[overlay.hovered];
  if (start) {
    context.lineWidth = 2;
    ring(overlay.hovered, 8);
    for (const one of overlay.arrows) {
      context.strokeStyle = one.stored ? overlay.view : overlay.transform;
      arrow(context, toScreen(start, camera, size), toScreen(one.to, camera, size));
    }
  }
  if (overlay.lasso.length > 1) {
    context.strokeStyle = overlay.ink;
    context.lineWidth = 1.5;
    context.setLineDash([5, 4]);
    context.beginPath();
    overlay.lasso.forEach((point, index) => (index === 0 ? context.moveTo(...point) : context.lineTo(...point)));
    context.closePath();
    context.stroke();
    context.setLineDash([]);
  }
}
