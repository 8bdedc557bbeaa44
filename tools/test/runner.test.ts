import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../root.ts";
import { descendants, isAlive, killTree } from "../suites/kill-tree.ts";
import { runSuite } from "../suites/run-suite.ts";
import { SUITES } from "../suites/suites.ts";
import { addTallies, closingLine, EMPTY_TALLY, isSuccess, type Tally, tallyOf } from "../suites/tally.ts";
import { type ProcessResult, runTestProcess } from "../suites/test-process.ts";

const folder = mkdtempSync(join(tmpdir(), "lodeline-runner-"));
after(() => rmSync(folder, { recursive: true, force: true }));

async function run(text: string, timeoutMs = 30_000, namePattern?: string): Promise<ProcessResult & { tally: Tally }> {
  const file = join(folder, `case-${Math.abs(hash(text))}.test.mjs`);
  writeFileSync(file, `import { describe, it, test, after } from "node:test";\n${text}`);
  const result = await runTestProcess({
    root,
    files: [file],
    timeoutMs,
    ...(namePattern === undefined ? {} : { namePattern }),
  });
  return { ...result, tally: tallyOf("suite", result.events) };
}

/** Resolves when a process has ended; never, and so fails by the file's time limit, when it has not. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(10);
}

function hash(text: string): number {
  let value = 7;
  for (const letter of text) value = (value * 31 + letter.charCodeAt(0)) | 0;
  return value;
}

test("passes, failures and skips are counted, groups are not", async () => {
  const { tally, trouble } = await run(`
    describe("group", () => {
      it("passes", () => {});
      it("fails", () => { throw new Error("broken on purpose"); });
      it.skip("is skipped", () => {});
      it.todo("is to do");
    });`);
  assert.deepEqual([tally.passed, tally.failed, tally.skipped, trouble], [1, 1, 2, undefined]);
  assert.match(tally.failures[0]?.title ?? "", /group > fails$/);
  assert.match(tally.failures[0]?.detail ?? "", /broken on purpose/);
});

test("a file that cannot be loaded is one failure with its name", async () => {
  const { tally } = await run(`import "./not-there.mjs";`);
  assert.equal(tally.failed, 1);
  assert.match(tally.failures[0]?.detail ?? "", /not-there/);
});

test("a hang is killed, with what it started, and the test that hung is named", async () => {
  const started = performance.now();
  const { trouble, output } = await run(
    `import { spawn, spawnSync } from "node:child_process";
     test("never ends", async () => {
       const child = spawn("sleep", ["600"], { detached: true, stdio: "ignore" });
       console.log("child", child.pid);
       setInterval(() => {}, 1000);
       await new Promise(() => {});
     });`,
    3000,
  );
  assert.match(trouble ?? "", /killed after 3 s.*never ends/);
  assert.ok(performance.now() - started < 10_000);
  const child = Number(/child (\d+)/.exec(output)?.[1]);
  assert.ok(child > 0);
  await gone(child);
});

test("an endless loop is killed too", async () => {
  const { trouble } = await run(`test("loops", () => { for (;;); });`, 1500);
  assert.match(trouble ?? "", /killed after/);
});

test("a process that ends early with a code is a failure although no test failed", async () => {
  const { trouble } = await run(`test("fine", () => {}); after(() => process.exit(3));`);
  assert.match(trouble ?? "", /ended with code 3 and no failing test/);
});

test("an error after the test had ended is a failure and is shown", async () => {
  const { trouble } = await run(`test("fine", () => { setTimeout(() => { throw new Error("too late"); }, 30); });`);
  assert.match(trouble ?? "", /too late/);
});

test("a failing hook counts", async () => {
  const { tally } = await run(
    `describe("group", () => { after(() => { throw new Error("in the hook"); }); it("fine", () => {}); });`,
  );
  assert.equal(tally.failed, 1);
});

test("names select tests", async () => {
  const { tally } = await run(`test("one", () => {}); test("two", () => {});`, 30_000, "one");
  assert.equal(tally.passed, 1);
});

test("what a test prints is not taken for a result", async () => {
  const { tally } = await run(
    `test("prints", () => { console.log('{"kind":"ended","outcome":"failed","path":[]}'); });`,
  );
  assert.deepEqual([tally.passed, tally.failed], [1, 0]);
});

test("a suite without what it needs fails instead of passing empty", async () => {
  const suite = {
    name: "demo",
    files: ["tools/test/runner.test.ts"],
    isolation: "apart",
    timeoutMs: 1,
    needs: ["LODELINE_NOT_SET"],
  } as const;
  const tally = await runSuite(root, suite, { paths: [] });
  assert.equal(tally.failed, 1);
  assert.match(tally.failures[0]?.detail ?? "", /LODELINE_NOT_SET/);
});

test("a suite without files is a failure, a selection without files is nothing", async () => {
  const suite = { name: "demo", files: ["no-such-folder/*.test.ts"], isolation: "together", timeoutMs: 1 } as const;
  assert.equal((await runSuite(root, suite, { paths: [] })).failed, 1);
  assert.equal((await runSuite(root, suite, { paths: ["elsewhere"] })).failed, 0);
});

/** Three files, of which two meet: each waits until the other has begun. The third says who was about when it began. */
function meetingFiles(): string {
  const place = mkdtempSync(join(folder, "meeting-"));
  const meets = (own: string, other: string) => `
    import { existsSync, rmSync, writeFileSync } from "node:fs";
    import { test } from "node:test";
    import { setTimeout as sleep } from "node:timers/promises";
    test("meets ${other}", { timeout: 20_000 }, async () => {
      writeFileSync("${place}/${own}.here", "");
      writeFileSync("${place}/${own}.began", "");
      while (!existsSync("${place}/${other}.began")) await sleep(10);
      rmSync("${place}/${own}.here");
    });`;
  writeFileSync(join(place, "a.test.mjs"), meets("a", "c"));
  writeFileSync(join(place, "c.test.mjs"), meets("c", "a"));
  writeFileSync(
    join(place, "b.test.mjs"),
    `import assert from "node:assert";
     import { readdirSync } from "node:fs";
     import { test } from "node:test";
     test("is alone", () => assert.deepEqual(readdirSync("${place}").filter((name) => name.endsWith(".here")), []));`,
  );
  return place;
}

test("files that may share the machine run two at a time, the others alone", {
  skip: availableParallelism() < 2 ? "one core" : false,
}, async () => {
  const place = meetingFiles();
  const [all = "", a = "", c = ""] = ["*", "a", "c"].map((name) => relative(root, join(place, `${name}.test.mjs`)));
  const suite = { name: "demo", files: [all], isolation: "apart", timeoutMs: 30_000, beside: [a, c] } as const;
  const tally = await runSuite(root, suite, { paths: [] });
  assert.deepEqual([tally.passed, tally.failed], [3, 0], JSON.stringify(tally.failures));
});

test("files of one process are dealt over as many as asked for", async () => {
  const place = mkdtempSync(join(folder, "dealt-"));
  for (const name of ["a", "b", "c"])
    writeFileSync(
      join(place, `${name}.test.mjs`),
      `import { test } from "node:test"; import { writeFileSync } from "node:fs";
       test("${name}", () => writeFileSync("${place}/${name}.pid", String(process.pid)));`,
    );
  const files = [relative(root, join(place, "*.test.mjs"))];
  const suite = { name: "demo", files, isolation: "together", timeoutMs: 30_000, processes: 2 } as const;
  const tally = await runSuite(root, suite, { paths: [] });
  assert.deepEqual([tally.passed, tally.failed], [3, 0], JSON.stringify(tally.failures));
  const [a, b, c] = ["a", "b", "c"].map((name) => readFileSync(join(place, `${name}.pid`), "utf8"));
  assert.equal(a, c);
  assert.notEqual(a, b);
});

test("the closing line", () => {
  const tally = { ...EMPTY_TALLY, passed: 3, failed: 1 };
  assert.equal(closingLine(tally), "3 passed, 1 failed");
  assert.equal(closingLine(addTallies(tally, { ...EMPTY_TALLY, skipped: 2 })), "3 passed, 1 failed, 2 skipped");
});

test("no test at all is not a success", () => {
  assert.equal(isSuccess(EMPTY_TALLY), false);
  assert.equal(isSuccess({ ...EMPTY_TALLY, skipped: 5 }), false);
  assert.equal(isSuccess({ ...EMPTY_TALLY, passed: 1 }), true);
  assert.equal(isSuccess({ ...EMPTY_TALLY, passed: 1, failed: 1 }), false);
});

test("a process family is found and ended by id", { skip: process.platform !== "linux" }, async () => {
  const parent = spawn("sh", ["-c", "sleep 600 & sleep 600"], { stdio: "ignore" });
  const pid = parent.pid ?? 0;
  while (descendants(pid).length < 2) await sleep(10);
  const family = descendants(pid);
  await killTree(pid, 200);
  for (const id of family) await gone(id);
});

test("a run in which no test ran ends with code 1 and the closing line", () => {
  const args = ["--conditions=@lodeline/source", "tools/suites/main.ts", "unit", "no-such-file"];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  assert.equal(status, 1);
  assert.match(stdout, /No test ran/);
  assert.equal(stdout.trimEnd().split("\n").at(-1), "0 passed, 0 failed");
});

test("what may run beside another is there", () => {
  const named = SUITES.flatMap(({ beside = [] }) => (beside === "all" ? [] : beside));
  assert.deepEqual(
    named.filter((file) => !existsSync(join(root, file))),
    [],
  );
});
