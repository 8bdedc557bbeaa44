import assert from "node:assert/strict";
import { test } from "node:test";
import { style } from "../check/style.ts";
import { plantTree, soundPackage } from "./planted-tree.ts";

async function findings(files: Record<string, string>): Promise<string> {
  using tree = plantTree({ ...soundPackage("base"), ...soundPackage("media"), ...files });
  return (await style.run(tree.root)).map(({ at, message }) => `${at}: ${message}`).join("\n");
}

test("a tidy tree has no finding", async () => {
  assert.equal(await findings({}), "");
});

const IMPURE = {
  "the calendar": "Date.now()",
  "a performance clock": "performance.now()",
  "Math.random": "Math.random()",
  "Math.random by its name in brackets": 'Math["random"]()',
  crypto: "crypto.randomUUID()",
  "a timer": "setTimeout(() => {}, 1)",
  "the process": "process.pid",
  "the global object": "globalThis.Date",
  "the document": "document.title",
  fetch: 'fetch("x")',
  console: 'console.log("x")',
};

for (const [what, expression] of Object.entries(IMPURE)) {
  test(`${what} in a pure package is found`, async () => {
    const found = await findings({ "packages/base/src/index.ts": `export const x = ${expression};\n` });
    assert.match(found, /packages\/base\/src\/index\.ts:1: /);
  });
}

test("the same in an edge is not", async () => {
  const text = "export const x = [Date.now(), Math.random(), process.pid];\n";
  assert.equal(await findings({ "packages/media/src/index.ts": text }), "");
});

test("an import that the package does not declare is found", async () => {
  const found = await findings({ "packages/media/src/index.ts": 'export * as ws from "ws";\n' });
  assert.match(found, /noUndeclaredDependencies/);
});

test("an import cycle is found", async () => {
  const found = await findings({
    "packages/base/src/index.ts": 'export { a } from "./a.ts";\n',
    "packages/base/src/a.ts": 'import { b } from "./b.ts";\n\nexport const a = () => b;\n',
    "packages/base/src/b.ts": 'import { a } from "./a.ts";\n\nexport const b = () => a;\n',
  });
  assert.match(found, /noImportCycles/);
});

test("a default export, an enum and a re-export of everything are found", async () => {
  const found = await findings({
    "packages/base/src/index.ts": 'export * from "./a.ts";\n',
    "packages/base/src/a.ts": "export enum A {\n  B = 1,\n}\nconst c = 1;\nexport default c;\n",
  });
  assert.match(found, /noReExportAll/);
  assert.match(found, /noEnum/);
  assert.match(found, /noDefaultExport/);
});

test("a switch that forgets a case is found", async () => {
  const found = await findings({
    "packages/base/src/index.ts":
      'type Kind = "a" | "b";\n\nexport function f(kind: Kind): number {\n  switch (kind) {\n    case "a":\n      return 1;\n  }\n  return 0;\n}\n',
  });
  assert.match(found, /useExhaustiveSwitchCases/);
});

test("a promise that nobody waits for is found", async () => {
  const text = "async function work(): Promise<void> {}\n\nexport function start(): void {\n  work();\n}\n";
  assert.match(await findings({ "packages/media/src/index.ts": text }), /noFloatingPromises/);
});

test("an unformatted file is found", async () => {
  assert.match(await findings({ "packages/base/src/index.ts": "export const a=1\n" }), /not formatted/);
});
