import { readText } from "../check/tree.ts";
import { LAYERS } from "../layers.ts";
import { readDocstrings } from "./docstrings.ts";

/** Legal edges as data: from each state the next ones, or by input the next ones. */
export type Edges = Readonly<
  Record<string, readonly string[] | Readonly<Record<string, readonly string[] | undefined>>>
>;

/**
 * A Mermaid state diagram. Inputs that lead from one state to the same other share an arrow; staying is not drawn.
 * The first state of the table is the initial one.
 */
export function edgesToMermaid(edges: Edges): string {
  const arrows = new Map<string, string[]>();
  for (const [from, next] of Object.entries(edges)) {
    const byInput = Array.isArray(next)
      ? { "": next as readonly string[] }
      : (next as Record<string, readonly string[]>);
    for (const [input, targets = []] of Object.entries(byInput)) {
      for (const to of targets.filter((target) => target !== from)) {
        const key = `${name(from)} --> ${name(to)}`;
        arrows.set(key, [...(arrows.get(key) ?? []), input].filter(Boolean));
      }
    }
  }
  const lines = [...arrows].map(
    ([arrow, inputs]) => `  ${arrow}${inputs.length === 0 ? "" : ` : ${inputs.map(label).join(", ")}`}`,
  );
  const initial = Object.keys(edges)[0];
  const start = initial === undefined ? [] : [`  [*] --> ${name(initial)}`];
  return ["```mermaid", "stateDiagram-v2", ...start, ...lines, "```"].join("\n");
}

/** One section for each table of edges that a pure package exports under a name ending in `_EDGES`. */
export async function stateSections(root: string): Promise<string> {
  const sections: string[] = [];
  for (const [packageName, layer] of Object.entries(LAYERS)) {
    const index = readText(root, `packages/${packageName}/src/index.ts`) ?? "";
    if (layer.realm !== "pure" || !index.includes("_EDGES")) continue;
    const module = (await import(`@lodeline/${packageName}`)) as Record<string, unknown>;
    const tables = Object.entries(module).filter(([exported]) => exported.endsWith("_EDGES"));
    const docstrings = readDocstrings(root, packageName);
    for (const [exported, edges] of tables) {
      sections.push(
        `## ${packageName}: \`${exported}\`\n\n${docstrings.get(exported) ?? ""}\n\n${edgesToMermaid(edges as Edges)}`,
      );
    }
  }
  return sections.length === 0 ? "No package exports a table of edges." : sections.join("\n\n");
}

/** Mermaid takes a hyphen in a state's name for the beginning of an arrow. */
function name(state: string): string {
  return state.replaceAll(/[^A-Za-z0-9_]/g, "_");
}

/** A colon would end the label. */
function label(input: string): string {
  return input.replaceAll(":", "·");
}
