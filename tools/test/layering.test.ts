import assert from "node:assert/strict";
import { test } from "node:test";
import { layering } from "../check/layering.ts";
import { plantTree, soundPackage } from "./planted-tree.ts";

const SOUND = {
  ...soundPackage("base", "export const one = 1;\n"),
  ...soundPackage("protocol", 'export { one } from "@lodeline/base";\n'),
  ...soundPackage("room", 'export { one } from "@lodeline/base";\n'),
  ...soundPackage("media", 'export { one } from "@lodeline/base";\n'),
};

async function findings(files: Record<string, string>): Promise<string[]> {
  using tree = plantTree({ ...SOUND, ...files });
  return (await layering.run(tree.root)).map(({ at, message }) => `${at}: ${message}`);
}

test("a tree within the table has no finding", async () => {
  assert.deepEqual(await findings({}), []);
});

test("an import against the table is found, a type import too", async () => {
  const found = await findings({
    "packages/base/src/index.ts":
      'import "@lodeline/room";\nimport type { one } from "@lodeline/protocol";\nexport type { one };\n',
  });
  assert.equal(found.length, 2);
  assert.match(found.join(), /packages\/base\/src\/index.ts: import "@lodeline\/room": base may import no package/);
});

test("an import between two packages that only edges may make is found", async () => {
  const found = await findings({ "packages/room/src/index.ts": 'export { one } from "@lodeline/media";\n' });
  assert.match(found.join(), /room may import only base, protocol/);
});

test("another package's files by path are found", async () => {
  const found = await findings({ "packages/room/src/index.ts": 'export { one } from "../../base/src/index.ts";\n' });
  assert.match(found.join(), /leaves the package by path/);
});

test("reaching into another package through its name is found", async () => {
  const found = await findings({
    "packages/room/src/index.ts": 'export { one } from "@lodeline/base/src/index.ts";\n',
  });
  assert.match(found.join(), /reaches inside another package/);
});

test("Node and third-party code in a pure package are found, in an edge they are not", async () => {
  const text = 'import "node:fs";\nimport "zod";\nexport {};\n';
  const found = await findings({ "packages/room/src/index.ts": text, "packages/media/src/index.ts": text });
  assert.equal(found.length, 2);
  assert.match(found.join(), /room.*nothing of Node/);
  assert.match(found.join(), /room.*no third-party code/);
});

test("protocol alone may use zod", async () => {
  assert.deepEqual(await findings({ "packages/protocol/src/index.ts": 'import "zod";\nexport {};\n' }), []);
});

test("tests may use Node and their own package, but not a package outside the row", async () => {
  const found = await findings({
    "packages/room/test/a.test.ts":
      'import "node:test";\nimport "@lodeline/room";\nimport "../src/index.ts";\nimport "@lodeline/media";\n',
  });
  assert.equal(found.length, 1);
  assert.match(found.join(), /a\.test\.ts: import "@lodeline\/media"/);
});

test("a package that is not in the table is found", async () => {
  assert.match((await findings(soundPackage("attic"))).join(), /packages\/attic: not in the import table/);
});

test("a run that read no module fails", async () => {
  using tree = plantTree({ "README.md": "# Nothing here\n" });
  assert.match((await layering.run(tree.root)).map(({ message }) => message).join(), /not one module was read/);
});
