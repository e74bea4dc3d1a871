// The keyboard: / to search, g and a letter to a page, ? for this list.
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { go } from "../lib/route";
import { PAGES } from "./shell";

const CHORD_MS = 1500;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName);
}

export function useShortcuts(): { open: () => void; dialog: RefObject<HTMLDialogElement | null> } {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    let pressed = 0; // when g was
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
      const page = PAGES.find((one) => one.letter === event.key);
      if (event.timeStamp - pressed < CHORD_MS && page) {
        event.preventDefault();
        go([page.id]);
        pressed = 0;
      } else if (event.key === "g") {
        pressed = event.timeStamp;
      } else if (event.key === "/") {
        const search = document.querySelector<HTMLElement>("[data-search]");
        event.preventDefault();
        if (search) search.focus();
        else go(["collections"]);
      } else if (event.key === "?") {
        dialog.current?.showModal();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return { open: () => dialog.current?.showModal(), dialog };
}

export function Shortcuts({ dialog }: { dialog: RefObject<HTMLDialogElement | null> }) {
  const rows: [string, string][] = [
    ["/", "Search on this page"],
    ...PAGES.map((page): [string, string] => [`g ${page.letter}`, page.name]),
    ["Tab", "To figures: what each means, and its unit"],
    ["arrows, Enter", "In the plot of Explore: to the next point, and choose it"],
    ["?", "This list"],
    ["Esc", "Close"],
  ];
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="shortcuts">
      <h2 id="shortcuts">Shortcuts</h2>
      <dl class="shortcuts">
        {rows.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog" class="actions">
        <button class="button">Close</button>
      </form>
    </dialog>
  );
}
