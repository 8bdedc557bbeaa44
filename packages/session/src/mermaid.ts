import type { SessionEdges } from "./edges.ts";

/**
 * The edges as a Mermaid state diagram, for the documents: one arrow for each pair of states, with the inputs that
 * lead along it. It begins at `Idle`. The order is that of the table, so equal tables give equal text.
 */
export function edgesToMermaid(edges: SessionEdges): string {
  const lines = ["stateDiagram-v2", "  [*] --> Idle"];
  for (const [from, byInput] of Object.entries(edges)) {
    const inputsByTarget = new Map<string, string[]>();
    for (const [input, targets] of Object.entries(byInput)) {
      for (const to of targets)
        inputsByTarget.set(to, [...(inputsByTarget.get(to) ?? []), input.replace(/^signal:/, "")]);
    }
    for (const [to, inputs] of inputsByTarget) lines.push(`  ${from} --> ${to}: ${[...new Set(inputs)].join(", ")}`);
  }
  return `${lines.join("\n")}\n`;
}
