import { existsSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { runQuietly } from "./child.mjs";
import { withLock } from "./lock.mjs";

/**
 * Makes sure that what the lockfile names is in `node_modules`, Node 24 included.
 *
 * @param {string} root - The checkout.
 * @returns {Promise<string | undefined>} Path of the Node to run everything else with; `undefined`
 *   when it could not be had, after saying why.
 */
export async function ensureInstalled(root) {
  if (!isCurrent(root)) {
    const installed = await withLock(root, async () => isCurrent(root) || (await install(root)));
    if (!installed) return undefined;
  }
  const node = localNode(root);
  if (node !== undefined) return node;
  console.error("Dependencies are installed, but not the Node they bring (the `node` package ran no install script).");
  console.error("Try: npm rebuild node    or install Node 24 yourself and run again.");
  return undefined;
}

/**
 * Whether `node_modules` holds what `package-lock.json` asks for. npm writes its own record of an
 * install at the very end of it, so an interrupted install is never taken for a finished one, and
 * an `npm install` by hand is recognised without a second one.
 *
 * @param {string} root
 * @returns {boolean}
 */
export function isCurrent(root) {
  const wanted = readPackages(join(root, "package-lock.json"));
  const have = readPackages(join(root, "node_modules", ".package-lock.json"));
  if (wanted === undefined || have === undefined) return false;
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.includes("node_modules/")) continue;
    const found = have[path];
    if (found === undefined) {
      // Builds for other platforms are in the lockfile and rightly not on this disk.
      if (entry.optional === true || entry.peer === true) continue;
      return false;
    }
    if (entry.version !== found.version || entry.link !== found.link) return false;
  }
  return true;
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, link?: boolean, optional?: boolean, peer?: boolean }> | undefined}
 */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8")).packages;
  } catch {
    return undefined;
  }
}

/**
 * One `npm ci`, quiet unless it fails.
 *
 * @param {string} root
 * @returns {Promise<boolean>} Whether it worked.
 */
async function install(root) {
  const started = performance.now();
  process.stdout.write("Installing dependencies (once; a minute or so on a slow line) ... ");
  const npm = npmCommand();
  const result = await runQuietly(npm.command, [...npm.args, "ci", "--include=dev", "--no-audit", "--no-fund"], {
    cwd: root,
    env: npm.env,
  });
  if (result.code === 0) await bringNode(root);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (result.code === 0) {
    process.stdout.write(`done in ${seconds} s\n`);
    return true;
  }
  process.stdout.write(`failed after ${seconds} s\n`);
  console.error(result.output.trim());
  console.error("\n`npm ci` failed; what it said stands above. Set-up needs the npm registry once.");
  return false;
}

/**
 * Where npm was told to run no install scripts, the `node` package is there without its binary.
 * Its script only fetches the binary's own package, so it can be run directly.
 *
 * @param {string} root
 */
async function bringNode(root) {
  if (localNode(root) !== undefined) return;
  const folder = join(root, "node_modules", "node");
  if (!existsSync(folder)) return;
  await runQuietly(outerNode(), ["installArchSpecificPackage.js"], { cwd: folder });
}

/**
 * @param {string} root
 * @returns {string | undefined} Node 24 or newer: the one in `node_modules`, else the one running, if new enough.
 */
function localNode(root) {
  for (const path of [join("node_modules", ".bin", "node"), join("node_modules", "node", "bin", "node")]) {
    if (existsSync(join(root, path))) return join(root, path);
  }
  return Number.parseInt(process.versions.node, 10) >= 24 && existsSync(process.execPath)
    ? process.execPath
    : undefined;
}

/**
 * The npm that started us if one did, else the one on the path. Its Node must not be the one
 * inside `node_modules`, which `npm ci` is about to remove.
 *
 * @returns {{ command: string, args: string[], env: Record<string, string | undefined> }}
 */
function npmCommand() {
  // A production install would leave out the very tools the checks and the build need.
  const env = { NODE_ENV: undefined, npm_config_omit: undefined, npm_config_production: undefined };
  const script = process.env.npm_execpath;
  if (script?.endsWith(".js") && existsSync(script)) return { command: outerNode(), args: [script], env };
  return { command: "npm", args: [], env };
}

/** @returns {string} A Node outside `node_modules`, where one is known. */
function outerNode() {
  const given = process.env.npm_node_execpath;
  const inside = `${sep}node_modules${sep}`;
  if (given !== undefined && existsSync(given) && !given.includes(inside)) return given;
  return process.execPath.includes(inside) ? "node" : process.execPath;
}
