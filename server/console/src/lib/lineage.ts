// What a head was trained on, as a graph in columns from left to right.
import type { HeadRecord } from "./types";

export interface Node {
  id: string;
  kind: "collection" | "transform" | "policy" | "head";
  label: string;
  note: string;
  column: number;
  row: number;
}

export interface Graph {
  nodes: Node[];
  edges: [string, string][];
  rows: number;
}

export interface WeightedChain {
  chain: string;
  weight: number;
}

// "identity:2,hflip@1>rotate15@2:1": commas within brackets belong to the arguments of an op.
export function parsePolicy(policy: string): WeightedChain[] {
  const parts: string[] = [];
  let depth = 0;
  let part = "";
  for (const char of policy) {
    if (char === "(" || char === "[") ++depth;
    if (char === ")" || char === "]") --depth;
    if (char === "," && depth === 0) {
      parts.push(part);
      part = "";
    } else {
      part += char;
    }
  }
  if (part.trim() !== "") parts.push(part);
  return parts.map((text) => {
    const match = /^(.*):([0-9.]+)$/.exec(text.trim());
    return match ? { chain: match[1] ?? "", weight: Number(match[2]) } : { chain: text.trim(), weight: 1 };
  });
}

export function shares(chains: WeightedChain[]): number[] {
  const total = chains.reduce((sum, one) => sum + one.weight, 0);
  return chains.map((one) => (total > 0 ? one.weight / total : 0));
}

export function lineageGraph(ref: string, head: HeadRecord): Graph {
  const lineage = head.lineage;
  const stream = lineage?.stream;
  const nodes: Node[] = [];
  const edges: [string, string][] = [];
  if (stream) {
    const chains = parsePolicy(stream.policy);
    const drawn = shares(chains);
    nodes.push({ id: "data", kind: "collection", label: stream.collection, note: stream.split || "all samples", column: 0, row: 0 });
    chains.forEach((one, index) => {
      const id = `chain ${index}`;
      const note = `drawn ${(100 * (drawn[index] ?? 0)).toFixed(0)} %`;
      nodes.push({ id, kind: "transform", label: one.chain, note, column: 1, row: index });
      edges.push(["data", id], [id, "head"]);
    });
  }
  if (lineage?.init) {
    const row = nodes.filter((node) => node.column === 1).length;
    nodes.push({ id: "init", kind: "head", label: lineage.init, note: "initial weights", column: 1, row });
    edges.push(["init", "head"]);
  }
  nodes.push({ id: "head", kind: "head", label: ref, note: head.arch, column: 2, row: 0 });
  const rows = Math.max(1, nodes.filter((node) => node.column === 1).length);
  // The ends are beside the middle of what is between them.
  for (const node of nodes) if (node.column !== 1) node.row = (rows - 1) / 2;
  return { nodes, edges, rows };
}
