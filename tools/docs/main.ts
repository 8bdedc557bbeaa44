/** `npm run docs`: writes what the documentation takes from the code. The checks fail where that was forgotten. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readText } from "../check/tree.ts";
import { root } from "../root.ts";
import { generateDocs } from "./generate.ts";

for (const [path, text] of await generateDocs(root)) {
  if (readText(root, path) === text) continue;
  writeFileSync(join(root, path), text);
  console.log(`written: ${path}`);
}
