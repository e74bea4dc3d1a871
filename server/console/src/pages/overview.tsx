// Is the server well, who uses it, what is slow: without scrolling.
import { useMemo } from "preact/hooks";
import { address } from "../lib/address";
import { session } from "../lib/api";
import { cli, pythonClient } from "../lib/commands";
import { bytes, count, duration, percent, plural, short } from "../lib/format";
import { historyRates, rate } from "../lib/rates";
import { href } from "../lib/route";
import { activeStreams, rateStreams, summarise, type RatedStream } from "../lib/summary";
import type { Stats } from "../lib/types";
import { useAsk, useLooks } from "../lib/use";
import { ShareBar, ShareLegend } from "../parts/bars";
import { Empty, Figure, PageHeader, Section, Shown } from "../parts/basics";
import { Chart } from "../parts/chart";

const POLL_MS = 2000;

export function OverviewPage() {
  const asked = useAsk<Stats>("Stats", {}, POLL_MS);
  return (
    <>
      <PageHeader
        title="Overview"
        cli={cli(session.value?.scope === "" ? "top" : "stats", [], {}, address.value)}
        python={pythonClient(address.value, "print(client.stats())")}
      />
      <Shown asked={asked} what="the server's statistics">
        {(stats) => <Overview stats={stats} />}
      </Shown>
    </>
  );
}

function Overview({ stats }: { stats: Stats }) {
  const { before, seconds } = useLooks(stats);
  const rated = rateStreams(stats, before, seconds);
  const summary = summarise(stats, rated);
  const scoped = stats.streams === undefined;
  return (
    <div class="overview">
      <p class={`sentence health-${summary.health}`}>
        <span class="dot" aria-hidden="true" />
        <span>{scoped ? scopedSentence(stats) : summary.text}</span>
      </p>
      {scoped ? <Scoped stats={stats} /> : <Whole stats={stats} before={before} seconds={seconds} rated={rated} />}
    </div>
  );
}

function scopedSentence(stats: Stats): string {
  const writes = stats.takes_writes ? "The server is well" : "The store takes no writes";
  return `${writes}: your key sees ${plural(stats.collections, "version")} of collections.`;
}

function Scoped({ stats }: { stats: Stats }) {
  return (
    <>
      <dl class="figures three">
        <Figure large label="Collection versions" value={count(stats.collections)} meaning="Versions of collections that the scope of your key allows" />
        <Figure large label="Takes writes" value={stats.takes_writes ? "yes" : "no"} meaning="Whether the store accepts new versions; no: its disk is full or failed" />
        <Figure large label="Server" value={stats.version} meaning="Version of augstore that answers" />
      </dl>
      <Empty>
        Rates, streams and sizes tell about all collections. Your key has the scope “{session.value?.scope}”, so the server does not send them. A key without a scope
        shows them.
      </Empty>
    </>
  );
}

interface WholeProps {
  stats: Stats;
  before: Stats | null;
  seconds: number;
  rated: RatedStream[];
}

function Whole({ stats, before, seconds, rated }: WholeProps) {
  const active = activeStreams(rated);
  const rows = rate(stats.rows, before?.rows, seconds);
  const waiting = active.length > 0 ? active.reduce((sum, { rate: one }) => sum + one.server, 0) / active.length : 0;
  if (stats.collections === 0) {
    return (
      <Empty command={cli("ingest", [], { collection: "photos", images: "images/train", split: "train" }, address.value)}>
        The store is empty. The first images make the first collection; AUGSTORE_BACKBONE names the backbone that embeds them.
      </Empty>
    );
  }
  return (
    <>
      <dl class="figures three">
        <Figure large label="Throughput" value={before ? short(rows) : "…"} unit="rows/s" meaning="Rows of batches and queries that the server sent, per second, over the last 2 s" />
        <Figure large label="Streams being read" value={count(active.length)} meaning="Streams whose client asked for a batch within the last 10 s" />
        <Figure large label="Waiting for the server" value={percent(waiting)} meaning="Mean share of their time in which these streams waited for the server to build a batch. Above 30 % a faster server, or stored views, would help" />
      </dl>
      <Throughput stats={stats} />
      <div class="columns">
        <Streams rated={rated} />
        <Store stats={stats} />
      </div>
    </>
  );
}

function Throughput({ stats }: { stats: Stats }) {
  const minute = Math.floor(Date.now() / 10_000);
  const line = useMemo(() => (stats.history ? historyRates(stats.history, Date.now() / 1000) : null), [stats.store_id, minute]);
  if (!line) return null;
  const most = Math.max(0, ...line.y);
  const mean = line.y.length > 0 ? line.y.reduce((sum, value) => sum + value, 0) / line.y.length : 0;
  return (
    <Section title="Throughput of the last hour" note={`Rows a second, mean of each minute; at most ${short(most)}, on average ${short(mean)}`}>
      {line.y.length < 2 ? (
        <p class="note">The server runs for less than two minutes: the line begins then.</p>
      ) : (
        <Chart x={line.x} y={line.y} unit="rows/s" height={230} label={`Rows per second over the last ${plural(line.y.length, "minute")}: at most ${short(most)}, on average ${short(mean)}, now ${short(line.y[line.y.length - 1] ?? 0)}`} />
      )}
    </Section>
  );
}

const SHOWN = 4;

function Streams({ rated }: { rated: RatedStream[] }) {
  const sorted = [...rated].sort((a, b) => b.rate.server - a.rate.server).slice(0, SHOWN);
  return (
    <Section title="Who reads, and what they wait for" tools={<a href="#/streams">All streams</a>}>
      {sorted.length === 0 ? (
        <p class="note">No client reads a stream now.</p>
      ) : (
        <ul class="brief">
          {sorted.map(({ stream, rate: one }) => (
            <li key={stream.id}>
              <span>
                <a href={href(["collections", stream.collection])}>{stream.collection}</a> <span class="note">{stream.who}</span>
              </span>
              <span class="number">{short(one.rowsPerSecond)} rows/s</span>
              <ShareBar
                label={stream.collection}
                parts={[
                  { name: "waits for the server", share: one.server, tone: "server" },
                  { name: "waits for the client", share: one.client, tone: "client" },
                ]}
              />
            </li>
          ))}
        </ul>
      )}
      <ShareLegend parts={[{ name: "waits for the server", tone: "server" }, { name: "waits for the client", tone: "client" }]} />
    </Section>
  );
}

function Store({ stats }: { stats: Stats }) {
  const rows = (stats.spaces ?? []).reduce((sum, space) => sum + space.rows, 0);
  return (
    <Section title="Store">
      <dl class="figures small">
        <Figure label="Collection versions" value={count(stats.collections)} meaning="Versions of all collections in the store" />
        <Figure label="Rows" value={short(rows)} meaning="Stored embeddings of all backbones and dtypes, stored views and pairs included" />
        <Figure label="On disk" value={bytes(stats.disk_bytes ?? 0)} meaning="Bytes of the store's files" />
        <Figure label="Rows in memory" value={`${bytes(stats.resident_bytes ?? 0)} of ${bytes(stats.memory_budget_bytes ?? 0)}`} meaning="Segments of rows that are kept in memory, of what --memory allows" />
        <Figure label="Connections" value={count(stats.connections ?? 0)} meaning="Clients that are connected now" />
        <Figure label="Up for" value={duration(stats.uptime_s ?? 0)} meaning="Time since the server began" />
      </dl>
    </Section>
  );
}
