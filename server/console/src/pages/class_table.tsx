// Counts of classes by split, with a bar of the whole and the share of each.
import { useState } from "preact/hooks";
import { count, percent } from "../lib/format";
import type { Description } from "../lib/types";
import { Table } from "../parts/basics";

const SHOWN = 20;

export function ClassTable({ description }: { description: Description }) {
  const [all, setAll] = useState(false);
  const classes = description.columns[0]?.classes ?? [];
  const { splits } = description;
  const unlabelled = splits.reduce((sum, split) => sum + split.unlabelled, 0);
  const most = Math.max(1, ...splits.flatMap((split) => split.classes));
  const shown = all ? classes : classes.slice(0, SHOWN);
  return (
    <>
      <Table label="Samples of each class" class="classes">
        <thead>
          <tr>
            <th>{description.columns[0]?.name || "class"}</th>
            {splits.map((split) => (
              <th key={split.name} class="number" colSpan={2}>
                {split.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr class="total">
            <th scope="row">All samples</th>
            {splits.map((split) => (
              <td key={split.name} class="number" colSpan={2}>
                {count(split.samples)}
              </td>
            ))}
          </tr>
          {shown.map((name, label) => (
            <ClassRow key={label} name={name} label={label} splits={splits} most={most} />
          ))}
          {unlabelled > 0 && (
            <tr>
              <th scope="row">unlabelled</th>
              {splits.map((split) => (
                <td key={split.name} class="number" colSpan={2}>
                  {count(split.unlabelled)}
                </td>
              ))}
            </tr>
          )}
        </tbody>
      </Table>
      {classes.length > SHOWN && (
        <button class="button small" onClick={() => setAll(!all)} aria-expanded={all}>
          {all ? `Show the first ${SHOWN}` : `Show all ${count(classes.length)} classes`}
        </button>
      )}
      {description.columns.length > 1 && (
        <p class="note">
          Further label columns:{" "}
          {description.columns
            .slice(1)
            .map((column) => `${column.name} (${count(column.classes.length)} classes)`)
            .join(", ")}
          .
        </p>
      )}
    </>
  );
}

function ClassRow({ name, label, splits, most }: { name: string; label: number; splits: Description["splits"]; most: number }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      {splits.map((split) => {
        const samples = split.classes[label] ?? 0;
        return [
          <td key={`${split.name} bar`} class="bar-cell">
            <span class="bar" title={percent(samples / Math.max(1, split.samples), 1)} style={{ width: `${((100 * samples) / most).toFixed(1)}%` }} />
          </td>,
          <td key={split.name} class="number">
            {count(samples)}
          </td>,
        ];
      })}
    </tr>
  );
}
