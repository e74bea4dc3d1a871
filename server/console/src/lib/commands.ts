// The same as commands of `augstore` (docs/cli.md) and as lines of the Python client (client/python).

// A word of a shell command: quoted where the shell would read it in another way.
export function word(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

// JSON's texts are Python's, too.
export function python(text: string): string {
  return JSON.stringify(text);
}

type Flags = Record<string, string | number | boolean | undefined>;

// `augstore` finds the server by --connect; without an address by AUGSTORE_CONNECT. An empty split means all samples and
// has to be said; every other empty flag is one that was not given.
export function cli(command: string, operands: string[], flags: Flags, address = ""): string {
  const parts = [`augstore ${command}`, ...operands.map(word)];
  const all: Flags = { ...flags, connect: address };
  for (const [name, value] of Object.entries(all)) {
    if (value === undefined || (value === "" && name !== "split") || value === false) continue;
    parts.push(value === true ? `--${name}` : `--${name} ${word(String(value))}`);
  }
  return parts.join(" ");
}

export function pythonClient(address: string, ...lines: string[]): string {
  const connect = address === "" ? `augstore.connect(os.environ["AUGSTORE_CONNECT"])` : `augstore.connect(${python(address)})`;
  const imports = address === "" ? "import os\n\nimport augstore\n" : "import augstore\n";
  return `${imports}\nclient = ${connect}\n${lines.join("\n")}\n`;
}

// Stats name every listener, joined by commas or spaces. A TCP or TLS address is the one that reaches other machines.
export function bestAddress(address: string): string {
  const all = address.split(/[\s,]+/).filter((part) => /^(unix|tcp|tls):\/\//.test(part));
  return all.find((part) => part.startsWith("tls")) ?? all.find((part) => part.startsWith("tcp")) ?? all[0] ?? "";
}

export interface SpecChoice {
  collection: string;
  split: string;
  policy: string;
  seed: string;
  batch: number;
  epoch: number;
  step: number;
}

export function replayCli(choice: SpecChoice, address: string): string {
  const flags = {
    collection: choice.collection,
    split: choice.split,
    policy: choice.policy,
    "stream-seed": choice.seed,
    "batch-size": choice.batch,
    epoch: choice.epoch,
    step: choice.step,
  };
  return cli("stream", [], flags, address);
}

function digits(text: string): string {
  return /^[0-9]+$/.test(text) ? text : "0";
}

export function replayPython(choice: SpecChoice, address: string): string {
  const spec = [
    python(choice.collection),
    `split=${python(choice.split)}`,
    `policy=${python(choice.policy)}`,
    `seed=${digits(choice.seed)}`, // of a URL, which may say anything
    `batch_size=${choice.batch}`,
  ];
  return pythonClient(
    address,
    `stream = client.stream(${spec.join(", ")})`,
    `batch = stream.get(${choice.epoch}, ${choice.step})`,
    "print(batch.samples, batch.labels, batch.chains)",
  );
}
