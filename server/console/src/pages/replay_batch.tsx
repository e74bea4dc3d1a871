// What is in one batch: how its rows divide into chains, and each row with sample, label and chain.
import { useEffect, useState } from "preact/hooks";
import { call, session } from "../lib/api";
import { count, percent } from "../lib/format";
import type { BatchReply, OpenedStream, SampleChunk } from "../lib/types";
import { Table } from "../parts/basics";
import { Thumbnail } from "../parts/thumbnail";

const PAGE = 24;
const LANES = 6; // requests at once

export function chainCounts(batch: BatchReply, chains: string[]): { chain: string; rows: number }[] {
  const rows = chains.map((chain) => ({ chain, rows: 0 }));
  for (const chain of batch.chains) {
    const row = rows[chain];
    if (row) ++row.rows;
  }
  return rows.filter((one) => one.rows > 0);
}

// The API has samples by ranges alone, so the keys of scattered samples are asked for one by one.
function useKeys(collection: string, ids: number[]): Record<number, string> {
  const [keys, setKeys] = useState<Record<number, string>>({});
  const wanted = ids.join(",");
  useEffect(() => {
    const abort = new AbortController();
    const waiting = [...ids];
    const read = async () => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        const asked = id;
        const reply = await call<{ samples: SampleChunk }>("GetSamples", { collection, begin: asked, count: 1 }, abort.signal);
        setKeys((old) => ({ ...old, [asked]: reply.samples.keys[0] ?? "" }));
      }
    };
    for (let lane = 0; lane < LANES; ++lane) read().catch(() => undefined); // keys are left out; the banner or the batch says what is wrong
    return () => abort.abort();
  }, [collection, wanted]);
  return keys;
}

export function BatchTable({ batch, info }: { batch: BatchReply; info: OpenedStream }) {
  const [page, setPage] = useState(0);
  const rows = batch.sample_ids.length;
  const begin = Math.min(page * PAGE, Math.max(0, Math.floor((rows - 1) / PAGE) * PAGE));
  const shown = batch.sample_ids.slice(begin, begin + PAGE);
  const keys = useKeys(info.spec.collection, shown);
  const images = session.value?.images ?? false;
  return (
    <>
      <p class="chips">
        {count(rows)} rows:{" "}
        {chainCounts(batch, info.chains).map((one) => (
          <span key={one.chain} class="chip">
            <code>{one.chain}</code> {count(one.rows)} <span class="note">{percent(one.rows / rows)}</span>
          </span>
        ))}
      </p>
      <Table label="Rows of the batch">
        <thead>
          <tr>
            {images && <th>Image</th>}
            <th class="number">Sample</th>
            <th>Key</th>
            <th>Label</th>
            <th>Chain</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((sample, offset) => {
            const label = batch.labels[begin + offset] ?? -1;
            const name = label < 0 ? "unlabelled" : (info.classes[label] ?? String(label));
            return (
              <tr key={`${begin + offset}`}>
                {images && (
                  <td class="thumb-cell">
                    <Thumbnail collection={info.spec.collection} sample={sample} label={`Sample ${sample}: ${name}`} />
                  </td>
                )}
                <td class="number">{count(sample)}</td>
                <td class="note wrap">{keys[sample] ?? "…"}</td>
                <td>{name}</td>
                <td>
                  <code>{info.chains[batch.chains[begin + offset] ?? 0] ?? ""}</code>
                </td>
              </tr>
            );
          })}
        </tbody>
      </Table>
      {rows > PAGE && (
        <nav class="pager" aria-label="Rows of the batch">
          <button class="button small" disabled={begin === 0} onClick={() => setPage(begin / PAGE - 1)}>
            Previous rows
          </button>
          <span class="note">
            rows {count(begin)} to {count(Math.min(begin + PAGE, rows) - 1)} of {count(rows)}
          </span>
          <button class="button small" disabled={begin + PAGE >= rows} onClick={() => setPage(begin / PAGE + 1)}>
            Next rows
          </button>
        </nav>
      )}
    </>
  );
}
