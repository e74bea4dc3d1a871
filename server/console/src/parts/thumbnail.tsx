// The image of a sample. It is fetched with the key, a few at a time, and kept while the page has room for it.
import { useEffect, useState } from "preact/hooks";
import { fetchImage, session } from "../lib/api";

const MOST_AT_ONCE = 6;
const KEPT = 400;
const urls = new Map<string, string>(); // "": the image is not there
const waiting: (() => Promise<void>)[] = [];
let running = 0;

function next(): void {
  while (running < MOST_AT_ONCE && waiting.length > 0) {
    const job = waiting.shift() as () => Promise<void>;
    ++running;
    void job().finally(() => {
      --running;
      next();
    });
  }
}

function keep(name: string, url: string): void {
  urls.set(name, url);
  if (urls.size <= KEPT) return;
  const [oldest, old] = urls.entries().next().value as [string, string];
  urls.delete(oldest);
  if (old !== "") URL.revokeObjectURL(old);
}

function load(collection: string, sample: number, done: (url: string) => void): () => void {
  let wanted = true;
  waiting.push(async () => {
    if (!wanted) return;
    try {
      const blob = await fetchImage(collection, sample);
      const url = blob ? URL.createObjectURL(blob) : "";
      keep(`${collection} ${sample}`, url);
      if (wanted) done(url);
    } catch {
      // The banner says that the server is gone; the image is asked for when the page is shown again.
    }
  });
  next();
  return () => {
    wanted = false;
  };
}

export function Thumbnail({ collection, sample, label }: { collection: string; sample: number; label: string }) {
  const known = urls.get(`${collection} ${sample}`);
  const [url, setUrl] = useState(known);
  const images = session.value?.images ?? false;
  useEffect(() => {
    setUrl(known);
    if (!images || known !== undefined) return;
    return load(collection, sample, setUrl);
  }, [collection, sample, images]);
  if (!images) return null;
  return <span class="thumbnail">{url ? <img src={url} alt={label} /> : url === "" && <span class="no-image">no image</span>}</span>;
}
