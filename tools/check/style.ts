import { relative } from "node:path";
import type { Check, Finding } from "./check.ts";
import { runTool } from "./program.ts";

/** Format and lint, by Biome. Sizes are warnings and do not fail. */
export const style: Check = {
  name: "style",
  promise: "Biome finds no error: format, imports, purity of the pure packages, dead code.",
  run: async (root) => {
    const args = ["ci", "--reporter=github", "--diagnostic-level=error", "--max-diagnostics=200", "--colors=off"];
    const { code, output } = await runTool("@biomejs/biome/bin/biome", args, root);
    if (code === 0) return [];
    const found = output.split("\n").flatMap((line) => parseLine(line, root));
    return found.length > 0 ? found : [{ message: output === "" ? "biome failed and said nothing" : output }];
  },
};

const ANNOTATION = /^::error title=([^,]+),file=([^,]+),line=(\d+),.*?::(.*)$/;

function parseLine(line: string, root: string): Finding[] {
  const [, rule = "", file = "", row = "", text = ""] = ANNOTATION.exec(line) ?? [];
  if (rule === "") return [];
  const at = `${relative(root, file)}:${row}`;
  // The place of a format finding is always the file's first line, and the remedy always the same.
  if (rule === "format") return [{ at: relative(root, file), message: "not formatted: npm run format" }];
  return [{ at, message: `${rule.replace(/^lint\//, "")}: ${text.replaceAll("%0A", " ").replaceAll("%25", "%")}` }];
}
