// Bars of shares, each with its text.
import { percent } from "../lib/format";

export interface Part {
  name: string;
  share: number;
  tone: string;
}

export function ShareBar({ parts, label }: { parts: Part[]; label: string }) {
  const text = `${label}: ${parts.map((part) => `${part.name} ${percent(part.share)}`).join(", ")}`;
  return (
    <div class="sharebar" role="img" aria-label={text} title={text}>
      {parts.map((part) => (
        <span key={part.name} class={`tone-${part.tone}`} style={{ width: `${(100 * part.share).toFixed(2)}%` }} />
      ))}
    </div>
  );
}

export function ShareLegend({ parts }: { parts: { name: string; tone: string; text?: string }[] }) {
  return (
    <p class="legend">
      {parts.map((part) => (
        <span key={part.name} class="legend-item">
          <span class={`swatch tone-${part.tone}`} /> {part.name}
          {part.text && <strong> {part.text}</strong>}
        </span>
      ))}
    </p>
  );
}

export function Progress({ done, total, label }: { done: number; total: number; label: string }) {
  return (
    <div class="progress">
      <progress value={total > 0 ? done : undefined} max={total > 0 ? total : undefined} aria-label={label} />
      <span>{total > 0 ? percent(Math.min(1, done / total)) : "beginning"}</span>
    </div>
  );
}
