// Keys: who may do what, until when.
import { useState } from "preact/hooks";
import { address } from "../lib/address";
import { call } from "../lib/api";
import { cli } from "../lib/commands";
import { date } from "../lib/format";
import type { KeyInfo } from "../lib/types";
import { useAsk } from "../lib/use";
import { Badge, CopyButtons, Empty, Section, Shown, Table } from "../parts/basics";
import { copy, say } from "../parts/clipboard";
import { Confirm, Field, Select } from "../parts/form";

const EXPIRIES = [
  { value: "90d", label: "90 days", seconds: 90 * 86400 },
  { value: "30d", label: "30 days", seconds: 30 * 86400 },
  { value: "7d", label: "7 days", seconds: 7 * 86400 },
  { value: "365d", label: "1 year", seconds: 365 * 86400 },
  { value: "", label: "never: until it is revoked", seconds: 0 },
];

export function keyState(key: KeyInfo, nowS: number): "valid" | "revoked" | "expired" {
  if (key.revoked_unix_s > 0) return "revoked";
  return key.expires_unix_s > 0 && key.expires_unix_s <= nowS ? "expired" : "valid";
}

export function KeysPanel() {
  const asked = useAsk<{ keys: KeyInfo[] }>("ListKeys", {});
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<KeyInfo | null>(null);
  const [secret, setSecret] = useState("");
  return (
    <Section
      title="Keys"
      note="Clients over the network present one; a client on the server's Unix socket needs none"
      tools={
        <div class="copies">
          <button class="button small primary" onClick={() => setCreating(true)}>
            Create a key …
          </button>
          <button class="button small" onClick={asked.refresh}>
            Refresh
          </button>
          <CopyButtons cli={cli("key ls", [], {}, address.value)} />
        </div>
      }
    >
      {secret !== "" && <Secret text={secret} close={() => setSecret("")} />}
      <Shown asked={asked} what="the keys">
        {(data) =>
          data.keys.length === 0 ? (
            <Empty command={cli("key create", [], { role: "read", note: "team vision" }, address.value)}>There is no key yet.</Empty>
          ) : (
            <KeyTable keys={data.keys} revoke={setRevoking} />
          )
        }
      </Shown>
      {creating && <CreatePanel close={() => setCreating(false)} created={(text) => (setSecret(text), asked.refresh())} />}
      {revoking && <RevokePanel id={revoking} close={() => setRevoking(null)} done={asked.refresh} />}
    </Section>
  );
}

function Secret({ text, close }: { text: string; close: () => void }) {
  return (
    <div class="secret" role="status">
      <p>
        <strong>This is the key. It is shown once:</strong> the store keeps only its digest.
      </p>
      <div class="command">
        <code>{text}</code>
        <button class="button small" onClick={() => void copy(text, "Key")}>
          Copy
        </button>
        <button class="button small" onClick={close}>
          I have it
        </button>
      </div>
    </div>
  );
}

function KeyTable({ keys, revoke }: { keys: KeyInfo[]; revoke: (key: KeyInfo) => void }) {
  const now = Date.now() / 1000;
  return (
    <Table label="Keys">
      <thead>
        <tr>
          <th>Key</th>
          <th>Role</th>
          <th>Scope</th>
          <th>Note</th>
          <th>Created</th>
          <th>Ends</th>
          <th>
            <span class="offscreen">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {keys.map((key) => {
          const state = keyState(key, now);
          return (
            <tr key={key.id}>
              <th scope="row">
                <code>{key.id}</code> {state !== "valid" && <Badge tone="bad">{state}</Badge>}
              </th>
              <td>{key.role}</td>
              <td>{key.scope ? <code>{key.scope}</code> : "all collections"}</td>
              <td>{key.note || "–"}</td>
              <td class="note">{date(key.created_unix_s)}</td>
              <td class="note">
                {key.revoked_unix_s > 0 ? date(key.revoked_unix_s) : key.expires_unix_s > 0 ? date(key.expires_unix_s) : "when revoked"}
                {key.previous_until_unix_s > now && <span class="block">old secret until {date(key.previous_until_unix_s)}</span>}
              </td>
              <td class="row-actions">
                {state === "valid" && (
                  <button class="button small" onClick={() => revoke(key)}>
                    Revoke …
                  </button>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

function CreatePanel({ close, created }: { close: () => void; created: (text: string) => void }) {
  const [role, setRole] = useState("read");
  const [scope, setScope] = useState("");
  const [note, setNote] = useState("");
  const [expiry, setExpiry] = useState("90d");
  const ends = EXPIRIES.find((one) => one.value === expiry);
  const run = async () => {
    const seconds = ends?.seconds ?? 0;
    const expires_unix_s = seconds > 0 ? Math.floor(Date.now() / 1000) + seconds : 0;
    const reply = await call<{ text: string }>("CreateKey", { role, scope: role === "admin" ? "" : scope.trim(), expires_unix_s, note });
    created(reply.text);
  };
  const what = { read: "read", write: "read and write", admin: "read, write and administer" }[role] ?? role;
  const where = role !== "admin" && scope.trim() !== "" ? `the collections ${scope.trim()}` : "all collections";
  return (
    <Confirm
      title="Create a key"
      button="Create the key"
      run={run}
      close={close}
      cli={cli("key create", [], { role, scope: role === "admin" ? "" : scope, expires: expiry, note }, address.value)}
    >
      <div class="form-grid">
        <Select label="Role" value={role} onChange={setRole} options={["read", "write", "admin"].map((one) => ({ value: one, label: one }))} hint="Each includes those before it" />
        <Select label="Valid for" value={expiry} onChange={setExpiry} options={EXPIRIES} />
        {role !== "admin" && <Field label="Scope" value={scope} onInput={setScope} hint="A name, or a beginning and *; empty: all" />}
        <Field label="Note" value={note} onInput={setNote} hint="Whose it is" />
      </div>
      <p>
        Whoever has this key may {what} {where}, {ends?.seconds ? `for ${ends.label}` : "until it is revoked"}.
      </p>
    </Confirm>
  );
}

function RevokePanel({ id, close, done }: { id: KeyInfo; close: () => void; done: () => void }) {
  const run = async () => {
    await call("RevokeKey", { id: id.id });
    say(`Key ${id.id} is revoked`);
    done();
  };
  return (
    <Confirm title={`Revoke key ${id.id}`} button={`Revoke ${id.id}`} danger run={run} close={close} cli={cli("key revoke", [id.id], {}, address.value)}>
      <p>
        The key of role {id.role}
        {id.note && ` (${id.note})`} ends at once. Its requests are refused, and its streams end before their next batch. It cannot be given back.
      </p>
    </Confirm>
  );
}
