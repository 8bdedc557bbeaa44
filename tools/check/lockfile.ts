import type { Check, Finding } from "./check.ts";
import { listFiles, readText } from "./tree.ts";

/** What both a manifest and the lockfile's record of it say. */
interface Dependents {
  readonly version?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Locked = Readonly<Record<string, Dependents>>;

const KINDS = ["dependencies", "devDependencies", "optionalDependencies"] as const;

/** The lockfile fits the manifests. Where it does not, everything works here and `npm ci` fails in a fresh clone. */
export const lockfile: Check = {
  name: "lockfile",
  promise: "package-lock.json is whole and in step with every package.json, so that a fresh clone installs.",
  run: (root) => {
    const text = readText(root, "package-lock.json");
    if (text === undefined) return [{ message: "there is no package-lock.json" }];
    const { packages } = JSON.parse(text) as { packages: Locked };
    const manifests = listFiles(root, [
      "package.json",
      "packages/*/package.json",
      "{scenarios,e2e,bench}/package.json",
    ]);
    return [...manifests.flatMap((path) => outOfStep(root, path, packages)), ...missingBuilds(packages)];
  },
};

function outOfStep(root: string, path: string, packages: Locked): Finding[] {
  const manifest = JSON.parse(readText(root, path) ?? "{}") as Dependents;
  const locked = packages[path.replace(/\/?package\.json$/, "")] ?? {};
  return KINDS.flatMap((kind) => {
    const names = new Set([...Object.keys(manifest[kind] ?? {}), ...Object.keys(locked[kind] ?? {})]);
    return [...names]
      .filter((name) => manifest[kind]?.[name] !== locked[kind]?.[name])
      .map((name) => ({ at: path, message: `${name}: not the same in package-lock.json (npm install)` }));
  });
}

/**
 * Builds for other platforms that a package names but the lockfile lacks. npm leaves them out when the registry it
 * asked does not have them, and `npm ci` then refuses the lockfile on every machine.
 */
function missingBuilds(packages: Locked): Finding[] {
  const known = new Set(Object.keys(packages).map((path) => path.split("node_modules/").at(-1)));
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => path.includes("node_modules/") && !known.has(name))
      .map((name) => ({ at: "package-lock.json", message: `${name}, named by ${path}, is missing` })),
  );
}
