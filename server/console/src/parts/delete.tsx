// Deleting one version: the server is first asked what goes with it, and that is shown before anything is done.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call, isAdmin } from "../lib/api";
import { cli } from "../lib/commands";
import { plural } from "../lib/format";
import { go } from "../lib/route";
import type { Kind } from "../lib/types";
import { forgetReplies, useAsk } from "../lib/use";
import { Shown } from "./basics";
import { say } from "./clipboard";
import { Confirm } from "./form";

interface Deleted {
  records: { kind: Kind; name: string; version: number; alias: string; reason: string }[];
  applied: boolean;
}

interface DeleteProps {
  kind: "collection" | "transform" | "head";
  reference: string;
  after: string[];
}

export function DeleteButton({ kind, reference, after }: DeleteProps) {
  const [open, setOpen] = useState(false);
  if (!isAdmin()) return null;
  return (
    <>
      <button class="button" onClick={() => setOpen(true)}>
        Delete …
      </button>
      {open && <DeletePanel kind={kind} reference={reference} after={after} close={() => setOpen(false)} />}
    </>
  );
}

function DeletePanel({ kind, reference, after, close }: DeleteProps & { close: () => void }) {
  const asked = useAsk<Deleted>("DeleteRecord", { kind, ref: reference, cascade: true, preview: true });
  const run = async () => {
    await call("DeleteRecord", { kind, ref: reference, cascade: true, preview: false });
    forgetReplies();
    say(`${reference} is deleted`);
    go(after);
  };
  return (
    <Confirm
      title={`Delete ${kind} ${reference}`}
      button={`Delete ${reference}`}
      danger
      run={run}
      close={close}
      cli={cli(`${kind} delete`, [reference], { cascade: true }, address.value)}
    >
      <Shown asked={asked} what="what goes with it">
        {(data) => (
          <>
            <p>{plural(data.records.length, "record")} will be deleted, and no version number is used again:</p>
            <ul>
              {data.records.map((one) => (
                <li key={`${one.kind} ${one.name} ${one.version} ${one.alias}`}>
                  {one.kind} <code>{one.alias ? `${one.name}@${one.alias}` : `${one.name}@${one.version}`}</code>
                  {one.reason && <span class="note">, {one.reason}</span>}
                </li>
              ))}
            </ul>
            <p class="note">Embeddings stay until garbage is collected.</p>
          </>
        )}
      </Shown>
    </Confirm>
  );
}
