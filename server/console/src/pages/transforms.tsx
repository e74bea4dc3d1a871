// The cards of all transforms on one axis: which op is imitated how well, and at what cost.
import { address } from "../lib/address";
import { axisOf, decisive, refusal, storedView, type Interval } from "../lib/cards";
import { cli, pythonClient } from "../lib/commands";
import { decimal, plural, short } from "../lib/format";
import { href, route } from "../lib/route";
import type { Browsed, RecordReply, TransformRecord } from "../lib/types";
import { useAsk } from "../lib/use";
import { Badge, Empty, PageHeader, Shown, Table } from "../parts/basics";
import { Field } from "../parts/form";
import { IntervalAxis, IntervalLegend, IntervalPlot } from "../parts/intervals";
import { Pager } from "../parts/pager";
import { Term } from "../parts/tooltip";
import { useFind } from "./collections";

type Reply = RecordReply<TransformRecord>;

const LIMIT = 50;
export const MEANING_G = "Displacement R²: the share of Φ(g(x)) − Φ(x) that the transform predicts on held-out pairs. 1 is perfect, 0 is no better than leaving z as it is";
export const MEANING_COST = "Multiplications with additions to transform one row";

export function TransformsPage() {
  const { find = "", after = "" } = route.value.query;
  const [text, setText] = useFind();
  const asked = useAsk<Browsed<TransformRecord>>("Browse", { kind: "transform", find, after, limit: LIMIT });
  return (
    <>
      <PageHeader
        title="Transforms"
        lead="A transform imitates one augmentation of images in embedding space. The latest version of each is here, with the G of its card."
        refresh={asked.refresh}
        busy={asked.busy}
        cli={cli("transform ls", [], {}, address.value)}
        python={pythonClient(address.value, "print(client.transforms())")}
      />
      <div class="toolbar">
        <Field label="Find by name" type="search" value={text} onInput={setText} search wide />
        {asked.data && <p class="note">{plural(asked.data.names, "transform")}</p>}
      </div>
      <Shown asked={asked} what="the transforms">
        {(data) => (data.records.length === 0 ? <None find={find} /> : <Cards data={data} find={find} after={after} />)}
      </Shown>
    </>
  );
}

function None({ find }: { find: string }) {
  if (find !== "") return <Empty>No transform has “{find}” in its name.</Empty>;
  return (
    <Empty command={cli("transform train", [], { op: "vflip", images: "images/train" }, address.value)}>
      There is no transform yet. Training fits every family on the same pairs, keeps the best and measures it:
    </Empty>
  );
}

export function intervalOf(label: string, record: TransformRecord): Interval | null {
  const entry = decisive(record.card);
  return entry && { label, value: entry.r2, low: entry.r2_low, high: entry.r2_high };
}

function Cards({ data, find, after }: { data: Browsed<TransformRecord>; find: string; after: string }) {
  const rows = data.records.map((reply) => ({ reply, interval: intervalOf(reply.name, reply.record), view: storedView(reply.record.card) }));
  rows.sort((a, b) => (b.interval?.value ?? -Infinity) - (a.interval?.value ?? -Infinity));
  const axis = axisOf(
    rows.flatMap(({ interval }) => interval ?? []),
    rows.flatMap(({ view }) => view?.r2 ?? []),
  );
  const dearest = Math.max(1, ...rows.map(({ reply }) => reply.record.card?.multiply_adds ?? 0));
  return (
    <>
      <IntervalLegend view={rows.some(({ view }) => view !== null)} />
      <Table label="Transforms with their cards" class="cards">
        <thead>
          <tr>
            <th>Transform</th>
            <th>
              <Term meaning="The augmentation of images that it imitates">Op</Term>
            </th>
            <th class="plot-cell">
              <Term meaning={MEANING_G}>G and its 95 % interval</Term>
              <IntervalAxis axis={axis} />
            </th>
            <th class="number">G</th>
            <th>
              <Term meaning={MEANING_COST}>Cost of a row</Term>
            </th>
            <th>
              <Term meaning="Whether an alias may point to this version: only where the 95 % interval of G is above 0">Alias</Term>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ reply, interval, view }) => (
            <Row key={reply.name} reply={reply} interval={interval} view={view?.r2 ?? null} axis={axis} dearest={dearest} />
          ))}
        </tbody>
      </Table>
      <Pager key={find} after={after} shown={data.records.length} total={data.names} last={data.records[data.records.length - 1]?.name ?? ""} size={LIMIT} />
    </>
  );
}

interface RowProps {
  reply: Reply;
  interval: Interval | null;
  view: number | null;
  axis: [number, number];
  dearest: number;
}

function Row({ reply, interval, view, axis, dearest }: RowProps) {
  const { record } = reply;
  const why = refusal(record);
  const cost = record.card?.multiply_adds ?? 0;
  return (
    <tr>
      <th scope="row">
        <a href={href(["transforms", `${reply.name}@${reply.version}`])}>{reply.name}</a>
        <span class="at">@{reply.version}</span>
        <span class="note block">{record.family}</span>
      </th>
      <td>
        <code>{record.op}</code>
      </td>
      <td class="plot-cell">{interval ? <IntervalPlot interval={interval} axis={axis} view={view} muted={why !== ""} /> : <span class="note">never measured</span>}</td>
      <td class="number">{interval ? decimal(interval.value) : "–"}</td>
      <td class="cost-cell">
        <span class="bar" style={{ width: `${((100 * cost) / dearest).toFixed(1)}%` }} />
        <span>{record.card ? short(cost) : "–"}</span>
      </td>
      <td>{why === "" ? <Badge tone="good">allowed</Badge> : <Badge tone="warn">{`refused: ${why}`}</Badge>}</td>
    </tr>
  );
}
