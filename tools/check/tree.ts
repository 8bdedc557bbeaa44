import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const IGNORED = new Set(["node_modules", "dist", ".git", ".lodeline", "artifacts", "results", "coverage"]);

/** Files below `root` that match the patterns, sorted, without dependencies and build output. */
export function listFiles(root: string, patterns: string | readonly string[]): string[] {
  const found = globSync(patterns, { cwd: root, exclude: (path) => IGNORED.has(path.split("/").at(-1) ?? "") });
  return found.sort();
}

/** Names of the folders in `packages/` that hold a package, sorted. */
export function packageNames(root: string): string[] {
  const folder = join(root, "packages");
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, "package.json")))
    .sort();
}

/** A text file of the tree, or `undefined` when it is not there. */
export function readText(root: string, path: string): string | undefined {
  const full = join(root, path);
  return existsSync(full) ? readFileSync(full, "utf8") : undefined;
}

/** Line number, from 1, of a character position. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Whether a package's public surface is still an empty file, as a package that was only laid out has. */
export function isEmptyPackage(root: string, name: string): boolean {
  return /^\s*(export \{\};\s*)?$/.test(readText(root, `packages/${name}/src/index.ts`) ?? "");
}
