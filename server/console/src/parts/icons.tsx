// Pictures of the pages, drawn as one path each.
const PATHS: Record<string, string> = {
  brand: "M4 15 9 5M9 5l7 4M3 16.5a1.5 1.5 0 1 0 .01 0M9 3.5a1.5 1.5 0 1 0 .01 0M16.5 8a1.5 1.5 0 1 0 .01 0M15.5 14.5a1 1 0 1 0 .01 0",
  overview: "M3 13a7 7 0 0 1 14 0M10 13l3.5-4.5M3 16h14",
  collections: "M3 4h14v4H3zM3 12h14v4H3zM6 6h.01M6 14h.01",
  transforms: "M4 15c0-6 12-4 12-10M13 7l3-2.5L17 8M4 15.5a1 1 0 1 0 .01 0",
  streams: "M3 6h9M15 6h2M3 10h4M10 10h7M3 14h11M17 14h.01",
  heads: "M4 5h.01M4 10h.01M4 15h.01M6 5l8 5M6 10h8M6 15l8-5M16 10h.01",
  explore: "M3 17V3M3 17h14M7 12h.01M9 8h.01M12 11h.01M14 6h.01M15 13h.01M11 14h.01",
  admin: "M8 7a3.2 3.2 0 1 0 .01 0M10.5 11 16 16.5M14 14.5l1.8-1.8",
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}
