// The sample under the pointer, and those that the lasso holds.
import { useEffect, useState } from "preact/hooks";
import { address } from "../lib/address";
import { call } from "../lib/api";
import { cli, python, pythonClient } from "../lib/commands";
import { count, plural } from "../lib/format";
import type { Point, Projection, SampleChunk } from "../lib/types";
import { CopyButtons, Section } from "../parts/basics";
import { copy } from "../parts/clipboard";
import { Thumbnail } from "../parts/thumbnail";

const PAUSE_MS = 120; // the pointer rests on a point before its key is asked for
const SHOWN = 60;

export function className(projection: Projection, index: number): string {
  const label = projection.labels[index] ?? -1;
  return label < 0 ? "unlabelled" : (projection.classes[label] ?? String(label));
}

function useKey(collection: string, sample: number | undefined): string {
  const [known, setKnown] = useState<{ sample: number; key: string } | null>(null);
  useEffect(() => {
    if (sample === undefined) return;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      call<{ samples: SampleChunk }>("GetSamples", { collection, begin: sample, count: 1 }, abort.signal)
        .then((reply) => setKnown({ sample, key: reply.samples.keys[0] ?? "" }))
        .catch(() => undefined); // the preview goes without
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [collection, sample]);
  return known && known.sample === sample ? known.key : "";
}

export function Preview({ projection, index, at }: { projection: Projection; index: number; at: Point }) {
  const sample = projection.ids[index];
  const key = useKey(projection.collection, sample);
  const name = sample === undefined ? "" : className(projection, index);
  const left = at[0] > 260 ? { right: `calc(100% - ${at[0] - 14}px)` } : { left: `${at[0] + 14}px` };
  return (
    <>
      <p class="offscreen" role="status">
        {sample === undefined ? "" : `Sample ${sample}, ${name}`}
      </p>
      {sample !== undefined && (
        <div class="preview" style={{ ...left, top: `${Math.max(0, at[1] - 20)}px` }} aria-hidden="true">
          <Thumbnail collection={projection.collection} sample={sample} label={name} />
          <strong>{name}</strong>
          <span class="note wrap">{key}</span>
          <span class="note">sample {count(sample)}</span>
        </div>
      )}
    </>
  );
}

export function Selection({ projection, chosen, clear }: { projection: Projection; chosen: number[]; clear: () => void }) {
  const ids = chosen.map((index) => projection.ids[index] as number).sort((a, b) => a - b);
  if (ids.length === 0) {
    return (
      <Section title="Chosen samples">
        <p class="note">None yet: draw a lasso, or press Enter on a point.</p>
      </Section>
    );
  }
  const list = ids.join(",");
  const { collection } = projection;
  return (
    <Section title="Chosen samples" note={plural(ids.length, "sample")}>
      <div class="copies">
        <button class="button small" onClick={() => void copy(list, "Ids")}>
          Copy ids
        </button>
        <button class="button small" onClick={clear}>
          Clear
        </button>
        <CopyButtons
          link={false}
          cli={cli("query", [], { collection, ids: list }, address.value)}
          python={pythonClient(address.value, `z = client.get(${python(collection)}, [${ids.join(", ")}])`)}
        />
      </div>
      <ul class="chosen" tabIndex={0} aria-label="Chosen samples">
        {chosen.slice(0, SHOWN).map((index) => (
          <li key={index}>
            <Thumbnail collection={collection} sample={projection.ids[index] as number} label={className(projection, index)} />
            <span class="number">{count(projection.ids[index] as number)}</span>
            <span class="note">{className(projection, index)}</span>
          </li>
        ))}
      </ul>
      {chosen.length > SHOWN && <p class="note">and {count(chosen.length - SHOWN)} more; Copy ids has them all</p>}
    </Section>
  );
}
