import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import type { Check, Finding } from "./check.ts";
import { lineAt, listFiles, readText } from "./tree.ts";

const LINK = /!?\[[^\]]*\]\(([^)\s]+)\)/g;

/** Links between documents lead somewhere. Addresses on the network are not visited. */
export const links: Check = {
  name: "links",
  promise: "Every link from one document of the repository to another finds its file and heading.",
  run: (root) => {
    const documents = listFiles(root, ["*.md", "docs/**/*.md", "packages/*/*.md", "{scenarios,e2e,bench}/*.md"]);
    if (documents.length === 0) return [{ message: "no document was read: the check saw nothing" }];
    return documents.flatMap((path) => brokenLinks(root, path, readText(root, path) ?? ""));
  },
};

function brokenLinks(root: string, path: string, text: string): Finding[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, (block) => block.replaceAll(/[^\n]/g, " "));
  return [...prose.matchAll(LINK)].flatMap((match) => {
    const target = match[1] ?? "";
    if (/^[a-z]+:/i.test(target)) return [];
    const wrong = judge(root, path, target);
    return wrong === undefined ? [] : [{ at: `${path}:${lineAt(text, match.index)}`, message: `${target}: ${wrong}` }];
  });
}

function judge(root: string, from: string, target: string): string | undefined {
  const [file = "", fragment] = target.split("#");
  const path = file === "" ? from : normalize(join(dirname(from), decodeURI(file)));
  if (!existsSync(join(root, path))) return "no such file";
  if (fragment === undefined || !path.endsWith(".md")) return undefined;
  return anchorsOf(readText(root, path) ?? "").has(fragment) ? undefined : "no such heading";
}

/** Ids a reader can link to: explicit ones, and those that forges make of headings. */
function anchorsOf(text: string): Set<string> {
  const found = new Set<string>();
  for (const match of text.matchAll(/<a id="([^"]+)">/g)) found.add(match[1] ?? "");
  for (const match of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = (match[1] ?? "")
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let unique = slug;
    for (let copy = 1; found.has(unique); copy++) unique = `${slug}-${copy}`;
    found.add(unique);
  }
  return found;
}
