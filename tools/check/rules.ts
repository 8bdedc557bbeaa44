import { LAYERS } from "../layers.ts";
import type { Check, Finding } from "./check.ts";
import { isEmptyPackage, lineAt, listFiles, packageNames, readText } from "./tree.ts";

/** A rule stands in `SPEC.md` at the head of a line, list item, table row or heading: `[LINK3]` or `**LINK3**`. */
const RULE =
  /^[ \t]*(?:[-*+]|\d+\.|#+|\|)?[ \t]*(?:\*\*)?(?:`)?\[?([A-Z][A-Z-]*[0-9]+[a-z]?)\]?(?:`)?(?:\*\*)?(?=[\].:|*` \t])/gm;

/** A test names rules at the head of its title: `it("[LINK3] ...")`, several as `[LINK3] [LINK4]` or `[LINK3, LINK4]`. */
const TITLE = /\b(?:it|test|describe|property|scenario)(?:\.\w+)?\(\s*["'`]((?:\[[A-Z][A-Z-]*[0-9][^\]]*\]\s*)+)/g;

/** A row of the requirements, which tests may cite beside a rule. */
const REQUIREMENT = /\[R\d+\.\d+#\d+\]/g;

const ID = /[A-Z][A-Z-]*[0-9]+[a-z]?/g;

/** Every rule has a test and every named rule exists. */
export const rules: Check = {
  name: "rules",
  promise:
    "Each rule of a SPEC.md is named by a test of its package, and tests name no rule that does not stand there.",
  run: (root) => packageNames(root).flatMap((name) => [...missingSpec(root, name), ...compare(root, name)]),
};

function missingSpec(root: string, name: string): Finding[] {
  const isPure = LAYERS[name]?.realm === "pure";
  if (!isPure || isEmptyPackage(root, name) || readText(root, `packages/${name}/SPEC.md`) !== undefined) return [];
  return [{ at: `packages/${name}`, message: "a pure package states its rules in SPEC.md" }];
}

function compare(root: string, name: string): Finding[] {
  const path = `packages/${name}/SPEC.md`;
  const stated = statedRules(readText(root, path) ?? "");
  const named = namedRules(root, name);
  const untested = [...stated]
    .filter(([id]) => !named.has(id))
    .map(([id, line]) => ({ at: `${path}:${line}`, message: `no test names rule ${id}` }));
  const unstated = [...named]
    .filter(([id]) => !stated.has(id))
    .map(([id, at]) => ({ at, message: `rule ${id} does not stand in ${path}` }));
  return [...untested, ...unstated];
}

/** Rule ids of a SPEC.md with the line each stands on. */
export function statedRules(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const match of text.matchAll(RULE)) {
    const id = match[1] ?? "";
    if (isMarked(match[0]) && !found.has(id)) found.set(id, lineAt(text, match.index + match[0].indexOf(id)));
  }
  return found;
}

/** A bare word such as "VP8" at the head of a line is prose; a rule is in brackets, bold, or a heading or table row. */
function isMarked(head: string): boolean {
  return /[[|#]|\*\*/.test(head);
}

function namedRules(root: string, name: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of listFiles(root, `packages/${name}/test/**/*.{ts,tsx}`)) {
    const text = readText(root, file) ?? "";
    for (const match of text.matchAll(TITLE)) {
      for (const [id] of (match[1] ?? "").replaceAll(REQUIREMENT, "").matchAll(ID))
        found.set(id, `${file}:${lineAt(text, match.index)}`);
    }
  }
  return found;
}
