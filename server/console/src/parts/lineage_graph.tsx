// A lineage as a picture: collection, chains of transforms, head. Every node is a link to its page.
import type { Graph, Node } from "../lib/lineage";
import { href } from "../lib/route";

const WIDTH = 210;
const HEIGHT = 46;
const GAP = 70;
const ROW = 60;

function place(node: Node): { x: number; y: number } {
  return { x: node.column * (WIDTH + GAP) + 1, y: node.row * ROW + 8 };
}

// Where a node leads: a chain to its first transform, if that is a registered version.
export function target(node: Node): string | null {
  if (node.kind === "collection") return href(["collections", node.label]);
  if (node.kind === "head") return node.column === 2 ? null : href(["heads", node.label]);
  const first = node.label.split(">").find((step) => step.includes("@"));
  return first ? href(["transforms", first.replace(/\[.*\]/, "").replace(/~$/, "")]) : null;
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

function Box({ node }: { node: Node }) {
  const { x, y } = place(node);
  const box = (
    <g class={`node node-${node.kind} ${node.column === 2 ? "node-self" : ""}`} transform={`translate(${x} ${y})`}>
      <title>{`${node.label}, ${node.note}`}</title>
      <rect width={WIDTH} height={HEIGHT} rx={6} />
      <text x={12} y={20} class="node-label">
        {cut(node.label, 25)}
      </text>
      <text x={12} y={36} class="node-note">
        {cut(node.note, 30)}
      </text>
    </g>
  );
  const link = target(node);
  return link ? <a href={link}>{box}</a> : box;
}

export function LineageGraph({ graph }: { graph: Graph }) {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const width = 3 * WIDTH + 2 * GAP + 2;
  const height = graph.rows * ROW + 4;
  const from = graph.nodes.filter((node) => node.column < 2).map((node) => `${node.label} (${node.note})`);
  return (
    <div class="graph" role="group" aria-label={`Lineage: ${from.join(", ")}`} tabIndex={0}>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height}>
        {graph.edges.map(([start, end]) => {
          const a = place(byId.get(start) as Node);
          const b = place(byId.get(end) as Node);
          const [x1, y1, x2, y2] = [a.x + WIDTH, a.y + HEIGHT / 2, b.x, b.y + HEIGHT / 2];
          const half = (x2 - x1) / 2;
          return <path key={`${start} ${end}`} class="edge" d={`M${x1} ${y1} C${x1 + half} ${y1} ${x2 - half} ${y2} ${x2} ${y2}`} />;
        })}
        {graph.nodes.map((node) => (
          <Box key={node.id} node={node} />
        ))}
      </svg>
    </div>
  );
}
