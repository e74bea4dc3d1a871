// Backups: which there are, and making one.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call } from "../lib/api";
import { cli } from "../lib/commands";
import { bytes, count, date } from "../lib/format";
import { useSteps } from "../lib/steps";
import { useAsk } from "../lib/use";
import { Progress } from "../parts/bars";
import { Badge, CopyButtons, Empty, Failure, Section, Shown, Table } from "../parts/basics";
import { Confirm, Field } from "../parts/form";

interface Backup {
  id: number;
  problem: string;
  created_unix_s?: number;
  bytes?: number;
  copied_bytes?: number;
  collections?: number;
  transforms?: number;
  heads?: number;
}

interface BackupRun {
  total_bytes: number;
  copied_bytes: number;
  json: unknown; // the description of the backup; empty while it is made
  code?: string | number;
  message: string;
}

const POLL_MS = 1000;

// The run goes on while it has neither a description nor a failure.
export function isGoing(run: BackupRun): boolean {
  const made = typeof run.json === "string" ? run.json !== "" : run.json !== null && run.json !== undefined;
  return !made && run.message === "";
}

// A number that no other run has: drawn, as crypto.randomUUID is there over https alone.
function drawRun(): number {
  return 1 + Math.floor(Math.random() * 2 ** 52);
}

export function BackupsPanel() {
  const [folder, setFolder] = useState("");
  const asked = useAsk<{ backups: Backup[] }>("ListBackups", { folder, id: 0 });
  const [asking, setAsking] = useState(false);
  const steps = useSteps<BackupRun>();
  const begin = (rate: number) => {
    const run = drawRun();
    const next = async (last: BackupRun | null) => {
      if (last === null) await call("StartBackup", { run, folder, bytes_per_second: rate });
      return call<BackupRun>("GetBackup", { run });
    };
    const each = (reply: BackupRun) => !isGoing(reply) && asked.refresh();
    steps.start(null, next, isGoing, each, POLL_MS);
  };
  return (
    <Section
      title="Backups"
      note="Copies of the whole store below the server's --backup-dir. Those after the first copy only what is new"
      tools={
        <div class="copies">
          <button class="button small primary" disabled={steps.running} onClick={() => setAsking(true)}>
            Back up …
          </button>
          <button class="button small" onClick={asked.refresh}>
            Refresh
          </button>
          <CopyButtons cli={cli("backup ls", [], { from: folder }, address.value)} />
        </div>
      }
    >
      <Field label="Folder below --backup-dir" value={folder} onInput={setFolder} hint="Empty: --backup-dir itself" />
      {steps.error && <Failure error={steps.error} />}
      {steps.last && <RunProgress run={steps.last} running={steps.running} />}
      <Shown asked={asked} what="the backups">
        {(data) =>
          data.backups.length === 0 ? (
            <Empty command={cli("backup create", [], { to: folder }, address.value)}>There is no backup here yet.</Empty>
          ) : (
            <BackupTable backups={data.backups} folder={folder} />
          )
        }
      </Shown>
      {asking && <BackupPanel folder={folder} begin={begin} close={() => setAsking(false)} />}
    </Section>
  );
}

function RunProgress({ run, running }: { run: BackupRun; running: boolean }) {
  return (
    <>
      <Progress done={run.copied_bytes} total={run.total_bytes} label="Copied" />
      <p class={run.message ? "failure" : "note"} role="status">
        {run.message || `${bytes(run.copied_bytes)} of ${bytes(run.total_bytes)} copied${running ? "" : ": the backup is complete"}`}
      </p>
    </>
  );
}

function BackupPanel({ folder, begin, close }: { folder: string; begin: (rate: number) => void; close: () => void }) {
  const [rate, setRate] = useState("");
  const limit = Number(rate) || 0;
  const where = folder === "" ? "the folder --backup-dir" : `the folder ${folder} below --backup-dir`;
  return (
    <Confirm
      title="Back up the store"
      button="Begin the backup"
      run={async () => begin(Math.round(limit * 1e6))}
      close={close}
      cli={cli("backup create", [], { to: folder, rate: limit || undefined }, address.value)}
    >
      <p>
        The store as it is now is copied into {where}, while streams go on. What an earlier backup there has is not copied again. The audit log is not part of it.
      </p>
      <Field label="MB a second at most" type="number" value={rate} onInput={setRate} hint="Empty: as fast as it goes" />
    </Confirm>
  );
}

function BackupTable({ backups, folder }: { backups: Backup[]; folder: string }) {
  return (
    <Table label="Backups">
      <thead>
        <tr>
          <th>Backup</th>
          <th>Made</th>
          <th class="number">Size</th>
          <th class="number">Collections</th>
          <th class="number">Transforms</th>
          <th class="number">Heads</th>
          <th>
            <span class="offscreen">Copy</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {[...backups].reverse().map((backup) => (
          <tr key={backup.id}>
            <th scope="row">
              {backup.id} {backup.problem && <Badge tone="bad">{backup.problem}</Badge>}
            </th>
            <td class="note">{backup.created_unix_s ? date(backup.created_unix_s) : "–"}</td>
            <td class="number">{backup.bytes === undefined ? "–" : bytes(backup.bytes)}</td>
            <td class="number">{backup.collections === undefined ? "–" : count(backup.collections)}</td>
            <td class="number">{backup.transforms === undefined ? "–" : count(backup.transforms)}</td>
            <td class="number">{backup.heads === undefined ? "–" : count(backup.heads)}</td>
            <td class="row-actions">
              <CopyButtons link={false} cli={cli("backup ls", [], { from: folder, id: backup.id }, address.value)} />
            </td>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}
