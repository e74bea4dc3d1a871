// The settings that the server runs with, and where each is from.
import { useState } from "preact/hooks";
import { cli } from "../lib/commands";
import { useAsk } from "../lib/use";
import { Badge, CopyButtons, Section, Shown, Table } from "../parts/basics";
import { Field } from "../parts/form";

interface Setting {
  name: string;
  value: unknown;
  source: string;
}

function text(value: unknown): string {
  if (value === "" || value === null || value === undefined) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

export function ConfigPanel() {
  const asked = useAsk<{ settings: Setting[] }>("Config", {});
  const [find, setFind] = useState("");
  return (
    <Section
      title="Configuration"
      note="A setting is from a flag, the environment, the file of settings, or its default. It is changed there, not here"
      tools={<CopyButtons cli={cli("config print", [], {})} />}
    >
      <Field label="Find a setting" type="search" value={find} onInput={setFind} search />
      <Shown asked={asked} what="the configuration">
        {(data) => (
          <Table label="Settings">
            <thead>
              <tr>
                <th>Setting</th>
                <th>Value</th>
                <th>From</th>
              </tr>
            </thead>
            <tbody>
              {data.settings
                .filter((setting) => setting.name.includes(find.trim()))
                .map((setting) => (
                  <tr key={setting.name}>
                    <th scope="row">
                      <code>{setting.name}</code>
                    </th>
                    <td class="wrap">{text(setting.value)}</td>
                    <td>{setting.source === "command line or default" ? <span class="note">{setting.source}</span> : <Badge>{setting.source}</Badge>}</td>
                  </tr>
                ))}
            </tbody>
          </Table>
        )}
      </Shown>
    </Section>
  );
}
