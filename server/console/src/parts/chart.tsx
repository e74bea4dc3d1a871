// A line over time, drawn by uPlot.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { short } from "../lib/format";
import { look } from "./look";

interface ChartProps {
  x: number[];
  y: number[];
  unit: string;
  label: string; // what a screen reader says
  height: number;
}

function options(width: number, height: number, unit: string): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false }, grid: { stroke: colour("--line"), width: 1 } };
  return {
    width,
    height,
    padding: [12, 12, 0, 0],
    cursor: { y: false, drag: { setScale: false } },
    legend: { show: false },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(1, high * 1.1)] } },
    axes: [
      { ...axis, grid: { show: false }, space: 70, size: 30, values: (_plot, ticks) => ticks.map((tick) => new Date(1000 * tick).toTimeString().slice(0, 5)) },
      { ...axis, size: 64, values: (_plot, ticks) => ticks.map((tick) => short(tick)) },
    ],
    series: [{}, { label: unit, stroke: colour("--accent"), width: 2, fill: colour("--accent-soft"), points: { show: false } }],
  };
}

export function Chart({ x, y, unit, label, height }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const value = useRef<HTMLParagraphElement>(null);
  const theme = look.value;

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const read = (made: uPlot) => {
      const index = made.cursor.idx;
      const at = index == null ? undefined : made.data[0][index];
      const rows = index == null ? undefined : made.data[1]?.[index];
      if (!value.current) return;
      value.current.textContent = at === undefined || rows == null ? "" : `${new Date(1000 * at).toTimeString().slice(0, 5)}: ${short(rows)} ${unit}`;
    };
    const made = new uPlot({ ...options(element.clientWidth, height, unit), hooks: { setCursor: [read] } }, [x, y], element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [theme, height, unit]);

  useEffect(() => {
    plot.current?.setData([x, y]);
  }, [x, y]);

  return (
    <div class="chart">
      <p class="chart-value" ref={value} aria-hidden="true" />
      <div ref={place} role="img" aria-label={label} />
    </div>
  );
}
