import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { type PictureReport, type Watched, watchedPicture, watchPicture } from "./support/sdk-picture-watch.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };

describe("the last picture", { timeout: 120_000 }, () => {
  let page: SdkPage;
  before(async () => {
    page = await serveSdkPage();
  });
  after(async () => {
    await page?.[Symbol.asyncDispose]();
  });

  for (const name of ["chromium", "firefox"] as const) {
    it(`${name} shows it through a server's restart until the next one is decoded`, async () => {
      await using browser: LaunchedBrowser = await launch("chromium", { width: 640, height: 400 });
      await using watching: LaunchedBrowser = await launch(name, { width: 640, height: 400 });
      const directory = await mkdtemp(join(tmpdir(), "lodeline-"));
      const storage = { directory };
      const first = await startServer({ storage });
      const port = Number(new URL(first.url).port);
      const ada = await Person.arrive(browser, { server: first.url, page: page.url });
      const ben = await Person.arrive(watching, { server: first.url, page: page.url });
      await ada.join({ room: "r", name: "ada" });
      await ben.join({ room: "r", name: "ben" });
      await ben.says("ada", LIVE);
      await ben.until(() => [...document.querySelectorAll("video")].some((video) => video.videoWidth > 0));
      await ben.run(watchPicture);
      const sessions = () => ben.run((lab) => lab.connections.length);
      const before = await sessions();
      const people = await ben.run((lab) => [...(lab.room?.participants.keys() ?? [])]);
      await first.close({ keep: true });
      await ben.until(() => lab.room?.connection.link === "interrupted");
      await using second = await startServer({ port, storage });
      // The words of before stand until the link is back and the next session has begun.
      await ben.page.waitForFunction(
        (count) => lab.connections.length > count && lab.room?.connection.media === "active",
        { timeout: 20_000, polling: 20 },
        before,
      );
      await ben.says("ada", LIVE);
      const pictures = await ben.run((lab: Watched) => lab.pictures?.() ?? 0);
      await ben.page.waitForFunction(
        (count) => ((lab as Watched).pictures?.() ?? 0) > count + 5,
        { polling: 50 },
        pictures,
      );
      const shown = (await ben.run(watchedPicture)) as PictureReport;
      console.log(`${name}: ${JSON.stringify(shown)}, ${(await sessions()) - before} new session`);
      assert.ok((await sessions()) > before, "there was a new session");
      assert.ok(shown.samples > 10);
      assert.ok(shown.stillMs > 200, "the picture stood still for a while");
      assert.equal(shown.lost, 0, `no last picture: ${shown.changes}`);
      assert.equal(shown.dark, 0, `black pictures: ${shown.changes}`);
      assert.equal(second.status().participants, 2);
      assert.deepEqual(await ben.run((lab) => [...(lab.room?.participants.keys() ?? [])]), people, "the same person");
      await ada.leaveCleanly();
      await ben.leaveCleanly();
      await rm(directory, { recursive: true });
    });
  }
});
