// Verifying reads everything and changes nothing.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call } from "../lib/api";
import { cli } from "../lib/commands";
import { count, plural } from "../lib/format";
import { useSteps } from "../lib/steps";
import { Progress } from "../parts/bars";
import { CopyButtons, Failure, Section } from "../parts/basics";

interface Verified {
  cursor: string;
  checked: number;
  total: number;
  problems: string[];
}

export function VerifyPanel() {
  const steps = useSteps<Verified>();
  const [problems, setProblems] = useState<string[]>([]);
  const begin = () => {
    setProblems([]);
    steps.start(
      null,
      (last) => call<Verified>("Verify", { cursor: last?.cursor ?? "" }),
      (reply) => reply.cursor !== "",
      (reply) => setProblems((old) => [...old, ...(reply.problems ?? [])]),
    );
  };
  const { last, running, error } = steps;
  const done = last !== null && !running && error === null && last.cursor === "";
  return (
    <Section
      title="Verify"
      note="Reads every row and record, and checks every checksum, digest and reference. It changes nothing; the store is used meanwhile"
      tools={<CopyButtons cli={cli("verify", [], {}, address.value)} />}
    >
      <div class="toolbar">
        <button class="button primary" disabled={running} onClick={begin}>
          {running ? "Verifying …" : "Verify the store"}
        </button>
        {running && (
          <button class="button" onClick={steps.stop}>
            Stop
          </button>
        )}
      </div>
      {error && <Failure error={error} retry={begin} />}
      {last && <Progress done={last.checked} total={last.total} label="Verified" />}
      {last && (
        <p class="note" role="status">
          {count(last.checked)} of {count(last.total)} checked, {plural(problems.length, "problem")}
        </p>
      )}
      {done && problems.length === 0 && <p class="verdict good">The store is whole.</p>}
      {problems.length > 0 && (
        <div class="failure">
          <p>
            <strong>{plural(problems.length, "problem")}</strong>. <code>augstore repair --rows</code> says which images have lost their rows; a backup restores the rest.
          </p>
          <ul>
            {problems.map((problem) => (
              <li key={problem}>{problem}</li>
            ))}
          </ul>
        </div>
      )}
    </Section>
  );
}
