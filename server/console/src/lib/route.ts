// The whole state of a page is in the fragment of its URL: #/collections/photos@3?other=photos@2. A fragment needs no
// support by the server, so the console works below any path.
import { signal } from "@preact/signals";

export interface Route {
  path: string[];
  query: Record<string, string>;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a name with a bare % that was typed by hand
  }
}

// Characters that are legible and harmless in a fragment stay.
function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(40|3A|2C|3E|7E|28|29|2F)/g, (escaped) => decodeURIComponent(escaped));
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#?\/?/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  const query: Record<string, string> = {};
  for (const part of mark < 0 ? [] : text.slice(mark + 1).split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals < 0) query[decode(part)] = "";
    else query[decode(part.slice(0, equals))] = decode(part.slice(equals + 1));
  }
  return { path: path.split("/").filter(Boolean).map(decode), query };
}

export function href(path: string[], query: Record<string, string | number | undefined> = {}): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) => `${encode(name)}=${encode(String(value))}`);
  const steps = path.map((step) => encode(step).replace(/\//g, "%2F"));
  return `#/${steps.join("/")}${parts.length > 0 ? `?${parts.join("&")}` : ""}`;
}

export const route = signal<Route>(parseRoute(typeof location === "undefined" ? "" : location.hash));

export function followHash(): void {
  window.addEventListener("hashchange", () => {
    route.value = parseRoute(location.hash);
  });
}

export function go(path: string[], query: Record<string, string | number | undefined> = {}): void {
  location.hash = href(path, query);
}

// Changes some fields of the query without a new entry in the browser's history.
export function setQuery(changes: Record<string, string | number | undefined>): void {
  const next = href(route.value.path, { ...route.value.query, ...changes });
  history.replaceState(null, "", next);
  route.value = parseRoute(next);
}
