// Requests that are made step by step, until the server says that the work is done.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "./api";

export interface Steps<T> {
  running: boolean;
  last: T | null; // the reply of the last step
  error: ApiError | null;
  start: (first: T | null, next: (last: T | null) => Promise<T>, more: (reply: T) => boolean, each?: (reply: T) => void, pauseMs?: number) => void;
  stop: () => void;
  clear: () => void; // stops, and forgets what came
}

export function useSteps<T>(): Steps<T> {
  const [state, setState] = useState<{ running: boolean; last: T | null; error: ApiError | null }>({ running: false, last: null, error: null });
  const turn = useRef(0); // steps of an older run find that they are not the newest
  useEffect(() => () => void ++turn.current, []);
  return {
    ...state,
    start(first, next, more, each, pauseMs = 0) {
      const mine = ++turn.current;
      setState({ running: true, last: first, error: null });
      const run = async () => {
        let last: T | null = first;
        do {
          last = await next(last);
          if (turn.current !== mine) return;
          each?.(last);
          setState({ running: true, last, error: null });
          if (more(last) && pauseMs > 0) await new Promise((resume) => setTimeout(resume, pauseMs));
        } while (more(last) && turn.current === mine);
        if (turn.current === mine) setState({ running: false, last, error: null });
      };
      run().catch((error: unknown) => {
        const known = error instanceof ApiError ? error : new ApiError("Internal", String(error), 500);
        if (turn.current === mine) setState((old) => ({ ...old, running: false, error: known }));
      });
    },
    stop() {
      ++turn.current;
      setState((old) => ({ ...old, running: false }));
    },
    clear() {
      ++turn.current;
      setState({ running: false, last: null, error: null });
    },
  };
}
