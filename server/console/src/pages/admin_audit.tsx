// The audit log: who wrote what, and who was refused what. The newest is first.
import { address } from "../lib/address";
import { cli } from "../lib/commands";
import { count } from "../lib/format";
import { route, setQuery } from "../lib/route";
import { useAsk } from "../lib/use";
import { Badge, CopyButtons, Section, Shown, Table } from "../parts/basics";
import { Check, Field, Select } from "../parts/form";

interface AuditLine {
  time: string;
  who?: string;
  role?: string;
  from?: string;
  what?: string;
  target?: string;
  outcome?: string;
  result?: string;
  reason?: string;
  lost?: number;
}

export function AuditPanel() {
  const { query } = route.value;
  const lines = Number(query.lines) || 200;
  const failures = query.failures === "yes";
  const find = query.find ?? "";
  const asked = useAsk<{ lines: AuditLine[] }>("ReadAudit", { lines });
  return (
    <Section
      title="Audit log"
      note="Every write and every refusal, in UTC"
      tools={
        <div class="copies">
          <button class="button small" onClick={asked.refresh}>
            Refresh
          </button>
          <CopyButtons cli={cli("audit", [], { failures }, address.value)} />
        </div>
      }
    >
      <div class="toolbar">
        <Field label="Find" type="search" value={find} onInput={(next) => setQuery({ find: next })} search />
        <Select label="Lines" value={String(lines)} onChange={(next) => setQuery({ lines: next })} options={["50", "200", "1000"].map((one) => ({ value: one, label: `the last ${one}` }))} />
        <Check label="Only what was refused or failed" checked={failures} onChange={(on) => setQuery({ failures: on ? "yes" : undefined })} />
      </div>
      <Shown asked={asked} what="the audit log">
        {(data) => <Lines lines={data.lines.filter((line) => matches(line, find, failures))} />}
      </Shown>
    </Section>
  );
}

function matches(line: AuditLine, find: string, failures: boolean): boolean {
  if (failures && line.outcome === "Ok") return false;
  return find === "" || Object.values(line).join(" ").toLowerCase().includes(find.toLowerCase());
}

function Lines({ lines }: { lines: AuditLine[] }) {
  if (lines.length === 0) return <p class="note">No line is like that.</p>;
  return (
    <Table label="Audit log" class="audit">
      <thead>
        <tr>
          <th>Time</th>
          <th>Who</th>
          <th>What</th>
          <th>Target</th>
          <th>Outcome</th>
        </tr>
      </thead>
      <tbody>
        {[...lines].reverse().map((line, index) => (
          <tr key={`${line.time} ${index}`}>
            <td class="note number">{line.time.replace("T", " ").replace(/\.\d+Z$/, "")}</td>
            {line.lost === undefined ? <Fields line={line} /> : <td colSpan={4}>{`${count(line.lost)} lines were lost: ${line.reason ?? ""}`}</td>}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

function Fields({ line }: { line: AuditLine }) {
  return (
    <>
      <td>
        {line.who}
        <span class="note block">
          {line.role} {line.from}
        </span>
      </td>
      <td>{line.what}</td>
      <td>
        <code>{line.target}</code>
        {line.result && line.result !== line.target && <span class="note block">{line.result}</span>}
      </td>
      <td>
        <Badge tone={line.outcome === "Ok" ? "plain" : "bad"}>{line.outcome ?? ""}</Badge>
        {line.reason && <span class="note block">{line.reason}</span>}
      </td>
    </>
  );
}
