// To the next page of a list that is asked for by the last name of the page before.
import { useRef } from "preact/hooks";
import { count } from "../lib/format";
import { route, setQuery } from "../lib/route";

interface PagerProps {
  after: string;
  shown: number;
  total: number;
  last: string;
  size: number;
}

export function Pager({ after, shown, total, last, size }: PagerProps) {
  const page = Number(route.value.query.page ?? "1") || 1;
  const before = useRef<string[]>([]); // what the pages before were asked for by
  const begin = (page - 1) * size;
  const next = () => {
    before.current.push(after);
    setQuery({ after: last, page: page + 1 });
  };
  const previous = () => {
    const name = before.current.pop();
    // A page that was opened by its URL knows no page before it but the first.
    setQuery(name === undefined ? { after: undefined, page: undefined } : { after: name, page: page > 2 ? page - 1 : undefined });
  };
  if (total <= size && after === "") return null;
  return (
    <nav class="pager" aria-label="Pages of the list">
      <button class="button small" disabled={after === ""} onClick={() => setQuery({ after: undefined, page: undefined })}>
        First
      </button>
      <button class="button small" disabled={after === ""} onClick={previous}>
        Previous
      </button>
      <span class="note">
        {count(begin + 1)} to {count(begin + shown)} of {count(total)}
      </span>
      <button class="button small" disabled={begin + shown >= total || shown < size} onClick={next}>
        Next
      </button>
    </nav>
  );
}
