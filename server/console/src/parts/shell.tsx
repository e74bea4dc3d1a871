// What surrounds every page: navigation, the banner of a lost server, shortcuts.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { learnAddress } from "../lib/address";
import { hasKey, lastSeen, lost, session, signOut } from "../lib/api";
import { duration } from "../lib/format";
import { route } from "../lib/route";
import { forgetReplies } from "../lib/use";
import { Icon } from "./icons";
import { Shortcuts, useShortcuts } from "./shortcuts";

export const PAGES = [
  { id: "overview", name: "Overview", letter: "o" },
  { id: "collections", name: "Collections", letter: "c" },
  { id: "transforms", name: "Transforms", letter: "t" },
  { id: "streams", name: "Streams", letter: "s" },
  { id: "heads", name: "Heads", letter: "h" },
  { id: "explore", name: "Explore", letter: "e" },
  { id: "admin", name: "Admin", letter: "a" },
] as const;

function Banner() {
  const [, tick] = useState(0);
  const gone = lost.value;
  useEffect(() => {
    if (!gone) return;
    const timer = setInterval(() => tick((old) => old + 1), 1000);
    return () => clearInterval(timer);
  }, [gone]);
  if (!gone) return null;
  const seen = lastSeen.value === 0 ? "it has not answered yet" : `last seen ${duration(Math.max(1, Math.round((Date.now() - lastSeen.value) / 1000)))} ago`;
  return (
    <div class="banner" role="alert">
      <strong>The server does not answer</strong>
      <span aria-live="off">; {seen}; trying again. What is shown is what it said last.</span>
    </div>
  );
}

function Who() {
  const now = session.value;
  if (!now) return null;
  const leave = () => {
    forgetReplies();
    signOut();
  };
  return (
    <div class="who">
      <p>
        <strong>{now.who}</strong>
        <span>
          {now.role === "admin" ? "admin: may change the store" : `${now.role}: this console only reads`}
          {now.scope !== "" && `; scope ${now.scope}`}
        </span>
      </p>
      {hasKey() && (
        <button class="button small" onClick={leave}>
          Sign out
        </button>
      )}
      <p class="version">augstore {now.version}</p>
    </div>
  );
}

// A new page begins at its heading, so that the keyboard and a screen reader do, too.
function useHeading(): void {
  const path = route.value.path.join("/");
  const [first, setFirst] = useState(true);
  useEffect(() => {
    const heading = document.querySelector<HTMLElement>("main h1")?.textContent ?? "augstore";
    document.title = `${heading} – augstore`;
    const list = document.querySelector<HTMLElement>(".nav ul");
    const current = list?.querySelector<HTMLElement>("[aria-current]");
    if (list && current) list.scrollLeft = current.offsetLeft - list.clientWidth / 2; // on phones the list scrolls
    if (first) {
      setFirst(false);
      return;
    }
    window.scrollTo(0, 0);
    document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
  }, [path]);
}

export function Shell({ page, children }: { page: string; children: ComponentChildren }) {
  useHeading();
  useEffect(() => void learnAddress(), [session.value?.store_id]);
  const help = useShortcuts();
  const skip = (event: Event) => {
    event.preventDefault();
    document.querySelector<HTMLElement>("main")?.focus();
  };
  return (
    <div class={lost.value ? "shell stale" : "shell"}>
      <nav class="nav" aria-label="Pages">
        <a class="skip" href="#/overview" onClick={skip}>
          Skip to the content
        </a>
        <a class="brand" href="#/overview">
          <Icon name="brand" /> augstore
        </a>
        <ul>
          {PAGES.map((one) => (
            <li key={one.id}>
              <a href={`#/${one.id}`} aria-current={one.id === page ? "page" : undefined}>
                <Icon name={one.id} />
                <span>{one.name}</span>
              </a>
            </li>
          ))}
        </ul>
        <div class="nav-end">
          <Who />
          <button class="button small" onClick={() => help.open()} aria-keyshortcuts="?">
            Shortcuts <kbd>?</kbd>
          </button>
        </div>
      </nav>
      <div class="content">
        <Banner />
        <main tabIndex={-1} id="main">
          {children}
        </main>
      </div>
      <Shortcuts dialog={help.dialog} />
    </div>
  );
}
