// A batch is a pure function of stream, epoch and step: so any batch can be looked at again.
import { useEffect, useState } from "preact/hooks";
import { address } from "../lib/address";
import { replayCli, replayPython, type SpecChoice } from "../lib/commands";
import { count } from "../lib/format";
import { route, setQuery } from "../lib/route";
import type { BatchReply, OpenedStream, StreamRow, StreamSpec } from "../lib/types";
import { useAsk } from "../lib/use";
import { CopyButtons, Section, Shown } from "../parts/basics";
import { Check, Field, Select } from "../parts/form";
import { BatchTable } from "./replay_batch";

type Spec = Pick<StreamSpec, "collection" | "split" | "policy" | "seed" | "batch_size" | "shuffle" | "rank" | "world_size">;

function whole(text: string | undefined, otherwise: number): number {
  const value = Math.floor(Number(text ?? ""));
  return text !== undefined && text !== "" && Number.isFinite(value) && value >= 0 ? value : otherwise;
}

export function Replay({ streams }: { streams: StreamRow[] }) {
  const { query } = route.value;
  const ready = (query.collection ?? "") !== "";
  const from = streams.find((stream) => stream.id === query.stream);
  const spec: Spec = {
    collection: query.collection ?? "",
    split: query.split ?? "",
    policy: query.policy || "identity",
    seed: query.seed || "0",
    batch_size: whole(query.batch, 256),
    shuffle: query.shuffle !== "no",
    rank: from?.rank ?? 0,
    world_size: from?.world_size ?? 1,
  };
  const position = { epoch: whole(query.epoch, 0), step: whole(query.step, 0) };
  const choice: SpecChoice = { ...spec, seed: String(spec.seed), batch: spec.batch_size, ...position };
  return (
    <Section
      title="Replay a batch"
      note="A batch is a function of the stream, the epoch and the step: what a trainer received can be seen again"
      tools={ready ? <CopyButtons link={false} cli={replayCli(choice, address.value)} python={replayPython(choice, address.value)} /> : undefined}
    >
      <Form streams={streams} from={from} />
      {ready && <Result spec={spec} epoch={position.epoch} step={position.step} from={from} />}
    </Section>
  );
}

const FIELDS = ["collection", "split", "policy", "seed", "batch", "epoch", "step"] as const;

// What is typed is asked for when the button is pressed, and is in the URL then.
function Form({ streams, from }: { streams: StreamRow[]; from: StreamRow | undefined }) {
  const { query } = route.value;
  const [typed, setTyped] = useState<Record<string, string>>({});
  const key = FIELDS.map((field) => query[field] ?? "").join("\n");
  useEffect(() => setTyped({}), [key]);
  const value = (field: string, otherwise = "") => typed[field] ?? query[field] ?? otherwise;
  const set = (field: string) => (text: string) => setTyped((old) => ({ ...old, [field]: text }));
  const choose = (id: string) => {
    const stream = streams.find((one) => one.id === id);
    if (!stream) setQuery({ stream: undefined });
    else setQuery({ stream: id, collection: stream.collection, policy: stream.policy, batch: stream.batch_size, epoch: stream.epoch, step: Math.max(0, stream.step - 1) });
  };
  const submit = (event: Event) => {
    event.preventDefault();
    setQuery(Object.fromEntries(FIELDS.map((field) => [field, value(field)])));
    setTyped({});
  };
  return (
    <form class="form-grid" onSubmit={submit}>
      {streams.length > 0 && (
        <Select
          label="Stream"
          value={from?.id ?? ""}
          options={[{ value: "", label: "typed below" }, ...streams.map((one) => ({ value: one.id, label: `${one.collection}, ${one.who}` }))]}
          onChange={choose}
        />
      )}
      <Field label="Collection" value={value("collection")} onInput={set("collection")} hint="photos or photos@3" />
      <Field label="Split" value={value("split")} onInput={set("split")} hint="Empty: all samples" />
      <Field label="Policy" value={value("policy", "identity")} onInput={set("policy")} wide />
      <Field label="Seed" value={value("seed", "0")} onInput={set("seed")} />
      <Field label="Batch size" type="number" value={value("batch", "256")} onInput={set("batch")} />
      <Field label="Epoch" type="number" value={value("epoch", "0")} onInput={set("epoch")} />
      <Field label="Step" type="number" value={value("step", "0")} onInput={set("step")} />
      <Check label="Shuffled" checked={query.shuffle !== "no"} onChange={(on) => setQuery({ shuffle: on ? undefined : "no" })} />
      <button class="button primary" disabled={value("collection") === ""}>
        Show the batch
      </button>
    </form>
  );
}

function Result({ spec, epoch, step, from }: { spec: Spec; epoch: number; step: number; from: StreamRow | undefined }) {
  const opened = useAsk<OpenedStream>("OpenStream", { spec });
  const stream = opened.data;
  const batch = useAsk<BatchReply>("Batches", stream ? { spec: stream.spec, fingerprint: stream.fingerprint, epoch, step, count: 1 } : null);
  const to = (next: number) => setQuery({ step: next });
  return (
    <Shown asked={opened} what="the stream">
      {(info) => (
        <>
          {from && <Same same={from.fingerprint === info.fingerprint} from={from} />}
          <nav class="pager" aria-label="Steps of the epoch">
            <button class="button small" disabled={step === 0} onClick={() => to(step - 1)}>
              Previous step
            </button>
            <span class="note">
              epoch {count(epoch)}, step {count(step)} of {count(info.steps)}; {count(info.samples)} samples, dimension {count(info.dim)}
            </span>
            <button class="button small" disabled={step + 1 >= info.steps} onClick={() => to(step + 1)}>
              Next step
            </button>
          </nav>
          <Shown asked={batch} what="the batch">
            {(data) => <BatchTable batch={data} info={info} />}
          </Shown>
        </>
      )}
    </Shown>
  );
}

// The statistics of a stream name neither its split nor its seed. The fingerprint tells whether those typed are its own.
function Same({ same, from }: { same: boolean; from: StreamRow }) {
  if (same) return <p class="verdict good">This is the stream that {from.who} reads: the fingerprints are equal.</p>;
  return (
    <p class="verdict warn">
      This is not yet the stream that {from.who} reads: the fingerprint differs. The server does not say which split, seed and order it has; type those of the
      trainer.
    </p>
  );
}
