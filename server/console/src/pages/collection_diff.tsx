// How one version differs from another.
import { count } from "../lib/format";
import { route, setQuery } from "../lib/route";
import type { CollectionRecord, Description, RecordReply } from "../lib/types";
import { useAsk } from "../lib/use";
import { Badge, Figure, Section, Shown, Table } from "../parts/basics";
import { Select } from "../parts/form";

type Reply = RecordReply<CollectionRecord>;

const MEANINGS: [keyof NonNullable<Description["diff"]>, string, string][] = [
  ["added", "Added", "Samples that are in this version and not in the other"],
  ["removed", "Removed", "Samples that are in the other version and not in this one"],
  ["relabelled", "Relabelled", "Samples with the same row and another label"],
  ["replaced", "Replaced", "Samples with the same key and another image"],
  ["left", "Left as they were", "Samples that both versions have alike"],
];

export function Difference({ reply, versions }: { reply: Reply; versions: Reply[] }) {
  const other = route.value.query.other ?? "";
  const collection = `${reply.name}@${reply.version}`;
  const asked = useAsk<Description>("DescribeCollection", other === "" ? null : { collection, other });
  const others = versions.filter((one) => one.version !== reply.version);
  return (
    <Section title="Compare with another version">
      {others.length === 0 ? (
        <p class="note">{reply.name} has this version alone.</p>
      ) : (
        <Select
          label="Other version"
          value={other}
          options={[{ value: "", label: "none" }, ...others.map((one) => ({ value: `${one.name}@${one.version}`, label: `${one.name}@${one.version}` }))]}
          onChange={(next) => setQuery({ other: next })}
        />
      )}
      {other !== "" && (
        <Shown asked={asked} what="the difference">
          {(description) => <Changes description={description} collection={collection} />}
        </Shown>
      )}
    </Section>
  );
}

function Changes({ description, collection }: { description: Description; collection: string }) {
  const { diff } = description;
  if (!diff) return <p class="note">The server sent no difference.</p>;
  return (
    <>
      <p class="note">
        From {diff.other} to {collection}:
      </p>
      <dl class="figures">
        {MEANINGS.map(([field, label, meaning]) => (
          <Figure key={field} label={label} value={count(diff[field] as number)} meaning={meaning} />
        ))}
      </dl>
      {diff.examples.length > 0 && (
        <Table label="Examples of changes">
          <thead>
            <tr>
              <th>Change</th>
              <th>Split</th>
              <th>Key</th>
            </tr>
          </thead>
          <tbody>
            {diff.examples.map((example) => (
              <tr key={`${example.what} ${example.split} ${example.key}`}>
                <td>
                  <Badge tone={example.what === "removed" ? "bad" : example.what === "added" ? "good" : "warn"}>{example.what}</Badge>
                </td>
                <td>{example.split}</td>
                <td>
                  <code>{example.key}</code>
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </>
  );
}
