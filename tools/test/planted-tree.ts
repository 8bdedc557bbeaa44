import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root as home } from "../root.ts";

/** A small repository of its own in a temporary folder, removed when disposed. */
export interface PlantedTree extends Disposable {
  readonly root: string;
}

const COMPILER_CONFIG = `{
  "extends": "../../tsconfig.base.json",
  "compilerOptions": { "rootDir": "src", "outDir": "dist", "tsBuildInfoFile": "dist/.tsbuildinfo" },
  "include": ["src"]
}
`;

/** A package file set that breaks no rule: what a planted violation is added to. */
export function soundPackage(name: string, index = "export {};\n"): Record<string, string> {
  const manifest = {
    name: `@lodeline/${name}`,
    version: "0.1.0",
    description: `The ${name} package of a planted tree.`,
    license: "MIT",
    type: "module",
    exports: { ".": { "@lodeline/source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" } },
    engines: { node: ">=24" },
    dependencies: {},
  };
  return {
    [`packages/${name}/package.json`]: `${JSON.stringify(manifest, null, 2)}\n`,
    [`packages/${name}/README.md`]: `# @lodeline/${name}\n\nA package of a planted tree, with a sentence about itself.\n`,
    [`packages/${name}/tsconfig.json`]: COMPILER_CONFIG,
    [`packages/${name}/src/index.ts`]: index,
  };
}

/**
 * Writes files into a fresh tree that has this repository's configuration and dependencies.
 *
 * @param files - Path and text; a later path replaces an earlier one.
 */
export function plantTree(files: Readonly<Record<string, string>>): PlantedTree {
  const root = mkdtempSync(join(tmpdir(), "lodeline-planted-"));
  for (const name of ["biome.json", "tsconfig.base.json", ".gitignore"]) cpSync(join(home, name), join(root, name));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  linkPackages(root, Object.keys(files));
  return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }) };
}

/** Third-party packages come from this checkout, `@lodeline/*` from the planted tree. */
function linkPackages(root: string, paths: readonly string[]): void {
  const scope = join(root, "node_modules", "@lodeline");
  mkdirSync(scope, { recursive: true });
  for (const name of new Set(paths.map((path) => /^packages\/([^/]+)\//.exec(path)?.[1]))) {
    if (name !== undefined) symlinkSync(join(root, "packages", name), join(scope, name), "dir");
  }
  for (const name of ["zod", "typescript"]) {
    const source = join(home, "node_modules", name);
    if (existsSync(source)) symlinkSync(source, join(root, "node_modules", name), "dir");
  }
  mkdirSync(join(root, "node_modules", "@types"), { recursive: true });
  for (const name of ["node"])
    symlinkSync(join(home, "node_modules/@types", name), join(root, "node_modules/@types", name), "dir");
}
