// One version of a transform: its card as pictures, its aliases, and the versions that no alias would take.
import { address } from "../lib/address";
import { axisOf, measureMeaning, refusal, storedView, type Interval } from "../lib/cards";
import { cli, python, pythonClient } from "../lib/commands";
import { count, date, decimal, duration, short } from "../lib/format";
import { href } from "../lib/route";
import type { Card, CardCandidate, CardEntry, RecordReply, TransformRecord } from "../lib/types";
import { useAsk } from "../lib/use";
import { Badge, Digest, Empty, Figure, PageHeader, Section, Shown, Table } from "../parts/basics";
import { DeleteButton } from "../parts/delete";
import { IntervalAxis, IntervalLegend, IntervalPlot } from "../parts/intervals";
import { Term } from "../parts/tooltip";
import { Aliases } from "./transform_aliases";
import { MEANING_COST, MEANING_G } from "./transforms";

type Reply = RecordReply<TransformRecord>;

export function TransformPage({ reference }: { reference: string }) {
  const asked = useAsk<Reply>("GetRecord", { kind: "transform", ref: reference });
  const ref = asked.data ? `${asked.data.name}@${asked.data.version}` : reference;
  return (
    <>
      <PageHeader
        crumbs={<a href="#/transforms">Transforms</a>}
        title={ref}
        refresh={asked.refresh}
        busy={asked.busy}
        cli={cli("transform show", [ref], {}, address.value)}
        python={pythonClient(address.value, `print(client.transform(${python(ref)}).card)`)}
      />
      <Shown asked={asked} what={reference}>
        {(reply) => <Transform reply={reply} ref_={`${reply.name}@${reply.version}`} />}
      </Shown>
    </>
  );
}

function Transform({ reply, ref_ }: { reply: Reply; ref_: string }) {
  const { record } = reply;
  const why = refusal(record);
  return (
    <>
      <p class={why === "" ? "verdict good" : "verdict warn"}>
        {why === "" ? "An alias may point to this version: its interval of G is above 0." : `No alias takes this version: ${why}.`}
      </p>
      <div class="toolbar">
        <DeleteButton kind="transform" reference={ref_} after={["transforms"]} />
      </div>
      <Facts record={record} />
      {record.card ? <CardPictures card={record.card} family={record.family} /> : <Empty command={cli("transform eval", [ref_], { images: "images/test", save: true }, address.value)}>It has no card.</Empty>}
      <Aliases name={reply.name} version={reply.version} refusal={why} />
      <Versions name={reply.name} current={reply.version} />
    </>
  );
}

function Facts({ record }: { record: TransformRecord }) {
  const { card } = record;
  const layers = (record.layers ?? []).map((layer) => `${layer.in}→${layer.out}${layer.activation !== "none" ? ` ${layer.activation}` : ""}`);
  return (
    <dl class="figures">
      <Figure label="Op" value={<code>{record.op}</code>} meaning="The augmentation of images that it imitates" />
      <Figure label="Family" value={record.family} meaning="The way in which it was fitted" />
      <Figure label="Cost of a row" value={short(card?.multiply_adds ?? 0)} unit="multiply-adds" meaning={MEANING_COST} />
      <Figure label="Pairs" value={count(card?.train_pairs ?? 0)} meaning="Pairs of Φ(x) and Φ(g(x)) that it was fitted to" />
      <Figure label="Fitted in" value={duration(card?.train_seconds ?? 0)} meaning="Time that fitting took" />
      <Figure label="Layers" value={layers.join(", ") || "–"} meaning="Linear layers from input to output, with their activations" />
      <Figure label="Backbone" value={<Digest value={record.backbone} />} meaning="SHA-256 of the file of Φ, whose embeddings it transforms" />
      <Figure label="Created" value={date(record.created_unix_s)} meaning="When this version was registered" />
    </dl>
  );
}

function CardPictures({ card, family }: { card: Card; family: string }) {
  const view = storedView(card);
  const candidates = [...(card.candidates ?? [])].sort((a, b) => b.r2 - a.r2);
  const axis = axisOf([...(card.entries ?? []).map(ofEntry), ...candidates.map(ofCandidate)], view ? [view.r2] : []);
  return (
    <>
      <Section title="Measured on" note={MEANING_G}>
        <IntervalLegend view={view !== null} />
        <Entries entries={card.entries ?? []} axis={axis} view={view?.r2 ?? null} />
        {card.notes && <p class="note">{card.notes}</p>}
      </Section>
      {candidates.length > 0 && (
        <Section title="Families tried" note="All were fitted to the same pairs; the best on held-out pairs was kept">
          <Families candidates={candidates} axis={axis} family={family} />
        </Section>
      )}
      {(card.measures ?? []).length > 0 && (
        <Section title="Further measures">
          <dl class="figures">
            {(card.measures ?? []).map((one) => (
              <Figure key={one.name} label={one.name} value={decimal(one.value, 4)} meaning={measureMeaning(one.name)} />
            ))}
          </dl>
        </Section>
      )}
    </>
  );
}

function ofEntry(entry: CardEntry): Interval {
  return { label: entry.data, value: entry.r2, low: entry.r2_low, high: entry.r2_high };
}

function ofCandidate(one: CardCandidate): Interval {
  return { label: one.family, value: one.r2, low: one.r2_low, high: one.r2_high };
}

function Entries({ entries, axis, view }: { entries: CardEntry[]; axis: [number, number]; view: number | null }) {
  return (
    <Table label="G on each set of pairs" class="cards">
      <thead>
        <tr>
          <th>Pairs of</th>
          <th class="plot-cell">
            G and its 95 % interval
            <IntervalAxis axis={axis} />
          </th>
          <th class="number">G</th>
          <th class="number">
            <Term meaning="Cosine of z with the true z' before, and of Ω(z) with z' after the transform: 1 is perfect">Cosine</Term>
          </th>
          <th class="number">
            <Term meaning="Share of images whose true z' is the nearest to Ω(z) within the retrieval pool">Hit at 1</Term>
          </th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry, index) => (
          <tr key={index}>
            <th scope="row">
              {entry.data}
              <span class="note block">{count(entry.pairs)} pairs</span>
            </th>
            <td class="plot-cell">
              <IntervalPlot interval={ofEntry(entry)} axis={axis} view={index === 0 ? view : null} />
            </td>
            <td class="number">{decimal(entry.r2)}</td>
            <td class="number">
              {decimal(entry.cosine_before)} → {decimal(entry.cosine_after)}
            </td>
            <td class="number">{entry.retrieval_pool > 0 ? decimal(entry.hit1, 2) : "–"}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Families({ candidates, axis, family }: { candidates: CardCandidate[]; axis: [number, number]; family: string }) {
  return (
    <Table label="Families tried" class="cards">
      <thead>
        <tr>
          <th>Family</th>
          <th class="plot-cell">
            G and its 95 % interval
            <IntervalAxis axis={axis} />
          </th>
          <th class="number">G</th>
          <th class="number">
            <Term meaning={MEANING_COST}>Multiply-adds</Term>
          </th>
          <th class="number">Fitted in</th>
        </tr>
      </thead>
      <tbody>
        {candidates.map((one) => (
          <tr key={one.family}>
            <th scope="row">
              {one.family} {one.family === family && <Badge tone="good">kept</Badge>}
              {one.notes && <span class="note block">{one.notes}</span>}
            </th>
            <td class="plot-cell">
              <IntervalPlot interval={ofCandidate(one)} axis={axis} muted={one.family !== family} />
            </td>
            <td class="number">{decimal(one.r2)}</td>
            <td class="number">{short(one.multiply_adds)}</td>
            <td class="number">{duration(one.train_seconds)}</td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Versions({ name, current }: { name: string; current: number }) {
  const asked = useAsk<{ records: Reply[] }>("ListRecords", { kind: "transform", name });
  return (
    <Section title="Versions">
      <Shown asked={asked} what="the versions">
        {(data) => (
          <Table label="Versions">
            <thead>
              <tr>
                <th>Version</th>
                <th>Family</th>
                <th class="number">G</th>
                <th>Alias</th>
                <th>Created</th>
              </tr>
            </thead>
            <tbody>
              {[...data.records]
                .sort((a, b) => b.version - a.version)
                .map((one) => (
                  <VersionRow key={one.version} one={one} current={one.version === current} />
                ))}
            </tbody>
          </Table>
        )}
      </Shown>
    </Section>
  );
}

function VersionRow({ one, current }: { one: Reply; current: boolean }) {
  const why = refusal(one.record);
  const entry = one.record.card?.entries?.[0];
  const ref = `${one.name}@${one.version}`;
  return (
    <tr class={current ? "current" : undefined}>
      <th scope="row">{current ? ref : <a href={href(["transforms", ref])}>{ref}</a>}</th>
      <td>{one.record.family}</td>
      <td class="number">{entry ? decimal(entry.r2) : "–"}</td>
      <td>{why === "" ? "allowed" : `refused: ${why}`}</td>
      <td class="note">{date(one.record.created_unix_s)}</td>
    </tr>
  );
}
