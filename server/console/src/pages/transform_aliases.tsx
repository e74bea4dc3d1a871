// Where the aliases of a transform have pointed, and moving one.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call, isAdmin } from "../lib/api";
import { cli } from "../lib/commands";
import { date } from "../lib/format";
import { href } from "../lib/route";
import type { AliasMove, RecordReply } from "../lib/types";
import { useAsk } from "../lib/use";
import { Badge, Empty, Failure, Section, Table } from "../parts/basics";
import { say } from "../parts/clipboard";
import { Confirm, Field } from "../parts/form";

interface AliasesProps {
  name: string;
  version: number;
  refusal: string;
}

export function Aliases({ name, version, refusal }: AliasesProps) {
  const asked = useAsk<RecordReply<{ moves: AliasMove[] }>>("GetRecord", { kind: "aliases", ref: `transform/${name}` });
  const [open, setOpen] = useState(false);
  const moves = asked.data?.record.moves ?? [];
  const none = asked.error?.code === "NotFound" || (asked.data !== null && moves.length === 0);
  return (
    <Section
      title="Alias history"
      note="An alias is a movable name for a version; every move is kept"
      tools={
        isAdmin() && (
          <button class="button small" disabled={refusal !== ""} title={refusal === "" ? undefined : `Not possible: ${refusal}`} onClick={() => setOpen(true)}>
            Point an alias here …
          </button>
        )
      }
    >
      {asked.error && asked.error.code !== "NotFound" && asked.error.status !== 0 && <Failure error={asked.error} retry={asked.refresh} />}
      {none && <Empty command={cli("transform alias", [name, "champion", String(version)], { note: "why" }, address.value)}>No alias has pointed to {name}.</Empty>}
      {moves.length > 0 && <Moves moves={moves} name={name} />}
      {open && <MovePanel name={name} version={version} close={() => setOpen(false)} done={asked.refresh} />}
    </Section>
  );
}

function Moves({ moves, name }: { moves: AliasMove[]; name: string }) {
  const newest = [...moves].reverse();
  const seen = new Set<string>();
  return (
    <Table label="Moves of aliases">
      <thead>
        <tr>
          <th>Alias</th>
          <th>To</th>
          <th>When</th>
          <th>Why</th>
        </tr>
      </thead>
      <tbody>
        {newest.map((move, index) => {
          const now = !seen.has(move.alias);
          seen.add(move.alias);
          return (
            <tr key={index}>
              <th scope="row">
                {move.alias} {now && <Badge tone="good">now</Badge>}
              </th>
              <td>
                <a href={href(["transforms", `${name}@${move.version}`])}>
                  {name}@{move.version}
                </a>{" "}
                {move.forced && <Badge tone="warn">forced</Badge>}
              </td>
              <td class="note">{date(move.unix_s)}</td>
              <td>{move.note || "–"}</td>
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function MovePanel({ name, version, close, done }: { name: string; version: number; close: () => void; done: () => void }) {
  const [alias, setAlias] = useState("champion");
  const [note, setNote] = useState("");
  const run = async () => {
    await call("SetAlias", { kind: "transform", name, alias, version, note });
    say(`${name}@${alias} points to version ${version}`);
    done();
  };
  return (
    <Confirm
      title={`Point ${name}@${alias} to version ${version}`}
      button="Move the alias"
      run={run}
      close={close}
      cli={cli("transform alias", [name, alias, String(version)], { note }, address.value)}
    >
      <p>
        Policies that name <code>{`${name}@${alias}`}</code> draw version {version} from now on. Streams that are open keep what they resolved to.
      </p>
      <Field label="Alias" value={alias} onInput={setAlias} />
      <Field label="Why" value={note} onInput={setNote} hint="Kept in the history" wide />
    </Confirm>
  );
}
