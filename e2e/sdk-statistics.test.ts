import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

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
      const unanswered = await ada.run(async ({ room }) => {
        if (!room) throw new Error("no room");
        const asked: Promise<unknown>[] = [];
        const asking = setInterval(() => asked.push(room.stats()), 1);
        await room.leave();
        clearInterval(asking);
        const late = asked.map((one) => Promise.race([one.then(() => 0), new Promise((r) => setTimeout(r, 5_000, 1))]));
        return [asked.length, (await Promise.all(late)).filter((one) => one === 1).length] as const;
      });
      assert.ok(unanswered[0] > 0);
      assert.equal(unanswered[1], 0, `of ${unanswered[0]}`);
    });
  }
});
