// Copying, over plain http too: navigator.clipboard is there over https alone.
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export const notice = signal("");
const byHand = signal(""); // what neither way could copy

let timer = 0;
export function say(text: string): void {
  notice.value = text;
  clearTimeout(timer);
  timer = window.setTimeout(() => (notice.value = ""), 4000);
}

function copyByCommand(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "offscreen";
  area.setAttribute("aria-hidden", "true");
  document.body.append(area);
  const focused = document.activeElement;
  area.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {
    done = false;
  }
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    if (!navigator.clipboard) throw new Error("not a secure context");
    await navigator.clipboard.writeText(text);
    say(`${what} copied`);
  } catch {
    if (copyByCommand(text)) say(`${what} copied`);
    else byHand.value = text;
  }
}

export function Notices() {
  return (
    <>
      <div class="notice" role="status" aria-live="polite">
        {notice.value !== "" && <span>{notice.value}</span>}
      </div>
      {byHand.value !== "" && <ByHand text={byHand.value} />}
    </>
  );
}

function ByHand({ text }: { text: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    area.current?.select();
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="byhand" onClose={() => (byHand.value = "")}>
      <h2 id="byhand">Copy by hand</h2>
      <p>This browser does not let a page copy. The text is selected: press Ctrl+C.</p>
      <textarea ref={area} class="code" rows={6} readonly value={text} aria-label="Text to copy" />
      <form method="dialog" class="actions">
        <button class="button">Close</button>
      </form>
    </dialog>
  );
}
