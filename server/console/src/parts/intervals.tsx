// Values with their 95 % intervals on one axis, against 0 (the identity) and a stored view.
import type { Interval } from "../lib/cards";
import { decimal } from "../lib/format";

interface PlotProps {
  interval: Interval;
  axis: [number, number];
  view?: number | null;
  muted?: boolean;
}

const WIDTH = 320;
const HEIGHT = 26;

export function IntervalPlot({ interval, axis, view = null, muted }: PlotProps) {
  const [low, high] = axis;
  const x = (value: number) => ((Math.min(Math.max(value, low), high) - low) / (high - low)) * (WIDTH - 16) + 8;
  const middle = HEIGHT / 2;
  const outside = interval.value < low;
  const text = `${interval.label}: G ${decimal(interval.value)}, 95 % interval ${decimal(interval.low)} to ${decimal(interval.high)}`;
  const compared = view === null ? text : `${text}; nearest stored view ${decimal(view)}`;
  return (
    <svg class={muted ? "interval muted" : "interval"} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={compared}>
      <title>{compared}</title>
      <line class="rail" x1={8} x2={WIDTH - 8} y1={middle} y2={middle} />
      <line class="zero" x1={x(0)} x2={x(0)} y1={0} y2={HEIGHT} />
      {!outside && (
        <>
          <line class="range" x1={x(interval.low)} x2={x(interval.high)} y1={middle} y2={middle} />
          <line class="range" x1={x(interval.low)} x2={x(interval.low)} y1={middle - 5} y2={middle + 5} />
          <line class="range" x1={x(interval.high)} x2={x(interval.high)} y1={middle - 5} y2={middle + 5} />
          <line class="value" x1={x(interval.value)} x2={x(interval.value)} y1={middle - 7} y2={middle + 7} />
        </>
      )}
      {outside && <path class="off" d={`M16 ${middle - 6} L8 ${middle} L16 ${middle + 6}`} />}
      {view !== null && <line class="view" x1={x(view)} x2={x(view)} y1={2} y2={HEIGHT - 2} />}
    </svg>
  );
}

export function IntervalAxis({ axis }: { axis: [number, number] }) {
  const step = axis[1] - axis[0] > 1.2 ? 0.5 : axis[1] - axis[0] > 0.45 ? 0.2 : axis[1] - axis[0] > 0.2 ? 0.1 : 0.05;
  const ticks: number[] = [];
  for (let tick = Math.ceil(axis[0] / step); tick * step <= axis[1]; ++tick) ticks.push(tick * step);
  return (
    <div class="axis" aria-hidden="true">
      {ticks.map((tick) => (
        <span key={tick} style={{ left: `calc(${(((tick - axis[0]) / (axis[1] - axis[0])) * 95 + 2.5).toFixed(2)}%)` }}>
          {decimal(tick, step < 0.1 ? 2 : 1)}
        </span>
      ))}
    </div>
  );
}

export function IntervalLegend({ view }: { view: boolean }) {
  return (
    <p class="legend">
      <span class="legend-item">
        <span class="key key-value" /> G with its 95 % interval
      </span>
      <span class="legend-item">
        <span class="key key-zero" /> identity (0: z as it is)
      </span>
      {view && (
        <span class="legend-item">
          <span class="key key-view" /> nearest stored view
        </span>
      )}
    </p>
  );
}
