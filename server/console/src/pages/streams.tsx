// Who reads which stream, how fast, and where its time goes; and the replay of any batch.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call, isAdmin, session } from "../lib/api";
import { cli, pythonClient } from "../lib/commands";
import { count, duration, percent, short } from "../lib/format";
import { stageShares } from "../lib/rates";
import { href } from "../lib/route";
import { rateStreams, type RatedStream } from "../lib/summary";
import type { Stats, StreamRow } from "../lib/types";
import { useAsk, useLooks } from "../lib/use";
import { ShareBar, ShareLegend } from "../parts/bars";
import { Empty, PageHeader, Section, Shown, Table } from "../parts/basics";
import { say } from "../parts/clipboard";
import { Confirm } from "../parts/form";
import { Term } from "../parts/tooltip";
import { Replay } from "./replay";

const POLL_MS = 2000;

export function StreamsPage() {
  const asked = useAsk<Stats>("Stats", {}, POLL_MS);
  return (
    <>
      <PageHeader
        title="Streams"
        lead="A stream is a collection read by a policy, seed and batch size. Rates are of the last 2 s."
        cli={cli("top", [], {}, address.value)}
        python={pythonClient(address.value, 'print(client.stats()["streams"])')}
      />
      <Shown asked={asked} what="the streams">
        {(stats) => <Streams stats={stats} />}
      </Shown>
      <Replay streams={asked.data?.streams ?? []} />
    </>
  );
}

function Streams({ stats }: { stats: Stats }) {
  const { before, seconds } = useLooks(stats);
  if (!stats.streams) {
    return <Empty>Your key has the scope “{session.value?.scope}”, so the server does not say who reads what. Replaying a batch works all the same.</Empty>;
  }
  const rated = rateStreams(stats, before, seconds);
  return (
    <>
      {rated.length === 0 ? (
        <Empty command={cli("stream", [], { collection: "photos", split: "train", policy: "identity:1" }, address.value)}>No client reads a stream now. This command reads one and prints its rate:</Empty>
      ) : (
        <StreamTable rated={rated} />
      )}
      {stats.stages_s && <Stages now={stats} before={before} />}
    </>
  );
}

const PARTS = [
  { name: "waits for the server", tone: "server" },
  { name: "waits for the client or the network", tone: "client" },
  { name: "neither", tone: "rest" },
];

function StreamTable({ rated }: { rated: RatedStream[] }) {
  const [stopping, setStopping] = useState<StreamRow | null>(null);
  return (
    <>
      <Table label="Streams" class="streams">
        <thead>
          <tr>
            <th>Stream</th>
            <th>Client</th>
            <th class="number">
              <Term meaning="Rows per second that the server sent of this stream over the last 2 s">Rate</Term>
            </th>
            <th class="bar-head">
              <Term meaning="Shares of the last 2 s in which the connection waited for the server to build a batch, or for the client or the network to take one">Where the time goes</Term>
            </th>
            <th>
              <Term meaning="Epoch, and step of all steps of the epoch, after the last batch that was made">Position</Term>
            </th>
            <th>
              <span class="offscreen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rated.map((one) => (
            <Row key={one.stream.id} one={one} stop={setStopping} />
          ))}
        </tbody>
      </Table>
      <ShareLegend parts={PARTS} />
      {!isAdmin() && <p class="note">Stopping a stream needs a key of role admin.</p>}
      {stopping && <StopPanel stream={stopping} close={() => setStopping(null)} />}
    </>
  );
}

function Row({ one, stop }: { one: RatedStream; stop: (stream: StreamRow) => void }) {
  const { stream, rate } = one;
  const rest = Math.max(0, 1 - rate.server - rate.client);
  return (
    <tr>
      <th scope="row">
        <a href={href(["collections", stream.collection])}>{stream.collection}</a>
        <code class="block note">{stream.policy}</code>
      </th>
      <td>
        {stream.who}
        <span class="note block">
          {stream.peer}
          {stream.world_size > 1 && `, rank ${stream.rank} of ${stream.world_size}`}
        </span>
      </td>
      <td class="number">
        {short(rate.rowsPerSecond)} <span class="unit">rows/s</span>
        {stream.idle_s > 0 && <span class="note block">idle {duration(stream.idle_s)}</span>}
      </td>
      <td class="bar-cell">
        <ShareBar
          label={`${stream.collection} of ${stream.who}`}
          parts={[
            { name: "waits for the server", share: rate.server, tone: "server" },
            { name: "waits for the client", share: rate.client, tone: "client" },
            { name: "neither", share: rest, tone: "rest" },
          ]}
        />
        <span class="note">
          server {percent(rate.server)}, client {percent(rate.client)}
        </span>
      </td>
      <td>
        epoch {count(stream.epoch)}
        <span class="note block">
          step {count(stream.step)} of {count(stream.steps)}
        </span>
      </td>
      <td class="row-actions">
        <a class="button small" href={href(["streams"], { stream: stream.id, collection: stream.collection, policy: stream.policy, batch: stream.batch_size, epoch: stream.epoch, step: Math.max(0, stream.step - 1) })}>
          Replay
        </a>
        {isAdmin() && (
          <button class="button small" onClick={() => stop(stream)}>
            Stop …
          </button>
        )}
      </td>
    </tr>
  );
}

function StopPanel({ stream, close }: { stream: StreamRow; close: () => void }) {
  const run = async () => {
    await call("StopStream", { id: stream.id });
    say("The stream is stopped");
  };
  return (
    <Confirm title={`Stop the stream of ${stream.who}`} button="Stop the stream" danger run={run} close={close}>
      <p>
        The server ends the stream of <code>{stream.collection}</code> with policy <code>{stream.policy}</code> to {stream.peer} before its next batch. The client
        is told; it may begin again where it was, and loses nothing.
      </p>
    </Confirm>
  );
}

const STAGE_MEANING = {
  store: "Gathering rows from segments",
  transform: "Applying transforms",
  encode: "Writing replies",
} as const;

function Stages({ now, before }: { now: Stats; before: Stats | null }) {
  if (!now.stages_s) return null;
  const recent = stageShares(now.stages_s, before?.stages_s);
  const busy = recent.some((stage) => stage.seconds > 0);
  const stages = busy ? recent : stageShares(now.stages_s, undefined);
  const parts = stages.map((stage) => ({ name: stage.name, share: stage.share, tone: stage.name, text: percent(stage.share) }));
  return (
    <Section title="Where the server's workers spend their time" note={busy ? "Shares of the last 2 s, of all streams and queries" : "Shares since the server began, as it built nothing in the last 2 s"}>
      <ShareBar label="Stages" parts={parts} />
      <ShareLegend parts={parts.map((part) => ({ ...part, name: `${part.name}: ${STAGE_MEANING[part.name as keyof typeof STAGE_MEANING].toLowerCase()}` }))} />
    </Section>
  );
}
