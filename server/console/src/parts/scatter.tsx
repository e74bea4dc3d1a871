// A scatter plot that is moved, zoomed and searched by pointer and keyboard.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { fit, lassoed, nearest, toPlane, toScreen, towards, zoom, type Camera, type Size } from "../lib/plane";
import { arrowsOf, buildScene, visiblePoints } from "../lib/scene";
import type { Point, Projection } from "../lib/types";
import { isDark, look } from "./look";
import { flatRenderer } from "./scatter_2d";
import { glRenderer, type Renderer } from "./scatter_gl";
import { drawOverlay } from "./scatter_overlay";

export interface ScatterProps {
  projection: Projection;
  hidden: ReadonlySet<number>;
  chosen: number[];
  lasso: boolean; // whether dragging draws a lasso
  hovered: number;
  onHover: (index: number, at: Point) => void;
  onChoose: (indices: number[]) => void;
  label: string;
}

const REACH = 14;
const HEIGHT = 520;

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The drawing: a renderer for the points, made anew when WebGL's context is lost.
function useDrawing(props: ScatterProps, camera: Camera | null, size: Size, path: Point[]) {
  const points = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<HTMLCanvasElement>(null);
  const renderer = useRef<Renderer | null>(null);
  const [flat, setFlat] = useState(false);
  const theme = look.value;
  const { projection, hidden } = props;
  const arrows = useMemo(() => arrowsOf(projection), [projection]);
  const shown = useMemo(() => visiblePoints(projection, hidden), [projection, hidden]);
  const scene = useMemo(() => buildScene(projection, shown, arrows, { dark: isDark(), transform: colour("--arrow-transform"), view: colour("--arrow-view") }), [shown, arrows, theme]);
  const ratio = Math.min(2, window.devicePixelRatio || 1);

  useEffect(() => {
    const canvas = points.current;
    if (!canvas) return;
    renderer.current = flat ? flatRenderer(canvas) : glRenderer(canvas);
    if (!renderer.current && !flat) setFlat(true); // on a new canvas, as one that WebGL was tried on may take no 2D context
    const onLost = () => setFlat(true);
    canvas.addEventListener("webglcontextlost", onLost);
    return () => {
      canvas.removeEventListener("webglcontextlost", onLost);
      renderer.current?.dispose();
    };
  }, [flat]);

  useEffect(() => {
    if (!camera) return;
    const frame = requestAnimationFrame(() => renderer.current?.draw(scene, camera, size, ratio));
    return () => cancelAnimationFrame(frame);
  }, [scene, camera, size, flat]);

  useEffect(() => {
    if (!camera || !overlay.current) return;
    const own = arrows.filter((arrow) => arrow.from === props.hovered);
    const inks = { ink: colour("--text"), transform: colour("--arrow-transform"), view: colour("--arrow-view") };
    drawOverlay(overlay.current, { points: projection.points, hovered: props.hovered, chosen: props.chosen, lasso: path, arrows: own, ...inks }, camera, size, ratio);
  }, [scene, camera, size, props.hovered, props.chosen, path]);

  return { points, overlay, shown, flat, ratio };
}

function useSize(): [{ current: HTMLDivElement | null }, Size] {
  const frame = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState<Size>({ width: 0, height: HEIGHT });
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [frame, size];
}

const STEPS: Record<string, Point> = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

interface View {
  camera: Camera | null;
  setCamera: (camera: Camera) => void;
  size: Size;
  shown: number[]; // hidden classes are neither found nor lassoed
  setPath: (path: (old: Point[]) => Point[]) => void;
  path: Point[];
}

function pointOf(event: MouseEvent): Point {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

// Dragging moves the plane or draws a lasso, hovering finds a point, Ctrl and the wheel zoom.
function usePointer({ projection, lasso, onHover, onChoose }: ScatterProps, { camera, setCamera, size, shown, setPath, path }: View) {
  const drag = useRef<{ at: Point; lasso: boolean } | null>(null);
  const plane = useMemo(() => shown.map((index) => projection.points[index] as Point), [shown, projection]);
  const onPointerDown = (event: PointerEvent) => {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    drag.current = { at: pointOf(event), lasso: lasso || event.shiftKey };
    if (drag.current.lasso) setPath(() => [pointOf(event)]);
  };
  const onPointerMove = (event: PointerEvent) => {
    const here = pointOf(event);
    if (!camera) return;
    if (drag.current?.lasso) {
      setPath((old) => [...old, here]);
    } else if (drag.current) {
      const [x, y] = drag.current.at;
      setCamera({ ...camera, x: camera.x - (here[0] - x) / camera.scale, y: camera.y + (here[1] - y) / camera.scale });
      drag.current.at = here;
    } else {
      onHover(shown[nearest(plane, here, camera, size, REACH)] ?? -1, here);
    }
  };
  const onPointerUp = () => {
    if (drag.current?.lasso && camera) {
      const polygon = path.map((point) => toPlane(point, camera, size));
      onChoose(lassoed(plane, polygon).map((index) => shown[index] as number));
      setPath(() => []);
    }
    drag.current = null;
  };
  const onPointerLeave = () => drag.current === null && onHover(-1, [0, 0]);
  const onWheel = (event: WheelEvent) => {
    if (!camera || !(event.ctrlKey || event.metaKey)) return; // else the page scrolls
    event.preventDefault();
    setCamera(zoom(camera, Math.exp(-event.deltaY / 300), pointOf(event), size));
  };
  return { onPointerDown, onPointerMove, onPointerUp, onPointerLeave, onWheel };
}

// Arrows go to the next point in their direction, Enter chooses it or gives it up.
function onKey(event: KeyboardEvent, { projection, hovered, chosen, onHover, onChoose }: ScatterProps, { camera, size, shown }: View): void {
  const step = STEPS[event.key];
  if (!camera) return;
  if (step) {
    const plane = shown.map((index) => projection.points[index] as Point);
    const next = shown[towards(plane, shown.indexOf(hovered), step[0], step[1])] ?? -1;
    onHover(next, next < 0 ? [0, 0] : toScreen(projection.points[next] as Point, camera, size));
    event.preventDefault();
  } else if (event.key === "Enter" && hovered >= 0) {
    onChoose(chosen.includes(hovered) ? chosen.filter((index) => index !== hovered) : [...chosen, hovered]);
  } else if (event.key === "Escape") {
    onHover(-1, [0, 0]);
  }
}

export function Scatter(props: ScatterProps) {
  const { projection } = props;
  const [frame, size] = useSize();
  const [moved, setMoved] = useState<{ of: Projection; camera: Camera } | null>(null);
  const [path, setPath] = useState<Point[]>([]);
  const fitted = useMemo(() => (size.width > 0 ? fit(projection.points, size) : null), [projection, size]);
  const camera = moved?.of === projection ? moved.camera : fitted;
  const { points, overlay, shown, flat, ratio } = useDrawing(props, camera, size, path);
  const view: View = { camera, setCamera: (next) => setMoved({ of: projection, camera: next }), size, shown, setPath, path };
  const pointer = usePointer(props, view);
  const nearer = (factor: number) => camera && view.setCamera(zoom(camera, factor, [size.width / 2, size.height / 2], size));
  const pixels = { width: size.width * ratio, height: size.height * ratio };
  return (
    <div class="scatter">
      <div ref={frame} class="scatter-frame" data-renderer={flat ? "canvas" : "webgl2"}>
        <canvas key={flat ? "flat" : "gl"} ref={points} {...pixels} aria-hidden="true" />
        <canvas
          ref={overlay}
          class={props.lasso ? "lassoing" : undefined}
          {...pixels}
          tabIndex={0}
          role="img"
          aria-label={props.label}
          {...pointer}
          onKeyDown={(event) => onKey(event, props, view)}
        />
      </div>
      <div class="scatter-tools" role="group" aria-label="View of the plot">
        <button class="button small" onClick={() => nearer(1.4)}>
          Zoom in
        </button>
        <button class="button small" onClick={() => nearer(1 / 1.4)}>
          Zoom out
        </button>
        <button class="button small" onClick={() => setMoved(null)}>
          Show all
        </button>
      </div>
    </div>
  );
}
