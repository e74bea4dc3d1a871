// What a transform's card says about its worth.
import { decimal } from "./format";
import type { Card, CardEntry, TransformRecord } from "./types";

export interface Interval {
  label: string;
  value: number;
  low: number;
  high: number;
}

// The first entry decides: docs/decisions/0022-an-alias-is-a-promise.md.
export function decisive(card: Card | undefined): CardEntry | null {
  return card?.entries?.[0] ?? null;
}

// Why no alias would take the version, or "" if one would. The server has the last word.
export function refusal(record: TransformRecord): string {
  const entry = decisive(record.card);
  if (!entry) return "it has no card: G was never measured";
  if (entry.r2_low > 0) return "";
  return `the 95 % interval of G, ${decimal(entry.r2_low)} to ${decimal(entry.r2_high)}, is not above 0`;
}

export function measure(card: Card | undefined, name: string): number | null {
  return card?.measures?.find((one) => one.name === name)?.value ?? null;
}

const OF_A_VIEW = /^view_r2(?:\((.*)\))?$/;

// The greatest G of a stored view, where the card measures one.
export function storedView(card: Card | undefined): { law: string; r2: number } | null {
  let best: { law: string; r2: number } | null = null;
  for (const { name, value } of card?.measures ?? []) {
    const match = OF_A_VIEW.exec(name);
    if (match && (best === null || value > best.r2)) best = { law: match[1] ?? "", r2: value };
  }
  return best;
}

const MEANINGS: [RegExp, string][] = [
  [/^us_per_row$/, "Microseconds to transform one row on one core"],
  [/^int8_loss$/, "How much G falls when the transform is computed in int8"],
  [/^f16_loss$/, "How much G falls when rows are stored and sent in f16"],
  [/^u8_loss$/, "How much G falls when rows are stored and sent in u8"],
  [/^inverse_r2$/, "G of the transform followed by its inverse, against z: 1 means that the way back is exact"],
  [/^chain_r2/, "G of the transform followed by another, against the image after both ops"],
  [/^second_r2/, "G of the other transform alone, on the same pairs"],
  [OF_A_VIEW, "G of the nearest stored view against the image after the op: what a transform has to beat"],
];

export function measureMeaning(name: string): string {
  return MEANINGS.find(([pattern]) => pattern.test(name))?.[1] ?? "A measure that the card names";
}

// The axis of an interval plot: 0 is always on it, 1 where something is near.
export function axisOf(intervals: Interval[], more: number[] = []): [number, number] {
  const values = [...intervals.flatMap((one) => [one.low, one.high, one.value]), ...more].filter(Number.isFinite);
  const low = Math.min(0, ...values);
  const high = Math.max(0.1, ...values);
  // One very bad family must not squeeze the others: below -1 the plot ends and an arrow says so.
  return [Math.max(-1, low - 0.03), Math.min(1, high + 0.05)];
}
