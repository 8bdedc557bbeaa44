import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { audioGaps, heardAudio, watchAudio } from "./support/audio-gaps.ts";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };
const ROOM = "moving";
/** For so long sound may be gone. */
const GAP_MS = 1_500;

describe("clients get another address in a call, behind a relay", { timeout: 120_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  let ada: Person;
  let ben: Person;

  before(async () => {
    [server, page, browsers] = await Promise.all([
      startServer({ faults: "network" }),
      serveSdkPage(),
      Promise.all([launch("chromium"), launch("chromium")]),
    ]);
    const where = { server: server.url, page: page.url };
    const [one, other] = browsers;
    assert.ok(one && other);
    [ada, ben] = await Promise.all([Person.arrive(one, where), Person.arrive(other, where)]);
    await ada.join({ room: ROOM, name: "ada" });
    await ben.join({ room: ROOM, name: "ben" });
    await Promise.all([ada.says("ben", LIVE), ben.says("ada", LIVE)]);
  });

  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const sessions = async () => {
    const counts = (one: Person) => one.run((lab) => [lab.connections.length, lab.sockets.length, lab.room?.self.id]);
    return { ada: await counts(ada), ben: await counts(ben), status: server.hub.status().sessions };
  };

  it("their sockets are bound to no address, though both may use their devices: they outlive the one they go by", async () => {
    for (const person of [ada, ben]) {
      const candidates = await person.run((lab) =>
        lab.connections.flatMap(
          ({ localDescription }) => localDescription?.sdp.match(/^a=candidate:.* host.*$/gm) ?? [],
        ),
      );
      const addresses = candidates.map((line) => line.split(" ")[4] ?? "");
      assert.ok(addresses.length > 0);
      // Chromium names none where it knows none: that is the sign of it.
      for (const address of addresses) assert.match(address, /\.local$/);
      const own = await person.run((lab) =>
        [...(lab.room?.participants.values() ?? [])].flatMap(({ stream }) =>
          stream.getTracks().map((track) => track instanceof MediaStreamTrack),
        ),
      );
      assert.deepEqual(own, [true, true], "what the page is handed is of its own kind");
    }
  });

  for (const [spec, what] of [
    ["udp:rebind", "another port, as when a NAT forgets"],
    ["udp:move", "another address"],
  ] as const) {
    it(`${what}: the gap in received audio stays under ${GAP_MS} ms, and no session is made anew`, async () => {
      const before = await sessions();
      await Promise.all([watchAudio(ada), watchAudio(ben)]);
      await heardAudio([ada, ben], 40);
      const id = server.faults?.start(spec) ?? assert.fail();
      await heardAudio([ada, ben], 150);
      const gaps = [...(await audioGaps(ada)), ...(await audioGaps(ben))];
      const counters = server.faults?.counters(id);
      assert.ok((counters?.rebound ?? 0) + (counters?.moved ?? 0) >= 2, JSON.stringify(counters));
      const longestMs = Math.max(...gaps.map((gap) => gap.longestMs));
      console.log(
        `${spec}: gaps ${gaps.map((gap) => `${gap.longestMs.toFixed(0)} ms`).join(", ")}; ` +
          `concealed ${gaps.map((gap) => `${(gap.concealedS * 1000).toFixed(0)} ms`).join(", ")}`,
      );
      assert.ok(longestMs < GAP_MS, `${longestMs} ms`);
      assert.equal(gaps.length, 2, "each hears the other");
      assert.deepEqual(await sessions(), before);
    });
  }

  it("video survives it as well, and they leave cleanly", async () => {
    await Promise.all([ada.says("ben", LIVE), ben.says("ada", LIVE)]);
    await Promise.all([ada.leaveCleanly(), ben.leaveCleanly()]);
  });
});
