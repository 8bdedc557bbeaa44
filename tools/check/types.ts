import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Check, Finding } from "./check.ts";
import { runTool } from "./program.ts";
import { listFiles } from "./tree.ts";

/** The fast compiler; the classic one (`typescript`) stays for tools that need its API. */
const COMPILER = "typescript7/bin/tsc";

/** Everything compiles: packages as they ship, their tests, the page, and the folders beside them. */
export const types: Check = {
  name: "types",
  promise: "Sources, tests and tools pass the strict type check.",
  run: async (root) => {
    const packages = await runTool(COMPILER, ["-b"], root);
    if (packages.code !== 0) return diagnostics(packages.output);
    const rest = projectsBesideTheBuild(root);
    const results: Finding[] = untypedTests(root);
    // One after the other: they share the machine with whatever else runs, and each takes well under a second.
    for (const project of rest) {
      const { code, output } = await runTool(COMPILER, ["-p", project, "--noEmit"], root);
      if (code !== 0) results.push(...diagnostics(output));
    }
    return results;
  },
};

/** Projects that `tsc -b` at the root does not reach: tests, the bundled page, and code that only ever runs from source. */
function projectsBesideTheBuild(root: string): string[] {
  const built = new Set(referencesOf(root));
  const all = listFiles(root, [
    "packages/*/tsconfig.json",
    "packages/*/test/tsconfig.json",
    "{scenarios,e2e,bench,soak,tools}/tsconfig.json",
  ]);
  return all.map((path) => dirname(path)).filter((project) => !built.has(project));
}

function referencesOf(root: string): string[] {
  const path = join(root, "tsconfig.json");
  if (!existsSync(path)) return [];
  const { references = [] } = JSON.parse(readFileSync(path, "utf8")) as { references?: { path: string }[] };
  return references.map((reference) => reference.path.replace(/^\.\//, ""));
}

/** Test folders that no tsconfig covers would silently not be checked. */
function untypedTests(root: string): Finding[] {
  const folders = listFiles(root, "packages/*/test/**/*.test.{ts,tsx}").map((file) =>
    file.split("/").slice(0, 3).join("/"),
  );
  return [...new Set(folders)]
    .filter((folder) => !existsSync(join(root, folder, "tsconfig.json")))
    .map((folder) => ({ at: folder, message: "tests without a tsconfig.json are never type-checked" }));
}

function diagnostics(output: string): Finding[] {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines.length === 0
    ? [{ message: "the compiler failed and said nothing" }]
    : lines.map((message) => ({ message }));
}
