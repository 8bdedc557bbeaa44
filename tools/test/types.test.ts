import assert from "node:assert/strict";
import { test } from "node:test";
import { types } from "../check/types.ts";
import { plantTree, soundPackage } from "./planted-tree.ts";

const TEST_CONFIG = JSON.stringify({
  extends: "../../../tsconfig.base.json",
  compilerOptions: { composite: false, noEmit: true, types: ["node"] },
  include: ["."],
});

async function findings(files: Record<string, string>): Promise<string> {
  const references = JSON.stringify({ files: [], references: [{ path: "packages/base" }] });
  using tree = plantTree({ "tsconfig.json": references, ...soundPackage("base"), ...files });
  return (await types.run(tree.root)).map(({ at = "", message }) => `${at} ${message}`).join("\n");
}

test("a sound tree has no finding", async () => {
  assert.equal(
    await findings({ "packages/base/test/tsconfig.json": TEST_CONFIG, "packages/base/test/a.test.ts": "export {};\n" }),
    "",
  );
});

test("a type error in a package is found", async () => {
  assert.match(await findings({ "packages/base/src/index.ts": "export const a: string = 1;\n" }), /TS2322/);
});

test("a type error in a test is found", async () => {
  const found = await findings({
    "packages/base/test/tsconfig.json": TEST_CONFIG,
    "packages/base/test/a.test.ts": "export const a: string = 1;\n",
  });
  assert.match(found, /a\.test\.ts.*TS2322/);
});

test("browser, Node and timers do not exist for a pure package", async () => {
  const found = await findings({
    "packages/base/src/index.ts": 'import "node:fs";\nexport const a = [setTimeout, document, process];\n',
  });
  for (const name of ["node:fs", "setTimeout", "document", "process"]) assert.match(found, new RegExp(`'${name}'`));
});

test("syntax that cannot simply be erased is found", async () => {
  assert.match(await findings({ "packages/base/src/index.ts": "export enum A {\n  B,\n}\n" }), /TS1294/);
});

test("tests that no configuration covers are found", async () => {
  assert.match(await findings({ "packages/base/test/a.test.ts": "export {};\n" }), /never type-checked/);
});
