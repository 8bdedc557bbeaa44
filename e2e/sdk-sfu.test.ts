import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import type { SdkLab } from "./support/sdk-page-script.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };

describe("three browsers in an sfu room", { timeout: 240_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  const people = new Map<string, Person>();
  const others = (name: string) => [...people.keys()].filter((one) => one !== name);
  const person = (name: string): Person => people.get(name) ?? assert.fail(`no ${name}`);

  before(async () => {
    [server, page, browsers] = await Promise.all([
      startServer(),
      serveSdkPage(),
      Promise.all([launch("chromium"), launch("chromium"), launch("firefox")]),
    ]);
    for (const [index, name] of ["ada", "ben", "fay"].entries()) {
      const browser = browsers[index] ?? assert.fail();
      people.set(name, await Person.arrive(browser, { server: server.url, page: page.url }));
    }
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  it("everybody goes on decoding and hearing both others", async () => {
    for (const [name, one] of people) await one.join({ room: "three", name });
    for (const [name, one] of people) for (const other of others(name)) await one.says(other, LIVE);
    for (const [name, one] of people) {
      const earlier = new Map((await one.arrived()).map((row) => [row.mid, row]));
      await until(
        `${name} decodes a hundred frames more of two cameras and hears two microphones`,
        () => one.arrived(),
        (rows) => {
          const video = rows.filter((row) => row.framesDecoded >= (earlier.get(row.mid)?.framesDecoded ?? 0) + 100);
          const audio = rows.filter((row) => row.audioEnergy > (earlier.get(row.mid)?.audioEnergy ?? 0));
          return video.length === 2 && audio.length === 2;
        },
        20_000,
      );
    }
  });

  it("every ledger row says received", async () => {
    for (const [name, one] of people) {
      const rows = await one.run((lab) => lab.room?.ledger().map((row) => `${row.publication} ${row.standing}`) ?? []);
      assert.equal(rows.length, 8, `${name}: ${rows}`);
      assert.ok(
        rows.every((row) => row.endsWith(" received")),
        `${name}: ${rows}`,
      );
    }
  });

  for (const name of ["ada", "fay"]) {
    it(`${name}'s camera off and on, microphone muted and not: all others follow`, async () => {
      const one = person(name);
      const follow = async (what: string, words: Readonly<Record<string, string>>) => {
        const tookMs = await Promise.all(others(name).map((other) => person(other).says(name, words, 5_000)));
        assert.ok(Math.max(...tookMs) < 3_000, `${what}: ${tookMs.map(Math.round)}`);
      };
      await one.run((lab) => lab.room?.camera.mute());
      await follow("camera muted", { camera: "muted by them" });
      const lit = (lab: SdkLab) => lab.captured.filter((t) => t.kind === "video" && t.readyState === "live").length;
      assert.equal(await one.run(lit), 0, "the camera's light is off");
      await one.run((lab) => lab.room?.camera.unmute());
      await follow("camera back", LIVE);
      await one.run((lab) => lab.room?.camera.off());
      await follow("camera off", { camera: "never sent" });
      await one.run((lab) => lab.room?.camera.on());
      await follow("camera on", LIVE);
      await one.run((lab) => lab.room?.microphone.mute());
      await follow("microphone muted", { microphone: "muted by them" });
      await one.run((lab) => lab.room?.microphone.unmute());
      await follow("microphone back", LIVE);
    });
  }

  it("after leaving everything that was opened is closed, and the receipt says so", async () => {
    for (const one of people.values()) await one.leaveCleanly();
    assert.equal(server.status().participants, 0);
    for (const [name, one] of people) assert.deepEqual(one.errors, [], name);
  });
});
