// Some samples of a version, a page at a time, with thumbnails where the server has images.
import { address } from "../lib/address";
import { session } from "../lib/api";
import { pythonClient, python } from "../lib/commands";
import { count } from "../lib/format";
import { route, setQuery } from "../lib/route";
import type { CollectionRecord, SampleChunk } from "../lib/types";
import { useAsk } from "../lib/use";
import { CopyButtons, Section, Shown } from "../parts/basics";
import { Thumbnail } from "../parts/thumbnail";

const PAGE = 24;

export function Samples({ collection, record }: { collection: string; record: CollectionRecord }) {
  const begin = Math.max(0, Number(route.value.query.begin ?? "0") || 0);
  const body = record.samples > 0 ? { collection, begin, count: Math.min(PAGE, record.samples - begin) } : null;
  const asked = useAsk<{ samples: SampleChunk }>("GetSamples", begin < record.samples ? body : null);
  const to = (next: number) => setQuery({ begin: next > 0 ? next : undefined });
  if (record.samples === 0) return null;
  return (
    <Section
      title="Samples"
      note={session.value?.images ? undefined : "The server was started without the images, so there are no thumbnails"}
      tools={<CopyButtons link={false} python={pythonClient(address.value, `samples = client.samples(${python(collection)})`, `print(samples.keys[${begin}:${begin + PAGE}])`)} />}
    >
      <Shown asked={asked} what="the samples">
        {(data) => <Grid chunk={data.samples} collection={collection} begin={begin} record={record} />}
      </Shown>
      <nav class="pager" aria-label="Pages of samples">
        <button class="button small" disabled={begin === 0} onClick={() => to(Math.max(0, begin - PAGE))}>
          Previous
        </button>
        <span class="note">
          samples {count(begin)} to {count(Math.min(begin + PAGE, record.samples) - 1)} of {count(record.samples)}
        </span>
        <button class="button small" disabled={begin + PAGE >= record.samples} onClick={() => to(begin + PAGE)}>
          Next
        </button>
        <button class="button small" onClick={() => to(Math.floor((Math.random() * record.samples) / PAGE) * PAGE)}>
          Anywhere
        </button>
      </nav>
    </Section>
  );
}

function Grid({ chunk, collection, begin, record }: { chunk: SampleChunk; collection: string; begin: number; record: CollectionRecord }) {
  const classes = record.labels?.[0]?.classes ?? [];
  return (
    <ul class="grid">
      {chunk.keys.map((key, index) => {
        const label = chunk.labels[0]?.[index] ?? -1;
        const name = label < 0 ? "unlabelled" : (classes[label] ?? String(label));
        return (
          <li key={begin + index} class="tile">
            <Thumbnail collection={collection} sample={begin + index} label={`Sample ${begin + index}: ${name}`} />
            <strong>{name}</strong>
            <span class="note wrap" title={key}>
              {key || "no key"}
            </span>
            <span class="note">
              {count(begin + index)} · {chunk.split_names[chunk.splits[index] ?? 0] ?? ""}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
