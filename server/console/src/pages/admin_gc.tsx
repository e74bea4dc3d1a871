// Garbage: rows that no collection and no pair names. It is counted first, and given back when that is confirmed.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call } from "../lib/api";
import { cli } from "../lib/commands";
import { bytes, count, plural } from "../lib/format";
import { useSteps } from "../lib/steps";
import type { U64 } from "../lib/types";
import { Progress } from "../parts/bars";
import { CopyButtons, Failure, Section } from "../parts/basics";
import { Check, Confirm } from "../parts/form";

interface Garbage {
  run: U64;
  phase: string;
  done: number;
  total: number;
  segments: number;
  rows: number;
  bytes: number;
  kept_rows: number;
}

export function GarbagePanel() {
  const steps = useSteps<Garbage>();
  const [pairs, setPairs] = useState(false);
  const [applied, setApplied] = useState(false);
  const [asking, setAsking] = useState<Garbage | null>(null); // what was counted, as a new run forgets it
  // What was counted is not what would be given back any more.
  const choose = (next: boolean) => {
    setPairs(next);
    steps.clear();
  };
  const begin = (apply: boolean) => {
    setApplied(apply);
    steps.start(
      null,
      (last) => call<Garbage>("Garbage", { run: last?.run ?? 0, apply, pairs }),
      (reply) => reply.phase !== "",
    );
  };
  const { last, running, error } = steps;
  const done = last !== null && last.phase === "" && !running && error === null;
  return (
    <Section
      title="Garbage"
      note="Rows that no sample of any version and no pair names. Whole segments of 256 rows are given back; streams go on meanwhile"
      tools={<CopyButtons cli={cli("gc", [], { pairs }, address.value)} />}
    >
      <Check label="Count pairs, too, of images that no collection has (training on them again embeds them again)" checked={pairs} onChange={choose} />
      <div class="toolbar">
        <button class="button primary" disabled={running} onClick={() => begin(false)}>
          {running && !applied ? "Counting …" : "Count the garbage"}
        </button>
        <button class="button" disabled={running || !done || applied || last.segments === 0} title={done ? undefined : "Count it first"} onClick={() => setAsking(last)}>
          Give it back …
        </button>
      </div>
      {error && <Failure error={error} />}
      {running && last && <Progress done={last.done} total={last.total} label={last.phase} />}
      {running && last && <p class="note">{last.phase}</p>}
      {done && (
        <p class={applied ? "verdict good" : "verdict"} role="status">
          {last.segments === 0
            ? "There is no garbage: no whole segment is without a name."
            : `${applied ? "Given back" : "To be given back"}: ${plural(last.segments, "segment")} with ${count(last.rows)} rows, ${bytes(last.bytes)}.`}
          {last.kept_rows > 0 && ` ${count(last.kept_rows)} further rows stay, as their segments hold rows that are in use.`}
        </p>
      )}
      {asking && (
        <Confirm
          title="Give garbage back"
          button={`Give ${bytes(asking.bytes)} back`}
          danger
          run={async () => begin(true)}
          close={() => setAsking(null)}
          cli={cli("gc", [], { apply: true, pairs }, address.value)}
        >
          <p>
            {plural(asking.segments, "segment")} with {count(asking.rows)} rows are deleted from the store. Images that had them are embedded again when they are ingested
            again.{pairs && " Pairs of images that no collection has are among them."}
          </p>
        </Confirm>
      )}
    </Section>
  );
}
