import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { fingerprint, isBuilt, rememberBuilt } from "../build/fingerprint.ts";
import { root } from "../root.ts";
import { isCurrent } from "../setup/install.mjs";
import { withLock } from "../setup/lock.mjs";
import { isAlive } from "../suites/kill-tree.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "lodeline-setup-"));
  folders.push(folder);
  return folder;
}

function withLockfiles(wanted: object, have: object | undefined): string {
  const folder = scratch();
  mkdirSync(join(folder, "node_modules"));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ packages: wanted }));
  if (have !== undefined)
    writeFileSync(join(folder, "node_modules/.package-lock.json"), JSON.stringify({ packages: have }));
  return folder;
}

const WANTED = {
  "": {},
  "packages/base": {},
  "node_modules/a": { version: "1.0.0" },
  "node_modules/b": { link: true },
};

test("an install with everything in it is current", () => {
  assert.equal(
    isCurrent(withLockfiles(WANTED, { "node_modules/a": { version: "1.0.0" }, "node_modules/b": { link: true } })),
    true,
  );
});

test("no install, another version or a missing package are not", () => {
  assert.equal(isCurrent(withLockfiles(WANTED, undefined)), false);
  assert.equal(
    isCurrent(withLockfiles(WANTED, { "node_modules/a": { version: "1.0.1" }, "node_modules/b": { link: true } })),
    false,
  );
  assert.equal(isCurrent(withLockfiles(WANTED, { "node_modules/a": { version: "1.0.0" } })), false);
});

test("builds for other platforms need not be there", () => {
  const wanted = { "node_modules/a-windows": { version: "1.0.0", optional: true } };
  assert.equal(isCurrent(withLockfiles(wanted, {})), true);
});

test("two set-ups of one checkout wait for each other, and a dead one's lock is taken over", async () => {
  const folder = scratch();
  const order: string[] = [];
  const first = withLock(folder, async () => {
    order.push("first in");
    await sleep(50);
    order.push("first out");
  });
  const second = withLock(folder, async () => order.push("second in"));
  await Promise.all([first, second]);
  assert.deepEqual(order, ["first in", "first out", "second in"]);
  const gone = spawnSync(process.execPath, ["-e", ""]).pid;
  writeFileSync(join(folder, ".lodeline/setup.lock"), String(gone));
  await withLock(folder, async () => order.push("third in"));
  assert.equal(order.at(-1), "third in");
});

const CHILD = pathToFileURL(join(root, "tools/setup/child.mjs")).href;

function runner(script: string): string[] {
  return [
    "--input-type=module",
    "-e",
    `import { runChild } from "${CHILD}"; process.exitCode = await runChild(process.execPath, ["-e", ${JSON.stringify(script)}]);`,
  ];
}

test("a child's exit code is kept", () => {
  assert.equal(spawnSync(process.execPath, runner("process.exit(7)")).status, 7);
  assert.equal(spawnSync(process.execPath, runner("process.kill(process.pid, 'SIGKILL')")).status, 128 + 9);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} reaches the child, whose own exit code counts`, async () => {
    const script = `process.on("${signal}", () => { console.log("told"); process.exit(5); }); setInterval(() => {}, 1000); console.log("up");`;
    const parent = spawn(process.execPath, runner(script), { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    parent.stdout.on("data", (piece: Buffer) => {
      said += piece.toString();
      if (said === "up\n") parent.kill(signal);
    });
    const code = await new Promise((resolve) => parent.once("close", resolve));
    assert.equal(code, 5);
    assert.equal(said, "up\ntold\n");
  });
}

test("a child of an npm that was killed is ended", { skip: process.platform !== "linux" }, async () => {
  const script = "setInterval(() => {}, 1000); console.log(process.pid)";
  const env = { ...process.env, npm_lifecycle_event: "start" };
  // Stands for npm: it starts our runner and is killed before it can tell it anything.
  const npm = `require("node:child_process").spawn(process.execPath, ${JSON.stringify(runner(script))}, { stdio: "inherit" })`;
  const parent = spawn(process.execPath, ["-e", npm], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [piece] = (await once(parent.stdout, "data")) as [Buffer];
  const server = Number(piece.toString());
  assert.ok(isAlive(server));
  parent.kill("SIGKILL");
  while (isAlive(server)) await sleep(20);
});

test("a build counts as done only for the same inputs and with its outputs on disk", () => {
  const folder = scratch();
  writeFileSync(join(folder, "in.txt"), "one");
  const one = fingerprint(folder, ["*.txt"]);
  rememberBuilt(folder, "demo", one);
  assert.equal(isBuilt(folder, "demo", one, ["out.js"]), false);
  writeFileSync(join(folder, "out.js"), "");
  assert.equal(isBuilt(folder, "demo", one, ["out.js"]), true);
  writeFileSync(join(folder, "in.txt"), "two");
  assert.notEqual(fingerprint(folder, ["*.txt"]), one);
  writeFileSync(join(folder, "in.txt"), "one");
  assert.equal(fingerprint(folder, ["*.txt"]), one);
});

test("an unknown task is refused with the list of tasks", () => {
  const { status, stderr } = spawnSync(process.execPath, ["tools/run.mjs", "dance"], { cwd: root, encoding: "utf8" });
  assert.equal(status, 2);
  assert.match(stderr, /start \| test/);
});

/** A folder with stand-ins for the programs that install packages; the real ones would change the machine. */
function packageManager(): string {
  const folder = scratch();
  const script = (name: string, text: string): void =>
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  symlinkSync("/usr/bin/env", join(folder, "env"));
  script("sudo", 'shift; [ "$1" = true ] || exec "$@"');
  script(
    "apt-get",
    `echo "$@" >> ${folder}/asked
     [ "$1" = install ] || exit 0
     for name in chromium firefox-esr; do echo '#!/bin/sh' > ${folder}/$name; /bin/chmod +x ${folder}/$name; done`,
  );
  return folder;
}

function findBrowsers(path: string): { stdout: string; stderr: string } {
  const module = pathToFileURL(join(root, "tools/setup/browsers.mjs")).href;
  const script = `import { ensureBrowsers } from "${module}"; console.log(JSON.stringify(await ensureBrowsers()));`;
  const env = { PATH: path };
  return spawnSync(process.execPath, ["--input-type=module", "-e", script], { env, encoding: "utf8" });
}

test("missing browsers are installed once, and found the second time", { skip: process.platform !== "linux" }, () => {
  const folder = packageManager();
  const first = findBrowsers(folder);
  const wanted = { CHROMIUM_PATH: join(folder, "chromium"), FIREFOX_PATH: join(folder, "firefox-esr") };
  assert.match(first.stdout, /Installing chromium and firefox-esr .* done/);
  assert.deepEqual(JSON.parse(first.stdout.trim().split("\n").at(-1) ?? ""), wanted);
  const second = findBrowsers(folder);
  assert.deepEqual(JSON.parse(second.stdout), wanted);
  assert.equal(second.stderr, "");
  assert.deepEqual(readFileSync(join(folder, "asked"), "utf8").match(/^(update|install).*/gm), [
    "update",
    "install -y --no-install-recommends chromium firefox-esr",
  ]);
});

test("where nothing may be installed, one message says what is missing", () => {
  const { stdout, stderr } = findBrowsers(scratch());
  assert.equal(stdout.trim(), "{}");
  assert.match(stderr, /Chromium and Firefox missing.*apt-get install chromium firefox-esr/);
});
