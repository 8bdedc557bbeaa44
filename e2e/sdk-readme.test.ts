import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { build } from "esbuild";
import { launch } from "./support/browsers.ts";
import { startServer } from "./support/server.ts";

const HTML =
  '<!doctype html><html lang="en"><meta charset="utf-8"><title>Example</title><link rel="icon" href="data:,"><body><script type="module" src="/example.js"></script></body></html>';

describe("the README of the client", { timeout: 60_000 }, () => {
  it("its example runs as it stands, on a page of the server, and ends clean", async () => {
    const readme = await readFile(join(import.meta.dirname, "../packages/client/README.md"), "utf8");
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    assert.ok(example);
    const folder = await mkdtemp(join(tmpdir(), "lodeline-readme-"));
    try {
      await build({
        stdin: { contents: example, loader: "ts", resolveDir: import.meta.dirname },
        outfile: join(folder, "example.js"),
        bundle: true,
        format: "esm",
        target: "es2022",
        conditions: ["@lodeline/source"],
      });
      await writeFile(join(folder, "index.html"), HTML);
      await using server = await startServer({ pageDirectory: folder });
      await using browser = await launch("chromium");
      const { page, errors } = await browser.open("about:blank");
      const clean = new Promise<string>((resolve) => {
        page.on("console", (message) => message.text().startsWith("clean") && resolve(message.text()));
      });
      await page.goto(server.url);
      assert.equal(await clean, "clean true");
      assert.deepEqual(errors, []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
