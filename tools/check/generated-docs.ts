import type { Check, Finding } from "./check.ts";
import { readText } from "./tree.ts";

/** The documents say what the code says. */
export const generatedDocs: Check = {
  name: "generated-docs",
  promise: "docs/protocol.md, docs/errors.md, the schema and the import table in docs/ match the code.",
  run: async (root) => {
    // Loaded only here: it imports the packages, and a package that does not load must not stop the other checks.
    const { generateDocs } = await import("../docs/generate.ts");
    return [...(await generateDocs(root))].flatMap(([path, text]) => compare(path, readText(root, path) ?? "", text));
  },
};

function compare(path: string, found: string, wanted: string): Finding[] {
  if (found === wanted) return [];
  const have = found.split("\n");
  const want = wanted.split("\n");
  const line = want.findIndex((text, index) => text !== have[index]);
  const row = line === -1 ? want.length : line;
  return [
    {
      at: `${path}:${row + 1}`,
      message: `differs from the code (npm run docs): should be ${JSON.stringify(want[row] ?? "(nothing)")}`,
    },
  ];
}
