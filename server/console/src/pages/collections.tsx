// The collections, each at its latest version: searched by name, a page at a time.
import { useEffect, useState } from "preact/hooks";
import { address } from "../lib/address";
import { cli, pythonClient } from "../lib/commands";
import { bytes, count, date, plural, rowBytes, short } from "../lib/format";
import { href, route, setQuery } from "../lib/route";
import type { Browsed, CollectionRecord, RecordReply } from "../lib/types";
import { useAsk } from "../lib/use";
import { Empty, PageHeader, Shown, Table } from "../parts/basics";
import { Field } from "../parts/form";
import { Pager } from "../parts/pager";
import { Term } from "../parts/tooltip";

const LIMIT = 50;
const TYPING_MS = 250;

// What is typed goes into the URL when the user pauses.
export function useFind(): [string, (text: string) => void] {
  const find = route.value.query.find ?? "";
  const [text, setText] = useState(find);
  useEffect(() => {
    if (text === find) return;
    const timer = setTimeout(() => setQuery({ find: text, after: undefined, page: undefined }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText];
}

export function CollectionsPage() {
  const { find = "", after = "" } = route.value.query;
  const [text, setText] = useFind();
  const asked = useAsk<Browsed<CollectionRecord>>("Browse", { kind: "collection", find, after, limit: LIMIT });
  return (
    <>
      <PageHeader
        title="Collections"
        lead="A collection is a named, versioned list of samples that one backbone embedded. The latest version of each is here."
        refresh={asked.refresh}
        busy={asked.busy}
        cli={cli("collection ls", [], {}, address.value)}
        python={pythonClient(address.value, "print(client.collections())")}
      />
      <div class="toolbar">
        <Field label="Find by name" type="search" value={text} onInput={setText} search wide />
        {asked.data && <p class="note">{plural(asked.data.names, "collection")}</p>}
      </div>
      <Shown asked={asked} what="the collections">
        {(data) => (data.records.length === 0 ? <None find={find} /> : <List data={data} find={find} after={after} />)}
      </Shown>
    </>
  );
}

function None({ find }: { find: string }) {
  if (find !== "") return <Empty>No collection has “{find}” in its name.</Empty>;
  return (
    <Empty command={cli("ingest", [], { collection: "photos", images: "images/train", split: "train" }, address.value)}>
      There is no collection yet. Ingesting a folder of images, with one folder per class, makes the first:
    </Empty>
  );
}

function List({ data, find, after }: { data: Browsed<CollectionRecord>; find: string; after: string }) {
  return (
    <>
      <Table label="Collections" class="list">
        <thead>
          <tr>
            <th>Collection</th>
            <th class="number">Samples</th>
            <th>
              <Term meaning="Named parts of the collection with the number of their samples">Splits</Term>
            </th>
            <th class="number">
              <Term meaning="Classes of the first label column">Classes</Term>
            </th>
            <th>
              <Term meaning="Numbers of an embedding, and how each is stored: f32, f16, or u8 with an offset and a scale for each row">Embedding</Term>
            </th>
            <th class="number">
              <Term meaning="Bytes of the embeddings: samples times bytes of a row. Versions and collections share rows, so sizes do not add up">Size</Term>
            </th>
            <th>
              <Term meaning="Laws by which view add stored views of the samples">Stored views</Term>
            </th>
            <th>Created</th>
          </tr>
        </thead>
        <tbody>
          {data.records.map((one) => (
            <Row key={one.name} one={one} />
          ))}
        </tbody>
      </Table>
      <Pager key={find} after={after} shown={data.records.length} total={data.names} last={data.records[data.records.length - 1]?.name ?? ""} size={LIMIT} />
    </>
  );
}

function Row({ one }: { one: RecordReply<CollectionRecord> }) {
  const { record } = one;
  const ref = `${one.name}@${one.version}`;
  return (
    <tr>
      <th scope="row">
        <a href={href(["collections", ref])}>{one.name}</a>
        <span class="at">@{one.version}</span>
      </th>
      <td class="number">{count(record.samples)}</td>
      <td class="note">{record.splits.map((split) => `${split.name} ${short(split.samples)}`).join(" · ")}</td>
      <td class="number">{count(record.labels?.[0]?.classes.length ?? 0)}</td>
      <td>
        {record.dim} × {record.dtype}
      </td>
      <td class="number">{bytes(record.samples * rowBytes(record.dtype, record.dim))}</td>
      <td class="note">{(record.views ?? []).map((view) => view.law).join(", ") || "–"}</td>
      <td class="note">{date(record.created_unix_s)}</td>
    </tr>
  );
}
