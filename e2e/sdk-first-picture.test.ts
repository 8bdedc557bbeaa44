import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type Looking, lookAtPictures } from "./support/sdk-bright-pictures.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

/** Brighter than black is in any coding of it; the fake cameras of both browsers are far above. */
const BRIGHT = 12;

describe("the first picture", { timeout: 120_000 }, () => {
  let page: SdkPage;
  let server: LodelineServer;
  let watching: LaunchedBrowser;
  before(async () => {
    page = await serveSdkPage();
    server = await startServer();
    watching = await launch("chromium");
  });
  after(async () => {
    await watching?.[Symbol.asyncDispose]();
    await server?.close();
    await page?.[Symbol.asyncDispose]();
  });

  for (const [name, topology] of [
    ["chromium", "sfu"],
    ["chromium", "mesh"],
    ["firefox", "sfu"],
  ] as const) {
    it(`of a ${name} in a ${topology} room is the camera's, not the black of a track that waits`, async () => {
      await using browser = await launch(name);
      const place = { room: `${name}-${topology}`, topology };
      const ben = await Person.arrive(watching, { server: server.url, page: page.url });
      await ben.join({ ...place, name: "ben", camera: false });
      await ben.run(lookAtPictures);
      const ada = await Person.arrive(browser, { server: server.url, page: page.url });
      await ada.join({ ...place, name: "ada" });
      const pictures = (count: number) =>
        ben.page.waitForFunction(
          (least) => ((lab as Looking).brightness ?? []).length >= least,
          { polling: 20 },
          count,
        );
      await pictures(5);
      await ada.run((lab) => lab.room?.camera.off());
      await ben.says("ada", { camera: "never sent" });
      const before = await ben.run((lab: Looking) => lab.brightness?.length ?? 0);
      await ada.run((lab) => lab.room?.camera.on());
      await pictures(before + 5);
      const brightness = await ben.run((lab: Looking) => lab.brightness ?? []);
      assert.deepEqual(
        brightness.filter((one) => one < BRIGHT),
        [],
        `brightness of each picture: ${brightness}`,
      );
      await ada.leaveCleanly();
      await ben.leaveCleanly();
    });
  }
});
