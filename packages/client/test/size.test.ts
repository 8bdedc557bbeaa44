import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";

/** What a page loads to join a room, in bytes after gzip. The aim is 40,000; see SPEC.md. */
const CORE_LIMIT_BYTES = 49_000;

/** What is loaded only when it is needed stays out, as in any bundler's chunks. */
const lazy: Plugin = {
  name: "lazy",
  setup: ({ onResolve }) => {
    onResolve({ filter: /./ }, ({ kind, path }) => (kind === "dynamic-import" ? { path, external: true } : undefined));
  },
};

async function bundled(entry: string): Promise<{ readonly bytes: number; readonly inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: entry, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["@lodeline/source"],
    plugins: [lazy],
    metafile: true,
    write: false,
  });
  return { bytes: gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length, inputs: Object.keys(metafile.inputs) };
}

describe("the bundle", () => {
  it("[SIZE1] of the core stays below its limit", async () => {
    const core = await bundled('export { createClient } from "@lodeline/client"');
    const whole = await bundled('export * from "@lodeline/client"');
    console.log(`client: core ${core.bytes} bytes gzip, with previews, device lists and elements ${whole.bytes} bytes`);
    assert.ok(core.bytes < CORE_LIMIT_BYTES, `${core.bytes} bytes`);
  });

  it("[SIZE2] has encryption and calls in chunks of their own", async () => {
    const { inputs } = await bundled('export * from "@lodeline/client"');
    const part = (path: string) => inputs.filter((input) => input.includes(path));
    assert.ok(part("client/src/room/").length > 0, "the bundle was read");
    for (const path of ["sframe/", "client/src/encryption/", "client/src/call/"])
      assert.deepEqual(part(path), [], path);
  });
});
