import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { LodelineProcess } from "./support/lodeline-process.ts";
import { playsAnew } from "./support/plays-anew.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";

const environment = { LODELINE_MEDIA_KEY: `shared:${"0123456789abcdef".repeat(3)}` };

/** Starts a media process; gives it and where it listens. */
async function startMedia(listen: string) {
  const process = new LodelineProcess(["media", "--listen", listen, "--workers", "1"], { environment });
  const [, address = ""] = await process.says(/media listens at (\S+)\./);
  return { process, address };
}

describe("media in a process of its own", { timeout: 60_000 }, () => {
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  let people: Person[] = [];
  let media: Awaited<ReturnType<typeof startMedia>>;
  let control: LodelineProcess;

  before(async () => {
    const started = startMedia("127.0.0.1:0");
    [page, browsers] = await Promise.all([serveSdkPage(), Promise.all([launch("chromium"), launch("chromium")])]);
    media = await started;
    control = new LodelineProcess(["dev", "--port", "0", "--media", media.address], { environment });
    const [, server = ""] = await control.says(/(http:\/\/127\.0\.0\.1:\d+)/);
    people = await Promise.all(browsers.map((browser) => Person.arrive(browser, { server, page: page.url })));
    for (const [index, one] of people.entries()) await one.join({ room: "apart", name: `p${index}` });
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    control[Symbol.dispose]();
    media.process[Symbol.dispose]();
  });

  const connections = () => Promise.all(people.map((one) => one.run((lab) => lab.connections.length)));
  const plays = (before: readonly number[]) =>
    Promise.all(people.map((one, index) => playsAnew(one, before[index] ?? 0)));

  it("flows through it", async () => {
    await plays([0, 0]);
  });

  it("plays again over new connections after it was killed and started again", async (t) => {
    const before = await connections();
    media.process.signal("SIGKILL");
    assert.equal((await media.process.ended).signal, "SIGKILL");
    media = await startMedia(media.address);
    const backAtMs = performance.now();
    await plays(before);
    t.diagnostic(`sound and picture ${(performance.now() - backAtMs).toFixed(0)} ms after the media process was back`);
    assert.doesNotMatch(control.out + control.err, /The server is back/, "control was never away");
  });

  it("ends in order, and control goes on", async () => {
    media.process.signal("SIGTERM");
    assert.equal((await media.process.ended).code, 0, media.process.err);
    control.signal("SIGTERM");
    assert.equal((await control.ended).code, 0, control.err);
  });
});
