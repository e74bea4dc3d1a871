// One head: what it was trained on as a graph, how good it is, how to train it again.
import { address } from "../lib/address";
import { cli, replayCli, replayPython } from "../lib/commands";
import { count, date, decimal, percent } from "../lib/format";
import { lineageGraph } from "../lib/lineage";
import { go, href } from "../lib/route";
import type { HeadRecord, RecordReply, StreamSpec } from "../lib/types";
import { useAsk } from "../lib/use";
import { CopyButtons, Digest, Figure, PageHeader, Section, Shown } from "../parts/basics";
import { DeleteButton } from "../parts/delete";
import { Select } from "../parts/form";
import { LineageGraph } from "../parts/lineage_graph";
import { MEANING_ACCURACY } from "./heads";

type Reply = RecordReply<HeadRecord>;

export function HeadPage({ reference }: { reference: string }) {
  const asked = useAsk<Reply>("GetRecord", { kind: "head", ref: reference });
  const ref = asked.data ? `${asked.data.name}@${asked.data.version}` : reference;
  return (
    <>
      <PageHeader crumbs={<a href="#/heads">Heads</a>} title={ref} refresh={asked.refresh} busy={asked.busy} cli={cli("head show", [ref], {}, address.value)} />
      <Shown asked={asked} what={reference}>
        {(reply) => <Head reply={reply} ref_={`${reply.name}@${reply.version}`} />}
      </Shown>
    </>
  );
}

function Head({ reply, ref_ }: { reply: Reply; ref_: string }) {
  const versions = useAsk<{ records: Reply[] }>("ListRecords", { kind: "head", name: reply.name });
  const all = [...(versions.data?.records ?? [reply])].sort((a, b) => b.version - a.version);
  const { record } = reply;
  const stream = record.lineage?.stream;
  return (
    <>
      <div class="toolbar">
        <Select
          label="Version"
          value={String(reply.version)}
          options={all.map((one) => ({ value: String(one.version), label: `${one.name}@${one.version}, ${one.record.test_samples > 0 ? percent(one.record.test_accuracy, 1) : "not tested"}` }))}
          onChange={(version) => go(["heads", `${reply.name}@${version}`])}
        />
        {stream && (
          <a class="button" href={href(["streams"], { collection: stream.collection, split: stream.split, policy: stream.policy, seed: String(stream.seed), batch: stream.batch_size, shuffle: stream.shuffle ? undefined : "no" })}>
            Replay what it was trained on
          </a>
        )}
        <DeleteButton kind="head" reference={ref_} after={["heads"]} />
      </div>
      <Facts record={record} />
      <Section title="Lineage" note="The versions that it was trained on, with and from" tools={<CopyButtons link={false} cli={cli("lineage head", [ref_], {}, address.value)} />}>
        <LineageGraph graph={lineageGraph(ref_, record)} />
      </Section>
      {stream && <Training record={record} stream={stream} />}
      <Section title="Classes" note={`${count(record.classes?.length ?? 0)} classes, in the order of the head's outputs`}>
        <p class="chips">
          {(record.classes ?? []).map((name, index) => (
            <span key={index} class="chip">
              <span class="note">{index}</span> {name}
            </span>
          ))}
        </p>
      </Section>
    </>
  );
}

function Facts({ record }: { record: HeadRecord }) {
  const tested = record.test_samples > 0;
  return (
    <dl class="figures">
      <Figure large label="Accuracy" value={tested ? percent(record.test_accuracy, 2) : "not tested"} meaning={MEANING_ACCURACY} />
      <Figure label="Test loss" value={tested ? decimal(record.test_loss, 4) : "–"} meaning="Mean cross-entropy on the test split, in nats" />
      <Figure label="Training loss" value={decimal(record.train_loss, 4)} meaning="Mean cross-entropy over the last epoch, in nats" />
      <Figure label="Tested on" value={tested ? `${record.test_split || "all"}, ${count(record.test_samples)}` : "–"} meaning="Split of the test, and its number of samples" />
      <Figure label="Architecture" value={record.arch} meaning="linear, or the widths of an MLP" />
      <Figure label="Backbone" value={<Digest value={record.backbone} />} meaning="SHA-256 of the file of Φ, whose embeddings it classifies" />
      <Figure label="Created" value={date(record.created_unix_s)} meaning="When it was registered" />
    </dl>
  );
}

// Heads in closed form have no learning rate, and `head fit` makes them.
function trainAgain(record: HeadRecord, stream: StreamSpec): string {
  const { lineage } = record;
  const data = { collection: stream.collection, split: stream.split, policy: stream.policy, "label-column": stream.label_column, "stream-seed": String(stream.seed), "shuffle-window": Number(stream.shuffle_window) || undefined };
  const sent = { "batch-size": stream.batch_size, dtype: stream.dtype === "f32" ? "" : stream.dtype, precision: stream.precision === "f32" ? "" : stream.precision };
  const kind = /ridge|lda|means/.exec(lineage?.optimizer ?? "")?.[0];
  if (kind) return cli("head fit", [], { ...data, ...sent, kind, epochs: lineage?.epochs, "test-split": record.test_split }, address.value);
  const training = { arch: record.arch, epochs: lineage?.epochs, lr: lineage?.learning_rate, "weight-decay": lineage?.weight_decay, seed: String(lineage?.seed ?? 0) };
  const more = { optimizer: lineage?.optimizer, init: lineage?.init, "test-split": record.test_split };
  return cli("head train", [], { ...data, ...sent, ...training, ...more }, address.value);
}

function Training({ record, stream }: { record: HeadRecord; stream: StreamSpec }) {
  const { lineage } = record;
  const again = trainAgain(record, stream);
  const first = { collection: stream.collection, split: stream.split, policy: stream.policy, seed: String(stream.seed), batch: stream.batch_size, epoch: 0, step: 0 };
  return (
    <Section title="Training" note="The stream is exact: the same versions, draws and order come again">
      <dl class="figures">
        <Figure label="Stream seed" value={String(stream.seed)} meaning="Seed of the order and of the policy's draws" />
        <Figure label="Batch size" value={count(stream.batch_size)} unit="rows" meaning="Rows of one step" />
        <Figure label="Epochs" value={count(lineage?.epochs ?? 0)} meaning="Passes over the split" />
        <Figure label="Optimizer" value={lineage?.optimizer || "–"} meaning="How the weights were found" />
        <Figure label="Learning rate" value={lineage?.learning_rate ? String(lineage.learning_rate) : "–"} meaning="Of the optimizer, at its greatest" />
        <Figure label="Weight decay" value={lineage?.weight_decay ? String(lineage.weight_decay) : "–"} meaning="Of the optimizer" />
        <Figure label="Sent as" value={`${stream.dtype}, transforms in ${stream.precision}`} meaning="dtype of the rows on the wire, and precision of the transforms" />
        <Figure label="Collection digest" value={<Digest value={lineage?.collection_digest ?? ""} />} meaning="SHA-256 of the collection that it was trained on" />
      </dl>
      <h3>Train it again</h3>
      <div class="command">
        <code>{again}</code>
        <CopyButtons link={false} cli={again} />
      </div>
      <h3>See its first batch</h3>
      <div class="command">
        <code>{replayCli(first, address.value)}</code>
        <CopyButtons link={false} cli={replayCli(first, address.value)} python={replayPython(first, address.value)} />
      </div>
    </Section>
  );
}
