import { existsSync } from "node:fs";
import { join } from "node:path";
import { type ProgramResult, runTool } from "../check/program.ts";
import { packageNames } from "../check/tree.ts";
import { LAYERS } from "../layers.ts";
import { root } from "../root.ts";
import { buildEncryptionWorker, ENCRYPTION_WORKER } from "./encryption-worker.ts";
import { fingerprint, isBuilt, rememberBuilt } from "./fingerprint.ts";

interface BuildStep {
  readonly name: string;
  /** Patterns of every file the result depends on. */
  readonly inputs: readonly string[];
  /** Files that are there when the build is. */
  readonly outputs: readonly string[];
  make(): Promise<ProgramResult>;
}

const COMMON = ["package-lock.json", "tsconfig.base.json"];

function steps(): BuildStep[] {
  const compiled = packageNames(root).filter((name) => name !== "web");
  const page: BuildStep = {
    name: "page",
    inputs: [
      ...COMMON,
      "packages/web/{index.html,vite.config.ts,package.json,tsconfig.json}",
      "packages/web/{src,public}/**/*.*",
      ...pageDependencies().map((name) => `packages/${name}/src/**/*.ts`),
    ],
    outputs: ["packages/web/dist/index.html"],
    make: () => runTool("vite/bin/vite.js", ["build", "--logLevel", "warn"], join(root, "packages/web")),
  };
  const packages: BuildStep = {
    name: "packages",
    inputs: [
      ...COMMON,
      "tsconfig.json",
      "packages/*/{package,tsconfig}.json",
      ...compiled.map((name) => `packages/${name}/src/**/*.ts`),
    ],
    outputs: compiled.map((name) => `packages/${name}/dist/index.js`),
    make: () => runTool("typescript7/bin/tsc", ["-b"], root),
  };
  const worker: BuildStep = {
    name: "encryption worker",
    inputs: [...COMMON, "tools/build/encryption-worker.ts", ...ENCRYPTION_WORKER.inputs],
    outputs: ENCRYPTION_WORKER.outputs,
    make: () => buildEncryptionWorker(root),
  };
  return existsSync(join(root, "packages/web/index.html")) ? [packages, worker, page] : [packages, worker];
}

/** All packages whose sources end up in the page. */
function pageDependencies(): string[] {
  const found = new Set<string>();
  const visit = (name: string): void => {
    for (const next of LAYERS[name]?.lodeline ?? []) {
      if (!found.has(next)) {
        found.add(next);
        visit(next);
      }
    }
  };
  visit("web");
  return [...found];
}

/**
 * Builds what is stale: the packages with the compiler, the page with Vite. Says nothing when nothing is.
 *
 * @returns What went wrong, one text for each part that could not be built. The parts do not stop each other.
 */
export async function buildStale(): Promise<string[]> {
  const failures: string[] = [];
  for (const step of steps()) {
    const failure = await build(step);
    if (failure !== undefined) failures.push(failure);
  }
  return failures;
}

async function build(step: BuildStep): Promise<string | undefined> {
  const print = fingerprint(root, step.inputs);
  if (isBuilt(root, step.name, print, step.outputs)) return undefined;
  const started = performance.now();
  process.stdout.write(`Building the ${step.name} ... `);
  const { code, output } = await step.make();
  console.log(`${code === 0 ? "done" : "failed"} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  if (code !== 0) return `the ${step.name} could not be built\n${output}`;
  rememberBuilt(root, step.name, print);
  return undefined;
}
