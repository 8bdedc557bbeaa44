import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cryptoRandom } from "@lodeline/base";
import { createServer, createSigningKey, type LodelineServer } from "@lodeline/server";
import { audioGaps, heardAudio, watchAudio } from "./support/audio-gaps.ts";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { NetworkNamespace, noNamespaces } from "./support/network-namespace.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";

const LIVE = { microphone: "live", camera: "live" };
/** Asked for by name, since it does not hold to the 1.5 s yet: `NAMESPACES=1`. */
const skip = process.env.NAMESPACES === undefined ? "run it with NAMESPACES=1" : (noNamespaces() ?? false);

/**
 * What holds today, and not yet the 1.5 s that the relay's test holds to: the link notices within its five seconds that its
 * socket is dead, and with it back ICE restarts at once. Chromium itself gathers the new address two seconds after it is
 * there (measured: its list of networks is that late).
 */
const GAP_MS = 8_000;

describe("a machine changes its network in a call", { timeout: 120_000, skip }, () => {
  let server: LodelineServer;
  let namespace: NetworkNamespace;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  let ada: Person;
  let ben: Person;

  before(async () => {
    namespace = await NetworkNamespace.make(1 + (process.pid % 250));
    const { host } = namespace;
    page = await serveSdkPage(undefined, host);
    const { origin } = new URL(page.url);
    const random = cryptoRandom((into) => crypto.getRandomValues(into));
    server = await createServer({
      access: { kind: "keys", keys: [createSigningKey(random)] },
      host,
      port: 0,
      origins: [origin],
      media: { addresses: [host] },
    });
    const args = [
      `--unsafely-treat-insecure-origin-as-secure=${origin}`,
      `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${host}`,
    ];
    const wrapper = namespace.chromium();
    browsers = await Promise.all([launch("chromium", { args, wrapper }), launch("chromium", { args })]);
    const [one, other] = browsers;
    assert.ok(one && other);
    const where = { server: server.url, page: page.url };
    [ada, ben] = await Promise.all([Person.arrive(one, where), Person.arrive(other, where)]);
    for (const [person, name] of [
      [ada, "ada"],
      [ben, "ben"],
    ] as const) {
      const token = await server.createToken({ identity: name, name, room: "moving" });
      await person.join({ room: "moving", name }, { token });
    }
    await Promise.all([ada.says("ben", LIVE), ben.says("ada", LIVE)]);
  });

  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page?.[Symbol.asyncDispose]();
    await server?.close();
    await namespace?.[Symbol.asyncDispose]();
  });

  const state = async () => ({
    page: await ada.run((lab) => [lab.connections.length, lab.room?.self.id]),
    sessions: server.hub.status().sessions,
    participants: server.hub.status().participants,
  });

  it(`the gap in received audio stays under ${GAP_MS} ms, and no session is made anew`, async () => {
    const before = await state();
    await Promise.all([watchAudio(ada), watchAudio(ben)]);
    await heardAudio([ada, ben], 40);
    const was = namespace.address;
    const changes: string[] = [];
    const since = (atMs: number) => `${(performance.now() - atMs).toFixed(0)} ms`;
    await namespace.changeAddress();
    const changedAtMs = performance.now();
    server.hub.on("link", ({ what }) => changes.push(`link ${what} after ${since(changedAtMs)}`));
    await heardAudio([ada, ben], 200);
    const gaps = [...(await audioGaps(ada)), ...(await audioGaps(ben))].map(({ longestMs }) => longestMs);
    const list = gaps.map((gapMs) => `${gapMs.toFixed(0)} ms`).join(", ");
    console.log(`${was} became ${namespace.address}: gaps ${list}; ${changes.join(", ")}`);
    assert.equal(gaps.length, 2, "each hears the other");
    assert.ok(Math.max(...gaps) < GAP_MS, list);
    await Promise.all([ada.says("ben", LIVE), ben.says("ada", LIVE)]);
    // The link finds out by itself that its socket is dead; nobody is told to leave because of it.
    await ada.until(() => lab.room?.connection.link === "open");
    assert.deepEqual(await state(), before);
  });

  it("they leave cleanly", async () => {
    await Promise.all([ada.leaveCleanly(), ben.leaveCleanly()]);
  });
});
