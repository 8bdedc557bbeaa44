import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { runQuietly } from "./child.mjs";

/** The browsers the end-to-end tests drive: how the program may be called, and Debian's package for it. */
const BROWSERS = /** @type {const} */ ([
  {
    name: "Chromium",
    variable: "CHROMIUM_PATH",
    programs: ["chromium", "chromium-browser", "google-chrome"],
    debian: "chromium",
  },
  { name: "Firefox", variable: "FIREFOX_PATH", programs: ["firefox-esr", "firefox"], debian: "firefox-esr" },
]);

/**
 * Finds the browsers, installing Debian's packages where that is allowed without a question.
 *
 * @returns {Promise<Record<string, string>>} The variables `CHROMIUM_PATH` and `FIREFOX_PATH`
 *   with a path each, for those that are there. What is missing was said on standard error.
 */
export async function ensureBrowsers() {
  let missing = BROWSERS.filter((browser) => locate(browser) === undefined);
  if (missing.length > 0) {
    await installDebian(missing.map((browser) => browser.debian));
    missing = BROWSERS.filter((browser) => locate(browser) === undefined);
  }
  if (missing.length > 0) {
    const names = missing.map((browser) => browser.name).join(" and ");
    const packages = missing.map((browser) => browser.debian).join(" ");
    console.error(`${names} missing: the end-to-end tests cannot run. On Debian: sudo apt-get install ${packages}`);
    console.error(
      `Elsewhere install them and set ${missing.map((browser) => browser.variable).join(" and ")} to their paths.`,
    );
  }
  /** @type {Record<string, string>} */
  const found = {};
  for (const browser of BROWSERS) {
    const path = locate(browser);
    if (path !== undefined) found[browser.variable] = path;
  }
  return found;
}

/**
 * @param {typeof BROWSERS[number]} browser
 * @returns {string | undefined}
 */
function locate(browser) {
  const given = process.env[browser.variable];
  if (given !== undefined && isProgram(given)) return given;
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const program of browser.programs) {
      const path = join(folder, program);
      if (folder !== "" && isProgram(path)) return path;
    }
  }
  return undefined;
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Installs packages when this is root or `sudo` asks for no password; otherwise does nothing.
 *
 * @param {readonly string[]} packages
 */
async function installDebian(packages) {
  if ((await runQuietly("apt-get", ["--version"])).code !== 0) return;
  const prefix = await rootPrefix();
  if (prefix === undefined) return;
  const started = performance.now();
  process.stdout.write(`Installing ${packages.join(" and ")} for the browser tests (once) ... `);
  const apt = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
  // Without fresh lists the install asks for versions the mirror no longer has.
  const steps = [
    [...apt, "update"],
    [...apt, "install", "-y", "--no-install-recommends", ...packages],
  ];
  for (const [command = "", ...args] of steps) {
    const result = await runQuietly(command, args);
    if (result.code === 0) continue;
    process.stdout.write("failed\n");
    console.error(result.output.trim().split("\n").slice(-5).join("\n"));
    return;
  }
  process.stdout.write(`done in ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
}

/** @returns {Promise<readonly string[] | undefined>} What to put before a command that needs root. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return (await runQuietly("sudo", ["-n", "true"])).code === 0 ? ["sudo", "-n"] : undefined;
}
