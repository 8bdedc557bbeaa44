import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

/** A room of two is brought to one encoding each after two seconds: pictures go on for longer than that. */
const FRAMES = 30;

describe("a camera in layers inside one stream", { timeout: 90_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  const people: Person[] = [];

  before(async () => {
    [server, page, browsers] = await Promise.all([
      startServer(),
      serveSdkPage(),
      Promise.all([launch("chromium"), launch("firefox")]),
    ]);
    for (const browser of browsers) {
      people.push(await Person.arrive(browser, { server: server.url, page: page.url }));
    }
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const layerOf = (person: Person) =>
    person.run((lab) => {
      const row = lab.room?.ledger().find(({ source, to }) => source === "camera" && to === lab.room?.self.id);
      return row?.layer;
    });
  const frames = async (person: Person) =>
    (await person.arrived()).reduce((sum, { framesDecoded }) => sum + framesDecoded, 0);

  it("is sent by a browser that can, is simulcast of one that cannot, and the ledger says which layer is received", async (t) => {
    const [ada, fay] = people;
    assert.ok(ada && fay);
    for (const [person, name] of [
      [ada, "ada"],
      [fay, "fay"],
    ] as const)
      await person.join({ room: "layers", name, scalabilityMode: "L3T3_KEY" });
    await ada.says("fay", { camera: "live" });
    await fay.says("ada", { camera: "live" });
    const modes = await Promise.all(people.map((one) => one.run((lab) => lab.room?.camera.scalabilityMode ?? "none")));
    assert.deepEqual(modes, ["L3T3_KEY", "none"]);
    for (const [person, rid] of [
      [ada, /^[qhf](:S0T\d)?$/],
      // While the sender's encoder makes but one size, the stream is one layer; simulcast would have a name.
      [fay, /^(S\dT\d)?$/],
    ] as const) {
      const earlier = await frames(person);
      await until(
        "pictures go on",
        () => frames(person),
        (now) => now >= earlier + FRAMES,
      );
      const layer = await layerOf(person);
      t.diagnostic(JSON.stringify(layer));
      assert.match(layer?.rid ?? "none", rid);
    }
    await ada.says("fay", { camera: "live" });
    await fay.says("ada", { camera: "live" });
    for (const person of people) await person.leaveCleanly();
  });

  it("is refused where the mode is none, and leaves nothing behind", async () => {
    const [ada] = people;
    const asked = ada?.join({ room: "layers", name: "ada", scalabilityMode: "L9T9" as "L3T3" });
    await assert.rejects(asked ?? assert.fail(), /scalabilityMode: "L9T9" is not one of/);
    assert.equal(await ada?.run((lab) => lab.client?.room === undefined), true);
  });
});
