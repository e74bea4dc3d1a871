// What a figure means, and its unit: shown next to it when the pointer or the keyboard is on it.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

interface Tip {
  text: string;
  left: number;
  top: number;
  below: boolean;
}

const tip = signal<Tip | null>(null);
const WIDTH = 300;

function show(target: HTMLElement, text: string): void {
  const box = target.getBoundingClientRect();
  const left = Math.max(8, Math.min(box.left, window.innerWidth - WIDTH - 8));
  const below = box.bottom + 120 < window.innerHeight;
  tip.value = { text, left, top: below ? box.bottom + 6 : box.top - 6, below };
  target.setAttribute("aria-describedby", "tip");
}

function hide(target: HTMLElement): void {
  tip.value = null;
  target.removeAttribute("aria-describedby");
}

export function Term({ children, meaning }: { children: ComponentChildren; meaning: string }) {
  const on = (event: Event) => show(event.currentTarget as HTMLElement, meaning);
  const off = (event: Event) => hide(event.currentTarget as HTMLElement);
  return (
    <span
      class="term"
      tabIndex={0}
      onMouseEnter={on}
      onFocus={on}
      onMouseLeave={off}
      onBlur={off}
      onKeyDown={(event) => event.key === "Escape" && off(event)}
    >
      {children}
    </span>
  );
}

export function Tooltip() {
  const now = tip.value;
  return (
    <div
      id="tip"
      role="tooltip"
      hidden={now === null}
      class={now?.below === false ? "tip tip-above" : "tip"}
      style={now ? { left: `${now.left}px`, top: `${now.top}px` } : {}}
    >
      {now?.text}
    </div>
  );
}
