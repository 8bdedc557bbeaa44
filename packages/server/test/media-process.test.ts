import assert from "node:assert/strict";
import { link, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { createServer } from "../src/create-server.ts";
import { createMediaProcess } from "../src/media/media-process.ts";

const KEY = { id: "shared", secret: "0123456789abcdef".repeat(3) };
const invalid = (field: string) => (thrown: unknown) =>
  thrown instanceof LodelineError && thrown.code === "config/invalid" && thrown.field === field;

describe("a media process", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "lodeline-media-"));
  });
  after(() => rm(folder, { recursive: true }));

  const serverOn = (address: string) =>
    createServer({ access: { kind: "open" }, port: 0, media: { process: { address, key: KEY } } });

  it("[MPR1] carries a server's media over a Unix socket, and over TCP", async () => {
    for (const listen of [`unix:${join(folder, "media.sock")}`, "127.0.0.1:0"]) {
      await using media = await createMediaProcess({ listen, keys: [KEY], media: { addresses: ["127.0.0.1"] } });
      await using server = await serverOn(media.address);
      const stats = await server.media.ask({ kind: "stats", room: undefined });
      assert.deepEqual(stats, { publications: [], forwarders: [] });
      const { sockets } = await server.media.ask({ kind: "ready" });
      assert.deepEqual(
        sockets.map(({ address }) => address),
        ["127.0.0.1"],
      );
    }
  });

  it("[MPR1] says that its address is taken, by whoever answers there and by a file that is no socket, but not by a stale one", async () => {
    const path = join(folder, "taken.sock");
    const other = createSocket();
    await new Promise<void>((resolve) => void other.listen(path, resolve));
    await assert.rejects(createMediaProcess({ listen: `unix:${path}`, keys: [KEY] }), invalid("listen"));
    // As after a kill: the file stays, and nobody listens.
    const stale = join(folder, "stale.sock");
    await link(path, stale);
    await new Promise((resolve) => void other.close(resolve));
    await (await createMediaProcess({ listen: `unix:${stale}`, keys: [KEY] })).close();
    const file = join(folder, "file");
    await writeFile(file, "kept");
    await assert.rejects(createMediaProcess({ listen: `unix:${file}`, keys: [KEY] }), invalid("listen"));
  });

  it("[MPR2] wants a key, and leaves to the media process what is its own", async () => {
    await assert.rejects(createMediaProcess({ listen: "127.0.0.1:0", keys: [] }), /config\/no-key/);
    const media = { process: { address: "127.0.0.1:1", key: KEY }, workers: 2 };
    await assert.rejects(createServer({ access: { kind: "open" }, port: 0, media }), invalid("media.workers"));
  });
});
