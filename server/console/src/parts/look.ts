// The look that the system asks for. Canvases are drawn again when it changes.
import { signal } from "@preact/signals";

const QUERIES = ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)", "(prefers-reduced-motion: reduce)"];
const media = typeof window === "undefined" ? [] : QUERIES.map((query) => window.matchMedia(query));

function read(): string {
  return media.map((one) => (one.matches ? "1" : "0")).join("");
}

export const look = signal(read());
for (const one of media) one.addEventListener("change", () => (look.value = read()));

export function isDark(): boolean {
  return look.value[0] === "1";
}
