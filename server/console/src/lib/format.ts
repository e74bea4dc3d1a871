// Numbers, sizes and times as people read them.

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

export function count(value: number): string {
  return GROUPED.format(value);
}

export function short(value: number): string {
  return Math.abs(value) < 10_000 ? GROUPED.format(value) : SHORT.format(value);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

// In powers of 1000, as disks are sold and as `augstore stats` counts.
export function bytes(value: number): string {
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    ++unit;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${BYTE_UNITS[unit]}`;
}

export function percent(share: number, digits = 0): string {
  return `${(100 * share).toFixed(digits)} %`;
}

// A G, a loss or an R²: the sign is a minus, so that columns of numbers line up.
export function decimal(value: number, digits = 3): string {
  return (value < 0 ? "−" : "") + Math.abs(value).toFixed(digits);
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.round(seconds / 86400)} days`;
}

export function date(unixSeconds: number): string {
  if (!unixSeconds) return "–";
  const text = new Date(1000 * unixSeconds).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 16)} UTC`;
}

export function plural(number: number, one: string, many = `${one}s`): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

// Bytes of one stored row: schemas/weights/dtype.h.
export function rowBytes(dtype: string, dim: number): number {
  if (dtype === "f16") return 2 * dim;
  if (dtype === "u8") return 8 + dim;
  return 4 * dim;
}
