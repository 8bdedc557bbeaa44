#!/usr/bin/env node
/**
 * The one entry behind every npm script: brings the set-up up to date, then hands over to the
 * task on the Node that set-up brought.
 *
 * This file and `tools/setup/` are plain JavaScript for any Node from 20 on, because they run
 * before anything is installed. Everything after them is TypeScript on Node 24.
 */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBrowsers } from "./setup/browsers.mjs";
import { runChild } from "./setup/child.mjs";
import { ensureInstalled } from "./setup/install.mjs";
import { ensureKernel } from "./setup/kernel.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = ["--conditions=@lodeline/source", "--disable-warning=ExperimentalWarning"];

/**
 * Builds what is stale: browsers open the built page, and load what only a build makes.
 *
 * @param {string} node
 * @param {string[]} [args]
 * @returns {Promise<number>} The exit code.
 */
const build = (node, args = []) => runChild(node, [...source, "tools/build/main.ts", ...args], { cwd: root });

/**
 * What each task does once dependencies are there: given the path of Node 24 and the rest of the
 * command line, it returns the exit code.
 *
 * @type {Record<string, (node: string, args: string[]) => Promise<number>>}
 */
const TASKS = {
  start: async (node, args) => {
    const built = await build(node);
    if (built !== 0) return built;
    return runChild(node, ["packages/cli/dist/main.js", "dev", ...args], { cwd: root });
  },
  test: async (node, args) => {
    const browsers = args.includes("--without-browsers") ? {} : await ensureBrowsers();
    return runChild(node, [...source, "tools/suites/main.ts", "all", ...args], { cwd: root, env: browsers });
  },
  build,
  check: (node, args) => runChild(node, [...source, "tools/suites/main.ts", "checks", ...args], { cwd: root }),
  unit: (node, args) => runChild(node, [...source, "tools/suites/main.ts", "unit", ...args], { cwd: root }),
  scenarios: (node, args) => runChild(node, [...source, "tools/suites/main.ts", "scenarios", ...args], { cwd: root }),
  schedules: (node, args) => runChild(node, [...source, "scenarios/schedules/main.ts", ...args], { cwd: root }),
  e2e: async (node, args) =>
    runChild(node, [...source, "tools/suites/main.ts", "e2e", ...args], { cwd: root, env: await ensureBrowsers() }),
  "e2e:namespaces": async (node, args) => {
    const built = await build(node);
    if (built !== 0) return built;
    const env = { ...(await ensureBrowsers()), NAMESPACES: "1" };
    return runChild(node, [...source, "--test", ...args, "e2e/chaos-namespace.test.ts"], { cwd: root, env });
  },
  docs: (node, args) => runChild(node, [...source, "tools/docs/main.ts", ...args], { cwd: root }),
  bench: async (node, args) => {
    const entry = "bench/main.ts";
    if (!existsSync(join(root, entry))) {
      console.error(`There is no ${entry} yet: nothing to measure.`);
      return 1;
    }
    const built = await build(node);
    if (built !== 0) return built;
    return runChild(node, [...source, entry, ...args], { cwd: root, env: await ensureBrowsers() });
  },
  fuzz: (node, args) => runChild(node, [...source, "tools/fuzz/main.ts", ...args], { cwd: root }),
  "native:sanitize": (node) =>
    runChild(node, [...source, "tools/fuzz/main.ts", "--kernel-only", "200000"], { cwd: root }),
  soak: async (node, args) => {
    const [name = "", ...rest] = args;
    const entry = `soak/${name}.ts`;
    if (!/^[a-z-]+$/.test(name) || !existsSync(join(root, entry))) {
      console.error("Usage: npm run soak:<name> -- [options]; the long runs there are stand in soak/README.md.");
      return 2;
    }
    const built = await build(node);
    if (built !== 0) return built;
    return runChild(node, [...source, entry, ...rest], { cwd: root, env: await ensureBrowsers() });
  },
  format: (node, args) =>
    runChild(node, ["node_modules/@biomejs/biome/bin/biome", "check", "--write", ...args], { cwd: root }),
  setup: async () => {
    await ensureBrowsers();
    return 0;
  },
};

async function main() {
  const [task = "", ...args] = process.argv.slice(2);
  const work = TASKS[task];
  if (work === undefined) {
    console.error(`Usage: node tools/run.mjs <${Object.keys(TASKS).join(" | ")}> [arguments]`);
    return 2;
  }
  const major = Number.parseInt(process.versions.node, 10);
  if (major < 20) {
    console.error(`Lodeline needs Node 20 or newer to set itself up; this is ${process.version}.`);
    return 1;
  }
  const node = await ensureInstalled(root);
  if (node === undefined) return 1;
  await ensureKernel(root);
  // Every test file, and every server that one starts, would take the types out of the same sources again: 1.2 s each.
  process.env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "compiled");
  return work(node, args);
}

process.exitCode = await main();
