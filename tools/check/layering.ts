import { builtinModules } from "node:module";
import { cruise, type ICruiseResult, type IDependency } from "dependency-cruiser";
import { LAYERS, type Layer, TEST_IMPORTS } from "../layers.ts";
import type { Check, Finding } from "./check.ts";
import { listFiles, packageNames } from "./tree.ts";

/** Imports stay inside the table of `tools/layers.ts`. */
export const layering: Check = {
  name: "layering",
  promise: "No package imports what the import table does not allow it.",
  run: async (root) => {
    const files = listFiles(root, ["packages/*/src/**/*.{ts,tsx}", "packages/*/test/**/*.{ts,tsx}"]);
    const read = files.length === 0 ? [] : (await readImports(root, files)).modules;
    const sources = read.filter((module) => files.includes(module.source));
    // dependency-cruiser with a compiler it cannot use reads nothing and reports success.
    if (sources.length === 0) return [{ message: "not one module was read: the check saw nothing" }];
    const unread = files.length - sources.length;
    const missed = unread === 0 ? [] : [{ message: `${unread} of ${files.length} files were not read` }];
    return [
      ...missed,
      ...unknownPackages(root),
      ...sources.flatMap((module) => judgeModule(module.source, module.dependencies)),
    ];
  },
};

async function readImports(root: string, files: string[]): Promise<ICruiseResult> {
  const { output } = await cruise(files, {
    baseDir: root,
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules|dist" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["@lodeline/source", "import", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".json", ".d.ts"],
    },
    combinedDependencies: true,
  });
  return output as ICruiseResult;
}

function unknownPackages(root: string): Finding[] {
  return packageNames(root)
    .filter((name) => LAYERS[name] === undefined)
    .map((name) => ({ at: `packages/${name}`, message: "not in the import table (tools/layers.ts)" }));
}

/** Where an import stands and leads. */
interface Edge {
  readonly from: string;
  readonly isTest: boolean;
  readonly specifier: string;
  readonly resolved: string;
}

function judgeModule(source: string, dependencies: readonly IDependency[]): Finding[] {
  const [, from = "", area] = source.split("/");
  const layer = LAYERS[from];
  if (layer === undefined) return [];
  return dependencies.flatMap((dependency) => {
    const edge: Edge = { from, isTest: area === "test", specifier: dependency.module, resolved: dependency.resolved };
    const wrong = judgeImport(edge, layer, dependency.couldNotResolve);
    return wrong === undefined ? [] : [{ at: source, message: `import "${dependency.module}": ${wrong}` }];
  });
}

/** What is wrong with one import, or `undefined`. */
function judgeImport(edge: Edge, layer: Layer, unresolved: boolean): string | undefined {
  const { from, specifier } = edge;
  if (specifier.startsWith(".")) {
    if (unresolved) return "cannot be resolved";
    const inside = edge.resolved.startsWith(`packages/${from}/`);
    return inside ? undefined : "leaves the package by path; import the package by its name";
  }
  if (specifier.startsWith("@lodeline/")) return judgeNeighbour(edge, layer);
  const pure = layer.realm === "pure" && !edge.isTest;
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) {
    return pure ? "a pure package uses nothing of Node" : undefined;
  }
  if (pure && !(layer.thirdParty ?? []).includes(packageOf(specifier))) {
    return `a pure package uses no third-party code beyond its row (${(layer.thirdParty ?? ["none"]).join(", ")})`;
  }
  return unresolved ? "cannot be resolved" : undefined;
}

function judgeNeighbour(edge: Edge, layer: Layer): string | undefined {
  const name = edge.specifier.split("/")[1] ?? "";
  if (LAYERS[name] === undefined) return "no such package in the import table";
  if (/\/(src|dist|test)\//.test(edge.specifier)) return "reaches inside another package";
  const allowed: readonly string[] = edge.isTest
    ? [...layer.lodeline, ...TEST_IMPORTS.lodeline, edge.from]
    : layer.lodeline;
  if (allowed.includes(name)) return undefined;
  return `${edge.from} may import ${layer.lodeline.length === 0 ? "no package" : `only ${layer.lodeline.join(", ")}`}`;
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}
