// What only a key of role admin may do. Every action says what it will do before it does it.
import { isAdmin, session } from "../lib/api";
import { href, route } from "../lib/route";
import { CopyButtons, Empty } from "../parts/basics";
import { AuditPanel } from "./admin_audit";
import { BackupsPanel } from "./admin_backups";
import { ConfigPanel } from "./admin_config";
import { GarbagePanel } from "./admin_gc";
import { KeysPanel } from "./admin_keys";
import { VerifyPanel } from "./admin_verify";

const TABS = [
  { id: "keys", name: "Keys", panel: KeysPanel },
  { id: "backups", name: "Backups", panel: BackupsPanel },
  { id: "verify", name: "Verify", panel: VerifyPanel },
  { id: "gc", name: "Garbage", panel: GarbagePanel },
  { id: "config", name: "Configuration", panel: ConfigPanel },
  { id: "audit", name: "Audit log", panel: AuditPanel },
];

export function AdminPage() {
  if (!isAdmin()) return <NotAdmin />;
  const current = TABS.find((tab) => tab.id === (route.value.path[1] ?? "keys")) ?? TABS[0];
  const Panel = current?.panel ?? KeysPanel;
  return (
    <>
      <header class="page-header">
        <div class="page-title">
          <h1 tabIndex={-1}>Admin</h1>
          <p class="lead">Keys, copies and the health of the store. Nothing is changed before you confirm it.</p>
        </div>
      </header>
      <nav class="tabs" aria-label="Parts of Admin">
        {TABS.map((tab) => (
          <a key={tab.id} href={href(["admin", tab.id])} aria-current={tab === current ? "page" : undefined}>
            {tab.name}
          </a>
        ))}
      </nav>
      <Panel />
    </>
  );
}

function NotAdmin() {
  const role = session.value?.role ?? "none";
  return (
    <>
      <header class="page-header">
        <div class="page-title">
          <h1 tabIndex={-1}>Admin</h1>
        </div>
        <CopyButtons />
      </header>
      <Empty command="augstore key create --role admin">
        Keys, backups, verifying, garbage, configuration and the audit log need a key of role admin. Yours has the role {role}, so this console only reads. Whoever runs
        the server makes a key of role admin:
      </Empty>
    </>
  );
}
