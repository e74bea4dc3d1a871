// One version of a collection: what is in it, who streams it, how it differs from another version.
import { address } from "../lib/address";
import { cli, pythonClient, python } from "../lib/commands";
import { bytes, count, date, rowBytes } from "../lib/format";
import { go, href } from "../lib/route";
import type { CollectionRecord, Description, RecordReply, Stats } from "../lib/types";
import { useAsk } from "../lib/use";
import { Digest, Empty, Figure, PageHeader, Section, Shown, Table } from "../parts/basics";
import { DeleteButton } from "../parts/delete";
import { Select } from "../parts/form";
import { ClassTable } from "./class_table";
import { Difference } from "./collection_diff";
import { Samples } from "./collection_samples";

type Reply = RecordReply<CollectionRecord>;

export function CollectionPage({ reference }: { reference: string }) {
  const asked = useAsk<Reply>("GetRecord", { kind: "collection", ref: reference });
  const ref = asked.data ? `${asked.data.name}@${asked.data.version}` : reference;
  return (
    <>
      <PageHeader
        crumbs={<a href="#/collections">Collections</a>}
        title={ref}
        refresh={asked.refresh}
        busy={asked.busy}
        cli={cli("collection show", [ref], {}, address.value)}
        python={pythonClient(address.value, `print(client.collection(${python(ref)}))`)}
      />
      <Shown asked={asked} what={reference}>
        {(reply) => <Collection reply={reply} collection={`${reply.name}@${reply.version}`} />}
      </Shown>
    </>
  );
}

function Collection({ reply, collection }: { reply: Reply; collection: string }) {
  const versions = useAsk<{ records: Reply[] }>("ListRecords", { kind: "collection", name: reply.name });
  const described = useAsk<Description>("DescribeCollection", { collection });
  const all = [...(versions.data?.records ?? [reply])].sort((a, b) => b.version - a.version);
  const { record } = reply;
  return (
    <>
      <div class="toolbar">
        <Select
          label="Version"
          value={String(reply.version)}
          options={all.map((one) => ({ value: String(one.version), label: `${one.name}@${one.version}, ${date(one.record.created_unix_s)}` }))}
          onChange={(version) => go(["collections", `${reply.name}@${version}`])}
        />
        <a class="button" href={href(["explore"], { collection })}>
          Explore in 2-D
        </a>
        <a class="button" href={href(["streams"], { collection, split: record.splits[0]?.name ?? "" })}>
          Replay a batch
        </a>
        <DeleteButton kind="collection" reference={collection} after={["collections"]} />
      </div>
      <Facts record={record} />
      <Section title="Classes and splits" note="Samples of each class of the first label column, by split">
        <Shown asked={described} what="the counts">
          {(description) => <ClassTable description={description} />}
        </Shown>
      </Section>
      <div class="columns">
        <Views record={record} collection={collection} />
        <Readers collection={collection} />
      </div>
      <Samples collection={collection} record={record} />
      <Difference reply={reply} versions={all} />
    </>
  );
}

function Facts({ record }: { record: CollectionRecord }) {
  const size = record.samples * rowBytes(record.dtype, record.dim);
  return (
    <dl class="figures">
      <Figure label="Samples" value={count(record.samples)} meaning="Entries of this version: a row with its key, split and labels each" />
      <Figure label="Dimension" value={count(record.dim)} meaning="Numbers in each embedding" />
      <Figure label="dtype" value={record.dtype} meaning="How the numbers of a row are stored: f32, f16, or u8 with an offset and a scale for each row" />
      <Figure label="Size" value={bytes(size)} meaning="Bytes of the embeddings: samples times bytes of a row, without feature maps and stored views. Versions share rows" />
      <Figure label="Digest" value={<Digest value={record.digest} />} meaning="SHA-256 of the content: equal digests are equal collections" />
      <Figure label="Backbone" value={<Digest value={record.backbone} />} meaning="SHA-256 of the file of Φ, the frozen network that embedded the images" />
      <Figure label="Created" value={date(record.created_unix_s)} meaning="When this version was committed" />
      <Figure label="Source" value={<span class="wrap">{record.source || "–"}</span>} meaning="Where the samples came from" />
    </dl>
  );
}

function Views({ record, collection }: { record: CollectionRecord; collection: string }) {
  const views = record.views ?? [];
  return (
    <Section title="Stored views" note="Embeddings of real augmented images, made once; policies draw them as views or view(law)">
      {views.length === 0 ? (
        <Empty command={cli("view add", [], { collection: collection.split("@")[0] ?? "", images: "images/train", law: "rotate(-30..30)" }, address.value)}>
          This version has no stored views.
        </Empty>
      ) : (
        <Table label="Stored views">
          <thead>
            <tr>
              <th>Law</th>
              <th class="number">Of each sample</th>
              <th class="number">Seed</th>
            </tr>
          </thead>
          <tbody>
            {views.map((view) => (
              <tr key={`${view.law} ${view.seed}`}>
                <th scope="row">
                  <code>{view.law}</code>
                </th>
                <td class="number">{count(view.count)}</td>
                <td class="number">{String(view.seed)}</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {views.length > 0 && <p class="note">{`${count(record.viewed ?? 0)} of ${count(record.samples)} samples have all of them.`}</p>}
    </Section>
  );
}

function Readers({ collection }: { collection: string }) {
  const asked = useAsk<Stats>("Stats", {});
  return (
    <Section title="Who streams it now" tools={<a href="#/streams">All streams</a>}>
      <Shown asked={asked} what="the streams">
        {(stats) => {
          if (!stats.streams) return <p class="note">A key with a scope is not told who reads.</p>;
          const readers = stats.streams.filter((stream) => stream.collection === collection);
          if (readers.length === 0) return <p class="note">No client reads a stream of this version now.</p>;
          return (
            <ul class="plain-list">
              {readers.map((stream) => (
                <li key={stream.id}>
                  <strong>{stream.who}</strong> <span class="note">{stream.peer}</span>
                  <br />
                  <code>{stream.policy}</code>, epoch {count(stream.epoch)}, step {count(stream.step)} of {count(stream.steps)}
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
    </Section>
  );
}
