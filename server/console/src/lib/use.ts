// Requests as hooks: a page shows the last reply while it asks again, and when the server is gone.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, call, returns } from "./api";
import type { Stats } from "./types";

export interface Asked<T> {
  data: T | null;
  error: ApiError | null;
  busy: boolean;
  refresh: () => void;
}

const KEPT = 60;
const replies = new Map<string, unknown>(); // what a page shows at once when the user comes back to it

function keep(key: string, reply: unknown): void {
  replies.delete(key);
  replies.set(key, reply);
  if (replies.size > KEPT) replies.delete(replies.keys().next().value as string);
}

export function forgetReplies(): void {
  replies.clear();
}

// With `body` null nothing is asked yet. With `everyMs` it is asked again while the page is visible.
export function useAsk<T>(name: string, body: object | null, everyMs = 0): Asked<T> {
  const key = body === null ? "" : `${name} ${JSON.stringify(body)}`;
  const [state, setState] = useState<{ key: string; data: T | null; error: ApiError | null; busy: boolean }>({
    key: "",
    data: null,
    error: null,
    busy: false,
  });
  const [turn, setTurn] = useState(0);
  const latest = useRef(key);
  latest.current = key;
  const back = returns.value;

  useEffect(() => {
    if (body === null) return;
    const abort = new AbortController();
    let timer = 0;
    const ask = async () => {
      setState((old) => ({ ...(old.key === key ? old : { key, data: null, error: null }), busy: true }));
      try {
        const data = await call<T>(name, body, abort.signal);
        keep(key, data);
        if (!abort.signal.aborted) setState({ key, data, error: null, busy: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof ApiError ? error : new ApiError("Internal", String(error), 500);
        setState((old) => ({ key, data: old.key === key ? old.data : null, error: known, busy: false }));
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = window.setTimeout(tick, everyMs);
    };
    const tick = () => {
      if (document.visibilityState === "visible") void ask();
      else timer = window.setTimeout(tick, everyMs);
    };
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, turn, everyMs, back]);

  const refresh = useCallback(() => setTurn((old) => old + 1), []);
  const data = state.key === key && state.data !== null ? state.data : ((replies.get(key) as T | undefined) ?? null);
  return { data, error: state.key === key ? state.error : null, busy: state.key === key ? state.busy : body !== null, refresh };
}

// The last two looks at a server's statistics, with the time between them by the server's own clock: replies may have
// waited here. A server that began anew has no earlier look.
export function useLooks(stats: Stats): { before: Stats | null; seconds: number } {
  const seen = useRef<{ now: Stats; before: Stats | null }>({ now: stats, before: null });
  if (stats !== seen.current.now) seen.current = { now: stats, before: seen.current.now };
  const { before } = seen.current;
  const seconds = (stats.uptime_s ?? 0) - (before?.uptime_s ?? 0);
  return before && seconds > 0 ? { before, seconds } : { before: null, seconds: 0 };
}
