import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** What a page loads to join a room or to call, in bytes after gzip. The aim is 40,000; see SPEC.md. */
const CORE_LIMIT_BYTES = 50_000;

async function gzipped(entry: string): Promise<number> {
  const bundle = await build({
    stdin: { contents: entry, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["@lodeline/source"],
    write: false,
  });
  return gzipSync(bundle.outputFiles[0]?.contents ?? "", { level: 9 }).length;
}

describe("the bundle", () => {
  it("[SIZE1] of the core stays below its limit", async () => {
    const core = await gzipped('export { createClient } from "@lodeline/client"');
    const whole = await gzipped('export * from "@lodeline/client"');
    console.log(`client: core ${core} bytes gzip, with previews, device lists and elements ${whole} bytes`);
    assert.ok(core < CORE_LIMIT_BYTES, `${core} bytes`);
  });
});
