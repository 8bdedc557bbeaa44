import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Check, Finding } from "./check.ts";
import { lineAt, listFiles } from "./tree.ts";

/** What ties a text to the machine it was written on. */
const TRACES: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /(?<![\w.@-])\/(?:root|work|home\/[\w-]+|Users\/[\w-]+)\/[\w.-]/g, what: "a path of one machine" },
  { pattern: /(?<![\w.@/-])\/tmp\/[\w.-]/g, what: "a fixed temporary path; ask os.tmpdir()" },
  { pattern: /\bregistry\.(?:npmjs|yarnpkg)\.\w+/g, what: "a package registry's host" },
];

const TEXT = "**/*.{ts,tsx,mts,js,mjs,cjs,json,md,css,html,yml,yaml,sh,svg,toml}";

/** The repository reads the same on every machine. */
export const neutral: Check = {
  name: "neutral",
  promise: "No file names a machine's paths or a registry's host.",
  run: (root) => {
    const files = listFiles(root, [TEXT, ".ci/*", ".npmrc"]).filter((file) => file !== "tools/check/neutral.ts");
    if (files.length === 0) return [{ message: "no file was read: the check saw nothing" }];
    return files.flatMap((file) => tracesIn(file, readFileSync(join(root, file), "utf8")));
  },
};

function tracesIn(file: string, text: string): Finding[] {
  return TRACES.flatMap(({ pattern, what }) =>
    [...text.matchAll(pattern)].map((match) => ({
      at: `${file}:${lineAt(text, match.index)}`,
      message: `${what}: ${match[0]}`,
    })),
  );
}
