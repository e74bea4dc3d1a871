// Embeddings in two dimensions: what is near what, and where transforms and stored views take it.
import { useEffect, useState } from "preact/hooks";
import { address } from "../lib/address";
import { cli, python, pythonClient } from "../lib/commands";
import { classColour } from "../lib/colours";
import { count, percent, plural } from "../lib/format";
import { route, setQuery } from "../lib/route";
import type { Browsed, CollectionRecord, Point, Projection } from "../lib/types";
import { useAsk } from "../lib/use";
import { Empty, PageHeader, Section, Shown } from "../parts/basics";
import { Check, Field } from "../parts/form";
import { isDark, look } from "../parts/look";
import { Scatter } from "../parts/scatter";
import { Preview, Selection } from "./explore_selection";

const FIELDS = ["collection", "split", "samples", "seed", "chains"] as const;
const MOST = 5000;

// Commas separate chains, but not within the brackets of an op.
export function splitChains(text: string): string[] {
  return text
    .split(/,(?![^([]*[)\]])/)
    .map((chain) => chain.trim())
    .filter(Boolean);
}

export function ExplorePage() {
  const { query } = route.value;
  const collection = query.collection ?? "";
  const body = {
    collection,
    split: query.split ?? "",
    samples: Math.min(MOST, Number(query.samples) || 1000),
    seed: query.seed || "0",
    chains: splitChains(query.chains ?? ""),
    views: query.views === "yes",
  };
  const asked = useAsk<Projection>("Project", collection === "" ? null : body);
  const chain = body.chains[0];
  const apply = chain ? `, apply=${python(chain)}` : "";
  return (
    <>
      <PageHeader
        title="Explore"
        lead="The two directions in which the embeddings of a random sample differ most (PCA), coloured by class."
        refresh={collection === "" ? undefined : asked.refresh}
        busy={asked.busy}
        cli={collection === "" ? undefined : cli("export", [], { collection, split: body.split, npy: "z.npy", labels: "y.npy" }, address.value)}
        python={collection === "" ? undefined : pythonClient(address.value, `z = client.get(${python(collection)}, range(${body.samples})${apply})`)}
      />
      <Form />
      {collection === "" ? (
        <Choose />
      ) : (
        <Shown asked={asked} what="the projection">
          {(projection) => <Plot key={projection.collection} projection={projection} />}
        </Shown>
      )}
    </>
  );
}

function Form() {
  const { query } = route.value;
  const [typed, setTyped] = useState<Record<string, string>>({});
  const value = (field: string, otherwise = "") => typed[field] ?? query[field] ?? otherwise;
  const set = (field: string) => (text: string) => setTyped((old) => ({ ...old, [field]: text }));
  const submit = (event: Event) => {
    event.preventDefault();
    setQuery(Object.fromEntries(FIELDS.map((field) => [field, value(field)])));
    setTyped({});
  };
  return (
    <form class="form-grid" onSubmit={submit}>
      <Field label="Collection" value={value("collection")} onInput={set("collection")} search />
      <Field label="Split" value={value("split")} onInput={set("split")} hint="Empty: all samples" />
      <Field label="Samples" type="number" value={value("samples", "1000")} onInput={set("samples")} hint="At most 5,000" />
      <Field label="Seed" value={value("seed", "0")} onInput={set("seed")} />
      <Field label="Transforms" value={value("chains")} onInput={set("chains")} hint="Chains, separated by commas: vflip,rotate15" />
      <Check label="Arrows to stored views" checked={query.views === "yes"} onChange={(on) => setQuery({ views: on ? "yes" : undefined })} />
      <button class="button primary" disabled={value("collection") === ""}>
        Show
      </button>
    </form>
  );
}

function Choose() {
  const asked = useAsk<Browsed<CollectionRecord>>("Browse", { kind: "collection", find: "", after: "", limit: 12 });
  return (
    <Shown asked={asked} what="the collections">
      {(data) =>
        data.records.length === 0 ? (
          <Empty command={cli("ingest", [], { collection: "photos", images: "images/train", split: "train" }, address.value)}>There is no collection to explore yet. This makes the first:</Empty>
        ) : (
          <Section title="Choose a collection" note={data.names > 12 ? `The first 12 of ${count(data.names)}; type the name of another above` : undefined}>
            <p class="chips">
              {data.records.map((one) => (
                <button key={one.name} class="button" onClick={() => setQuery({ collection: `${one.name}@${one.version}` })}>
                  {one.name}@{one.version}
                </button>
              ))}
            </p>
          </Section>
        )
      }
    </Shown>
  );
}

function Plot({ projection }: { projection: Projection }) {
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [chosen, setChosen] = useState<number[]>([]);
  const [lasso, setLasso] = useState(false);
  const [hover, setHover] = useState<{ index: number; at: Point }>({ index: -1, at: [0, 0] });
  useEffect(() => {
    setChosen([]);
    setHover({ index: -1, at: [0, 0] });
  }, [projection]);
  const toggle = (label: number) => {
    const next = new Set(hidden);
    if (!next.delete(label)) next.add(label);
    setHidden(next);
  };
  const [first, second] = projection.explained;
  const label = `${plural(projection.ids.length, "sample")} of ${projection.collection}. Arrow keys go from point to point, Enter chooses one.`;
  return (
    <div class="explore">
      <div class="explore-plot">
        <div class="toolbar">
          <button class="button small" aria-pressed={lasso} onClick={() => setLasso(!lasso)}>
            Lasso
          </button>
          <span class="note">
            {plural(projection.ids.length, "sample")}; the plane holds {percent(first + second)} of the variance in {count(projection.dim)} dimensions ({percent(first)} across,{" "}
            {percent(second)} up). Drag to move, Ctrl and the wheel to zoom, Shift and drag to choose.
          </span>
        </div>
        <div class="scatter-place">
          <Scatter projection={projection} hidden={hidden} chosen={chosen} lasso={lasso} hovered={hover.index} onHover={(index, at) => setHover({ index, at })} onChoose={setChosen} label={label} />
          <Preview projection={projection} index={hover.index} at={hover.at} />
        </div>
        <ArrowLegend projection={projection} />
      </div>
      <aside class="explore-side" aria-label="Classes and chosen samples">
        <Selection projection={projection} chosen={chosen} clear={() => setChosen([])} />
        <Classes projection={projection} hidden={hidden} toggle={toggle} />
      </aside>
    </div>
  );
}

function ArrowLegend({ projection }: { projection: Projection }) {
  if (projection.moved.length + projection.views.length === 0) return null;
  return (
    <p class="legend">
      {projection.moved.map((one) => (
        <span key={one.chain} class="legend-item">
          <span class="key key-transform" /> z → Ω(z) by {one.chain}
        </span>
      ))}
      {projection.views.map((one) => (
        <span key={one.law} class="legend-item">
          <span class="key key-stored" /> z → stored view {one.law}
        </span>
      ))}
    </p>
  );
}

function Classes({ projection, hidden, toggle }: { projection: Projection; hidden: ReadonlySet<number>; toggle: (label: number) => void }) {
  const theme = look.value;
  const counts = new Map<number, number>();
  for (const label of projection.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const labels = [...counts.keys()].sort((a, b) => a - b);
  return (
    <Section title="Classes" note="Click a class to hide or to show it">
      <ul class="class-list" key={theme}>
        {labels.map((label) => (
          <li key={label}>
            <button class="class-toggle" aria-pressed={!hidden.has(label)} onClick={() => toggle(label)}>
              <span class="swatch" style={{ background: classColour(label, projection.classes.length, isDark()) }} />
              <span>{label < 0 ? "unlabelled" : (projection.classes[label] ?? String(label))}</span>
              <span class="number">{count(counts.get(label) ?? 0)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
