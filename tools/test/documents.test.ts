import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Check } from "../check/check.ts";
import { docblocks } from "../check/docblocks.ts";
import { generatedDocs } from "../check/generated-docs.ts";
import { links } from "../check/links.ts";
import { lockfile } from "../check/lockfile.ts";
import { neutral } from "../check/neutral.ts";
import { packages } from "../check/packages.ts";
import { rules, statedRules } from "../check/rules.ts";
import { edgesToMermaid } from "../docs/state-diagrams.ts";
import { LAYERS } from "../layers.ts";
import { root as home } from "../root.ts";
import { plantTree, soundPackage } from "./planted-tree.ts";

async function findings(check: Check, files: Record<string, string>): Promise<string> {
  using tree = plantTree(files);
  return (await check.run(tree.root)).map(({ at = "", message }) => `${at}: ${message}`).join("\n");
}

test("docblocks: an export without a docstring is found, where it is declared", async () => {
  const found = await findings(docblocks, {
    ...soundPackage("base", 'export { bare, type Bare, told } from "./a.ts";\n'),
    "packages/base/src/a.ts":
      "/** Told. */\nexport const told = 1;\nexport const bare = 2;\nexport interface Bare {}\n",
  });
  assert.equal(
    found,
    "packages/base/src/a.ts:3: bare has no docstring\npackages/base/src/a.ts:4: Bare has no docstring",
  );
});

test("docblocks: a constant and a type of one name need a docstring each", async () => {
  const text = "/** One. */\nexport const a = 1;\nexport type a = number;\n";
  assert.match(await findings(docblocks, soundPackage("base", text)), /index\.ts:3: a has no docstring/);
});

test("docblocks: an empty docstring and `export *` are found", async () => {
  const found = await findings(docblocks, {
    ...soundPackage("base", 'export * from "./a.ts";\n'),
    "packages/base/src/a.ts": "/** */\nexport function f(): void {}\n",
  });
  assert.match(found, /export \*/);
  assert.match(found, /f has no docstring/);
});

test("docblocks: a tree without packages is not a success", async () => {
  assert.match(await findings(docblocks, {}), /saw nothing/);
});

test("rules: a rule without a test and a test without its rule are found", async () => {
  const found = await findings(rules, {
    ...soundPackage("base", "/** One. */\nexport const a = 1;\n"),
    "packages/base/SPEC.md": "# base\n\n- **[BASE1]** The first.\n- **[BASE2]** The second.\n",
    "packages/base/test/a.test.ts": 'it("[BASE1] holds", () => {});\ntest("[BASE3] [R1.2#18] too", () => {});\n',
  });
  assert.match(found, /SPEC\.md:4: no test names rule BASE2/);
  assert.match(found, /a\.test\.ts:2: rule BASE3 does not stand/);
  assert.equal(found.split("\n").length, 2);
});

test("rules: a pure package with exports and no SPEC.md is found, an empty one is not", async () => {
  const files = { ...soundPackage("base", "/** One. */\nexport const a = 1;\n"), ...soundPackage("room") };
  assert.equal(await findings(rules, files), "packages/base: a pure package states its rules in SPEC.md");
});

test("rules: items, headings, tables and bold state rules; prose does not", () => {
  const text = "- [A1] x\n## B2. y\n| C3 | z |\n**D4** w\n1. [E5] v\nVP8 is a codec.\n- H264 is another.\n";
  assert.deepEqual([...statedRules(text).keys()], ["A1", "B2", "C3", "D4", "E5"]);
});

test("packages: a bare package and one missing from the tree are found", async () => {
  const found = await findings(packages, {
    "packages/base/package.json": JSON.stringify({
      name: "base",
      dependencies: { zod: "^4.0.0", "@lodeline/room": "0.1.0" },
    }),
  });
  for (const words of [
    "named base",
    "no description",
    "MIT",
    "README",
    ">=24",
    "not pinned",
    "does not allow",
    "room is in the table",
  ]) {
    assert.ok(found.includes(words), `${words} in:\n${found}`);
  }
});

test("packages: sound ones have no finding", async () => {
  const files = Object.assign({}, ...Object.keys(LAYERS).map((name) => soundPackage(name)));
  assert.equal(await findings(packages, files), "");
});

test("lockfile: a dependency that is not locked and a build that is left out are found", async () => {
  const locked = { "": {}, "node_modules/a": { version: "1.0.0", optionalDependencies: { "a-mac": "1.0.0" } } };
  const found = await findings(lockfile, {
    "package.json": JSON.stringify({ dependencies: { a: "1.0.0" } }),
    "package-lock.json": JSON.stringify({ packages: locked }),
  });
  assert.match(found, /package\.json: a: not the same/);
  assert.match(found, /a-mac, named by node_modules\/a, is missing/);
});

test("neutral: paths of one machine and a registry's host are found", async () => {
  const text = ["/", "home/ann/x ", "/", "tmp/x https://registry.", "npmjs.org/"].join("");
  const found = await findings(neutral, { "docs/a.md": text });
  assert.equal(found.split("\n").length, 3);
});

test("links: a missing file and a missing heading are found", async () => {
  const found = await findings(links, {
    "README.md": "[a](docs/a.md) [b](docs/b.md) [c](docs/a.md#here) [d](docs/a.md#gone) [e](https://example.org/x)\n",
    "docs/a.md": "# Title\n\n## Here\n",
  });
  assert.equal(found, "README.md:1: docs/b.md: no such file\nREADME.md:1: docs/a.md#gone: no such heading");
});

test("generated-docs: a word changed in a generated table is found", async () => {
  using tree = plantTree({});
  cpSync(join(home, "docs"), join(tree.root, "docs"), { recursive: true });
  for (const name of Object.keys(LAYERS)) {
    cpSync(join(home, "packages", name, "package.json"), join(tree.root, "packages", name, "package.json"), {
      recursive: true,
    });
  }
  const before = await generatedDocs.run(tree.root);
  const path = join(tree.root, "docs/errors.md");
  writeFileSync(path, readFileSync(path, "utf8").replace("protocol/malformed", "protocol/mislaid"));
  const after = await generatedDocs.run(tree.root);
  // The real documents may be behind the code at this moment; that is the check's own business, not this test's.
  assert.equal(before.filter(({ at }) => at?.startsWith("docs/errors.md")).length, 0);
  assert.match(
    after.map(({ at, message }) => `${at} ${message}`).join(),
    /docs\/errors\.md:\d+ differs.*protocol\/malformed/,
  );
});

test("state diagrams: inputs to one state share an arrow, staying is not drawn", () => {
  const drawing = edgesToMermaid({ Idle: { call: ["Busy"], tick: ["Busy", "Idle"] }, Busy: ["Idle"] });
  assert.deepEqual(drawing.split("\n").slice(2, -1), [
    "  [*] --> Idle",
    "  Idle --> Busy : call, tick",
    "  Busy --> Idle",
  ]);
});
