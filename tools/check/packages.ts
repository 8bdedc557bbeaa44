import { LAYERS } from "../layers.ts";
import type { Check, Finding } from "./check.ts";
import { packageNames, readText } from "./tree.ts";

interface Manifest {
  readonly name?: string;
  readonly description?: string;
  readonly license?: string;
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Every package introduces itself, and declares only what the import table allows. */
export const packages: Check = {
  name: "packages",
  promise: "Each package has a README, a description, the licence, its Node, and pinned dependencies within its layer.",
  run: (root) => {
    const names = packageNames(root);
    const missing = Object.keys(LAYERS).filter((name) => !names.includes(name));
    return [
      ...missing.map((name) => ({ at: "tools/layers.ts", message: `${name} is in the table but not in packages/` })),
      ...names.flatMap((name) => judge(root, name)),
    ];
  },
};

function judge(root: string, name: string): Finding[] {
  const at = `packages/${name}/package.json`;
  const manifest = JSON.parse(readText(root, at) ?? "{}") as Manifest;
  const wrong: string[] = [];
  if (manifest.name !== `@lodeline/${name}`) wrong.push(`is named ${manifest.name}, not @lodeline/${name}`);
  if ((manifest.description ?? "").length < 10) wrong.push("has no description");
  if (manifest.license !== "MIT") wrong.push("does not name the MIT licence");
  if (manifest.engines?.node !== ">=24") wrong.push("does not ask for Node >=24");
  if ((readText(root, `packages/${name}/README.md`) ?? "").trim().length < 40) wrong.push("has no README.md");
  for (const [dependency, version] of Object.entries(manifest.dependencies ?? {})) {
    if (!/^\d+\.\d+\.\d+/.test(version)) wrong.push(`${dependency} is not pinned to one version (${version})`);
    const neighbour = dependency.startsWith("@lodeline/") ? dependency.slice("@lodeline/".length) : undefined;
    if (neighbour !== undefined && LAYERS[name]?.lodeline.includes(neighbour) === false) {
      wrong.push(`${dependency} is declared but the import table does not allow it`);
    }
  }
  return wrong.map((message) => ({ at, message }));
}
