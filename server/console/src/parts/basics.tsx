// Small parts that every page uses.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { ApiError } from "../lib/api";
import type { Asked } from "../lib/use";
import { copy } from "./clipboard";
import { Term } from "./tooltip";

export interface Ways {
  cli?: string;
  python?: string;
}

const NO_CLI = "The program augstore has no command for this";
const NO_PYTHON = "The Python client has no call for this";

// The buttons of a page also say what there is no way for; those of a part, without a link, leave it out.
export function CopyButtons({ cli, python, link = true }: Ways & { link?: boolean }) {
  return (
    <div class="copies" role="group" aria-label="Copy">
      {link && (
        <button class="button small" onClick={() => void copy(location.href, "Link")}>
          Copy link
        </button>
      )}
      {(link || cli) && (
        <button class="button small" disabled={!cli} title={cli ?? NO_CLI} onClick={() => cli && void copy(cli, "Command")}>
          Copy as CLI
        </button>
      )}
      {(link || python) && (
        <button class="button small" disabled={!python} title={python ?? NO_PYTHON} onClick={() => python && void copy(python, "Python")}>
          Copy as Python
        </button>
      )}
    </div>
  );
}

interface HeaderProps extends Ways {
  title: ComponentChildren;
  lead?: ComponentChildren;
  refresh?: () => void;
  busy?: boolean;
  crumbs?: ComponentChildren;
}

export function PageHeader({ title, lead, refresh, busy, cli, python, crumbs }: HeaderProps) {
  return (
    <header class="page-header">
      <div class="page-title">
        {crumbs && <p class="crumbs">{crumbs}</p>}
        <h1 tabIndex={-1}>{title}</h1>
        {lead && <p class="lead">{lead}</p>}
      </div>
      <div class="page-tools">
        {refresh && (
          <button class="button small" onClick={refresh} aria-busy={busy}>
            Refresh
          </button>
        )}
        <CopyButtons cli={cli} python={python} />
      </div>
    </header>
  );
}

interface SectionProps {
  title: ComponentChildren;
  note?: ComponentChildren;
  tools?: ComponentChildren;
  children: ComponentChildren;
  class?: string;
}

export function Section({ title, note, tools, children, class: more = "" }: SectionProps) {
  const id = useId();
  return (
    <section class={`section ${more}`} aria-labelledby={id}>
      <div class="section-head">
        <div>
          <h2 id={id}>{title}</h2>
          {note && <p class="note">{note}</p>}
        </div>
        {tools}
      </div>
      {children}
    </section>
  );
}

interface FigureProps {
  label: string;
  value: ComponentChildren;
  unit?: string;
  meaning: string;
  large?: boolean;
}

export function Figure({ label, value, unit, meaning, large }: FigureProps) {
  return (
    <div class={large ? "figure large" : "figure"}>
      <dt>
        <Term meaning={meaning}>{label}</Term>
      </dt>
      <dd>
        {value}
        {unit && <span class="unit"> {unit}</span>}
      </dd>
    </div>
  );
}

// A table that scrolls by itself on narrow screens; the keyboard reaches it for that.
export function Table({ label, children, class: more = "" }: { label: string; children: ComponentChildren; class?: string }) {
  return (
    <div class="table-frame" role="group" aria-label={label} tabIndex={0}>
      <table class={more}>{children}</table>
    </div>
  );
}

export function Empty({ children, command }: { children: ComponentChildren; command?: string }) {
  return (
    <div class="empty">
      <p>{children}</p>
      {command && (
        <div class="command">
          <code>{command}</code>
          <button class="button small" onClick={() => void copy(command, "Command")}>
            Copy
          </button>
        </div>
      )}
    </div>
  );
}

export function Failure({ error, retry }: { error: ApiError; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <p>
        <strong>{error.code}</strong> {error.message}
      </p>
      {retry && (
        <button class="button small" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface ShownProps<T> {
  asked: Asked<T>;
  what: string;
  children: (data: T) => ComponentChildren;
}

// The last reply, with the failure of a newer request above it. A lost server has a banner of its own.
export function Shown<T>({ asked, what, children }: ShownProps<T>) {
  return (
    <>
      {asked.error && asked.error.status !== 0 && <Failure error={asked.error} retry={asked.refresh} />}
      {asked.data !== null && children(asked.data)}
      {asked.data === null && asked.error === null && <p class="loading">{`Reading ${what} …`}</p>}
      {asked.data === null && asked.error?.status === 0 && <p class="empty">{`The server has not answered yet: there is nothing to show of ${what}.`}</p>}
    </>
  );
}

export function Badge({ children, tone = "plain" }: { children: ComponentChildren; tone?: "plain" | "good" | "warn" | "bad" }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

export function Mono({ children }: { children: ComponentChildren }) {
  return <code class="mono">{children}</code>;
}

// The first digits, and all of them to copy.
export function Digest({ value }: { value: string }) {
  if (!value) return <>–</>;
  return (
    <button class="linklike mono" title={`Copy ${value}`} onClick={() => void copy(value, "Digest")}>
      {value.slice(0, 12)}…
    </button>
  );
}
