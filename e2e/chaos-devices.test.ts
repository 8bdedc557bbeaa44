import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DeviceFaults } from "@lodeline/chaos/devices";
import type { LodelineServer } from "@lodeline/server";
import { build } from "esbuild";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

declare const deviceFaults: DeviceFaults;

/** The module as a page would load it, made into one script. */
async function bundle(): Promise<string> {
  const entry = new URL("../packages/chaos/src/devices/index.ts", import.meta.url).pathname;
  const options = { bundle: true, format: "iife", globalName: "chaosDevices", write: false } as const;
  const made = await build({ entryPoints: [entry], conditions: ["@lodeline/source"], ...options });
  const code = made.outputFiles[0]?.text ?? assert.fail();
  // The SDK's page has a script of its own to say who it is; this one only has to come first.
  return `${code}\nglobalThis.deviceFaults = new chaosDevices.DeviceFaults();`;
}

describe("device faults in Chromium", { timeout: 120_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  let ada: Person;
  let ben: Person;

  before(async () => {
    const [started, served, code, ...launched] = await Promise.all([
      startServer(),
      serveSdkPage(),
      bundle(),
      launch("chromium"),
      launch("chromium"),
    ]);
    [server, page, browsers] = [started, served, launched];
    const where = { server: server.url, page: page.url };
    const [one, other] = launched;
    [ada, ben] = await Promise.all([Person.arrive(one, where), Person.arrive(other, where)]);
    await ada.page.evaluateOnNewDocument(code);
    await ada.page.reload();
    await ada.ready();
    await Promise.all([ada.join({ room: "devices", name: "ada" }), ben.join({ room: "devices", name: "ben" })]);
    await Promise.all([ada.says("ben", { camera: "live" }), ben.says("ada", { microphone: "live", camera: "live" })]);
  });

  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const start = (spec: string) => ada.page.evaluate((text) => deviceFaults.desk.start(text), spec);
  const stop = (id: string) => ada.page.evaluate((text) => deviceFaults.desk.stop(text), id);
  const problem = () => ada.run((lab) => [lab.room?.camera.state, lab.room?.camera.problem?.code ?? "none"]);
  const turnOn = () =>
    ada.run((lab) =>
      lab.room?.camera.on().then(
        () => "on",
        (error: { code: string }) => error.code,
      ),
    );

  for (const [spec, ended, refused, name] of [
    ["device:pull", "device/ended", "device/missing", "pulled out"],
    ["device:withdraw", "device/denied", "device/denied", "forbidden in the call"],
  ] as const) {
    it(`a camera that is ${name} is told as that, by others too, and comes back by one action`, async () => {
      const id = await start(spec);
      await ben.says("ada", { microphone: "live", camera: "never sent" }, 3_000);
      assert.deepEqual(await problem(), ["failed", ended]);
      assert.equal(await turnOn(), refused, "and while it lasts it cannot be opened");
      assert.equal(await stop(id), true);
      assert.equal(await turnOn(), "on");
      await ben.says("ada", { microphone: "live", camera: "live" }, 5_000);
    });
  }

  it("a camera that is busy cannot be opened; what is open stays open", async () => {
    const id = await start("device:busy,kind=camera");
    assert.deepEqual(await problem(), ["live", "none"]);
    await ada.run((lab) => lab.room?.camera.off());
    assert.equal(await turnOn(), "device/busy");
    await stop(id);
    assert.equal(await turnOn(), "on");
    await ben.says("ada", { camera: "live" }, 5_000);
  });

  it("everything is the browser's own again after it", async () => {
    const own = await ada.page.evaluate(() => {
      deviceFaults[Symbol.dispose]();
      return ["getUserMedia", "getDisplayMedia", "enumerateDevices"].map((name) =>
        Object.hasOwn(navigator.mediaDevices, name),
      );
    });
    assert.deepEqual(own, [false, false, false]);
    await Promise.all([ada.leaveCleanly(), ben.leaveCleanly()]);
  });
});
