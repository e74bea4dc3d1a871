// The heads, each at its latest version, with the accuracy of its test.
import { address } from "../lib/address";
import { cli } from "../lib/commands";
import { count, date, percent, plural } from "../lib/format";
import { href, route } from "../lib/route";
import type { Browsed, HeadRecord, RecordReply } from "../lib/types";
import { useAsk } from "../lib/use";
import { Empty, PageHeader, Shown, Table } from "../parts/basics";
import { Field } from "../parts/form";
import { Pager } from "../parts/pager";
import { Term } from "../parts/tooltip";
import { useFind } from "./collections";

const LIMIT = 50;
export const MEANING_ACCURACY = "Share of the test split's samples whose class the head names";

export function HeadsPage() {
  const { find = "", after = "" } = route.value.query;
  const [text, setText] = useFind();
  const asked = useAsk<Browsed<HeadRecord>>("Browse", { kind: "head", find, after, limit: LIMIT });
  return (
    <>
      <PageHeader
        title="Heads"
        lead="A head is a classifier that is trained on embeddings. It records the stream that it was trained on."
        refresh={asked.refresh}
        busy={asked.busy}
        cli={cli("head ls", [], {}, address.value)}
      />
      <div class="toolbar">
        <Field label="Find by name" type="search" value={text} onInput={setText} search wide />
        {asked.data && <p class="note">{plural(asked.data.names, "head")}</p>}
      </div>
      <Shown asked={asked} what="the heads">
        {(data) => (data.records.length === 0 ? <None find={find} /> : <List data={data} find={find} after={after} />)}
      </Shown>
    </>
  );
}

function None({ find }: { find: string }) {
  if (find !== "") return <Empty>No head has “{find}” in its name.</Empty>;
  return (
    <Empty command={cli("head fit", [], { collection: "photos", "test-split": "test" }, address.value)}>
      There is no head yet. Fitting in closed form makes the first in one pass over the data:
    </Empty>
  );
}

function List({ data, find, after }: { data: Browsed<HeadRecord>; find: string; after: string }) {
  return (
    <>
      <Table label="Heads" class="list">
        <thead>
          <tr>
            <th>Head</th>
            <th>
              <Term meaning={MEANING_ACCURACY}>Accuracy</Term>
            </th>
            <th class="number">
              <Term meaning="Samples that it was tested on">Tested on</Term>
            </th>
            <th>Architecture</th>
            <th>Collection</th>
            <th>Policy</th>
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

function Row({ one }: { one: RecordReply<HeadRecord> }) {
  const { record } = one;
  const stream = record.lineage?.stream;
  const tested = record.test_samples > 0;
  return (
    <tr>
      <th scope="row">
        <a href={href(["heads", `${one.name}@${one.version}`])}>{one.name}</a>
        <span class="at">@{one.version}</span>
      </th>
      <td class="meter-cell">
        {tested ? (
          <>
            <span class="number">{percent(record.test_accuracy, 1)}</span>
            <span class="rail">
              <span class="bar" style={{ width: `${(100 * record.test_accuracy).toFixed(1)}%` }} />
            </span>
          </>
        ) : (
          <span class="note">not tested</span>
        )}
      </td>
      <td class="number">{tested ? count(record.test_samples) : "–"}</td>
      <td>{record.arch}</td>
      <td>{stream ? <a href={href(["collections", stream.collection])}>{stream.collection}</a> : "–"}</td>
      <td>
        <code>{stream?.policy ?? "–"}</code>
      </td>
      <td class="note">{date(record.created_unix_s)}</td>
    </tr>
  );
}
