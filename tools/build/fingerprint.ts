import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { listFiles } from "../check/tree.ts";

/** Where the fingerprints of finished builds are kept, ignored by git. */
const RECORD = ".lodeline/builds.json";

/**
 * Hash over the names and bytes of files. Times play no part: a fresh clone, a branch change and a
 * touched file are all judged by what is in the files.
 *
 * @returns SHA-256 in hex.
 */
export function fingerprint(root: string, patterns: readonly string[]): string {
  const hash = createHash("sha256");
  for (const file of listFiles(root, patterns)) {
    const bytes = readFileSync(join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** Whether a build made from exactly these inputs is on disk. */
export function isBuilt(root: string, name: string, print: string, outputs: readonly string[]): boolean {
  return readRecord(root)[name] === print && outputs.every((output) => existsSync(join(root, output)));
}

/** Remembers that a build from these inputs is finished. */
export function rememberBuilt(root: string, name: string, print: string): void {
  mkdirSync(join(root, ".lodeline"), { recursive: true });
  writeFileSync(join(root, RECORD), `${JSON.stringify({ ...readRecord(root), [name]: print }, null, 2)}\n`);
}

function readRecord(root: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(join(root, RECORD), "utf8")) as Record<string, string>;
  } catch {
    // None yet, or cut off by a crash: build again.
    return {};
  }
}
