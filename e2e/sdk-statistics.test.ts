import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import type { SdkLab } from "./support/sdk-page-script.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

/** A lab whose page counts what it has asked and is not answered yet. */
interface Asking extends SdkLab {
  unanswered?: number;
}

describe("statistics", { timeout: 60_000 }, () => {
  let page: SdkPage;
  before(async () => {
    page = await serveSdkPage();
  });
  after(async () => {
    await page?.[Symbol.asyncDispose]();
  });

  for (const name of ["chromium", "firefox"] as const) {
    // Firefox never answers what a connection was asked just before it closed. Whoever waits for it waits for ever: the SDK
    // itself did, and told the server of nothing that it received any more.
    it(`that are asked for while a session ends keep nobody waiting in ${name}`, async () => {
      await using server = await startServer();
      await using browser = await launch(name);
      const ada = await Person.arrive(browser, { server: server.url, page: page.url });
      await ada.join({ room: "r", name: "ada" });
      await ada.until(() => lab.room?.connection.media === "active");
      const asked = await ada.run(async (lab: Asking) => {
        const { room } = lab;
        if (!room) throw new Error("no room");
        lab.unanswered = 0;
        let asked = 0;
        const ask = () => {
          asked++;
          lab.unanswered = (lab.unanswered ?? 0) + 1;
          void room.stats().then(() => {
            lab.unanswered = (lab.unanswered ?? 0) - 1;
          });
        };
        const asking = setInterval(ask, 1);
        await room.leave();
        clearInterval(asking);
        return asked;
      });
      assert.ok(asked > 0);
      await ada.until(() => (lab as Asking).unanswered === 0, 5_000);
    });
  }
});
