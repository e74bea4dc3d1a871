// The same points and lines where there is no WebGL2: in some virtual machines and remote desktops.
import { toScreen } from "../lib/plane";
import type { Renderer } from "./scatter_gl";

function css(values: Float32Array, at: number): string {
  const channel = (offset: number) => Math.round(255 * (values[at + offset] ?? 0));
  return `rgb(${channel(0)},${channel(1)},${channel(2)})`;
}

export function flatRenderer(canvas: HTMLCanvasElement): Renderer | null {
  const context = canvas.getContext("2d");
  if (!context) return null;
  return {
    draw(scene, camera, size, ratio) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, size.width, size.height);
      const screen = (values: Float32Array, at: number) => toScreen([values[at] ?? 0, values[at + 1] ?? 0], camera, size);
      context.globalAlpha = 0.3;
      for (let i = 0; i < scene.lines.length; i += 4) {
        context.strokeStyle = css(scene.lineColours, (i / 4) * 6);
        context.beginPath();
        context.moveTo(...screen(scene.lines, i));
        context.lineTo(...screen(scene.lines, i + 2));
        context.stroke();
      }
      context.globalAlpha = 0.85;
      for (let i = 0; i < scene.points.length / 2; ++i) {
        context.fillStyle = css(scene.colours, 3 * i);
        context.beginPath();
        context.arc(...screen(scene.points, 2 * i), 3.5, 0, 2 * Math.PI);
        context.fill();
      }
      context.globalAlpha = 1;
    },
    dispose() {},
  };
}
