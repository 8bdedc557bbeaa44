import { readText } from "../check/tree.ts";
import type { Layer } from "../layers.ts";
import { code, table } from "./markdown.ts";

/** The import table for people: what each package is for and what it may import. */
export function layerTable(root: string, layers: Readonly<Record<string, Layer>>): string {
  const rows = Object.entries(layers).map(([name, layer]) => [
    code(name),
    layer.realm,
    purposeOf(root, name),
    [...layer.lodeline, ...(layer.thirdParty ?? [])].map(code).join(", ") || "nothing",
  ]);
  return table(["package", "realm", "what it is for", "may import"], rows);
}

/** The same as a Mermaid drawing, without the arrows that follow from others. */
export function layerDiagram(layers: Readonly<Record<string, Layer>>): string {
  const lines = Object.keys(layers).flatMap((name) =>
    directImports(name, layers).map((other) => `  ${name} --> ${other}`),
  );
  const edges = Object.entries(layers).filter(([, layer]) => layer.realm === "edge");
  const style = `  classDef edge stroke-dasharray: 4 3\n  class ${edges.map(([name]) => name).join(",")} edge`;
  return ["```mermaid", "flowchart TD", ...lines, style, "```"].join("\n");
}

/** Allowed imports that are not also reached through another allowed import. */
function directImports(name: string, layers: Readonly<Record<string, Layer>>): string[] {
  const allowed = layers[name]?.lodeline ?? [];
  return allowed.filter(
    (target) => !allowed.some((other) => other !== target && layers[other]?.lodeline.includes(target)),
  );
}

function purposeOf(root: string, name: string): string {
  const manifest = JSON.parse(readText(root, `packages/${name}/package.json`) ?? "{}") as { description?: string };
  return manifest.description ?? "";
}
